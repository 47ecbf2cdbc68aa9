import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { mistake } from "../../test/mistake.js";
import { pretrainCommand } from "../cli/pretrain.js";
import { probeCommand } from "../cli/probe.js";
import { recordCommand } from "../cli/record.js";
import { trainCommand } from "../cli/train.js";
import { loadCheckpoint, RunFolder, readMetrics } from "../runs/index.js";
import { openDevice } from "../tensor/devices.js";
import { RandomStream } from "../tensor/random.js";
import { type HostArray, type HostTree, leavesOf } from "../tensor/tree.js";
import { type Experiment, resolveExperiment } from "../training/experiment.js";
import { setLayer } from "../training/layers.js";
import { beginRun, trainRun } from "../training/session.js";
import { startOf } from "../training/transfer.js";
import { resolveTrajectoryRecipe, type TrajectoryRecipe, trajectoryRecipeLayer, trajectoryRecipeNames } from "./recipe.js";
import { beginTrajectoryRun, openWindows, pretrainTrajectories } from "./run.js";

const root = mkdtempSync(join(tmpdir(), "baton-trajectory-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const device = () => openDevice("cpu", { threads: 1 });

let printed = "";
beforeEach(() => {
  printed = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += text;
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation(() => true);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const recording = join(root, "recording");
const recordTo = async (path: string, env: string, ...more: string[]) => {
  await recordCommand().parseAsync(["--env", env, "--to", path, "--episodes", "12", "--json", ...more], { from: "user" });
  return JSON.parse(printed.slice(printed.lastIndexOf("{"))) as Record<string, unknown>;
};
beforeAll(async () => {
  const args = ["--env", "skirmish/3m", "--to", recording, "--episodes", "12", "--json"];
  await recordCommand().parseAsync(args, { from: "user" });
});

it.each([
  ["checkpoint", "latest"],
  ["device", "cpu"],
  ["threads", "2"],
])("is not recorded with --%s where no network plays", async (option, value) => {
  const path = join(root, "no-network");
  for (const policy of ["random", "kite"]) {
    const recorded = recordTo(path, "skirmish/3m", "--policy", policy, `--${option}`, value);
    await expect(recorded).rejects.toThrow(`--${option} has no meaning here: no policy is a run's, so there is no network`);
  }
  expect(existsSync(path)).toBe(false);
});

/** A recipe that takes seconds. */
const small = (...assignments: string[]): TrajectoryRecipe =>
  resolveTrajectoryRecipe([
    trajectoryRecipeLayer("trajectory"),
    setLayer([
      `data.recordings=["${recording}"]`,
      "window.frames=4",
      "encoder.hidden=8",
      "decoder.width=8",
      "decoder.heads=2",
      "batch=8",
      "updates=30",
      "warmupUpdates=3",
      "reportEvery=10",
      "checkpointEvery=7",
      "heldOutWindows=16",
      "learningRate=0.01",
      ...assignments,
    ]),
  ]);

const bytesOf = (tree: HostTree) =>
  leavesOf<HostArray>(tree).map(({ path, leaf }) => [
    path,
    Buffer.from(new Uint8Array(leaf.data.buffer, leaf.data.byteOffset, leaf.data.byteLength)).toString("base64"),
  ]);
const stateOf = (path: string) => bytesOf(loadCheckpoint(RunFolder.open(path), "latest", { replay: false }).state);
const curveOf = (path: string) => readMetrics(RunFolder.open(path)).map(({ wallSeconds: _, ...record }) => record);

/** Pre-trains in a run folder, which is begun where there is none. */
const pretrainIn = (path: string, ...rest: Parameters<typeof pretrainTrajectories> extends [unknown, ...infer R] ? R : never) =>
  pretrainTrajectories(
    (beginning) => (RunFolder.inspect(path) === "run" ? RunFolder.open(path) : beginTrajectoryRun(path, beginning)),
    ...rest,
  );

const learnt = join(root, "learnt");
beforeAll(async () => {
  await pretrainIn(learnt, small(), await device());
});

describe("trajectory pre-training", () => {
  it("learns what is hidden, on kept episodes too", async () => {
    const path = join(root, "longer");
    await pretrainIn(path, small("updates=150", "encoder.hidden=16", "batch=16"), await device());
    const curve = readMetrics(RunFolder.open(path));
    const { heldOutLoss, loss } = curve.at(-1)!;
    expect(heldOutLoss).toBeLessThan(0.95 * curve[0]!.heldOutLoss!);
    expect(loss).toBeLessThan(0.85 * curve[0]!.loss!);
    expect(new Set(curve.map(({ persistenceLoss }) => persistenceLoss)).size).toBe(1);
  });

  it("is the same again, bit for bit, and not with another seed", async () => {
    const again = join(root, "again");
    await pretrainIn(again, small(), await device());
    expect([stateOf(again), curveOf(again)]).toEqual([stateOf(learnt), curveOf(learnt)]);
    const other = join(root, "other");
    await pretrainIn(other, small("seed=1"), await device());
    expect(stateOf(other)).not.toEqual(stateOf(learnt));
  });

  it("that is stopped or killed and resumed ends as one that is not, though more was recorded meanwhile", async () => {
    const growing = join(root, "growing");
    cpSync(recording, growing, { recursive: true });
    const recipe = small(`data.recordings=["${growing}"]`);
    const [stopped, killed] = [join(root, "stopped"), join(root, "killed")];
    const stop = new AbortController();
    const onReport = (update: number) => {
      if (update !== 20) return;
      // as it is on disk at this moment: the last checkpoint is of update 14
      cpSync(stopped, killed, { recursive: true });
      stop.abort();
    };
    expect((await pretrainIn(stopped, recipe, await device(), { onReport }, stop.signal)).updates).toBe(20);
    rmSync(join(killed, "lock"), { force: true });
    await recordTo(growing, "skirmish/3m", "--episodes", "15");
    expect(loadCheckpoint(RunFolder.open(killed), "latest").step).toBe(14);
    for (const path of [stopped, killed]) {
      const own = resolveTrajectoryRecipe([
        { settings: { ...small(), data: { ...recipe.data, episodes: [12] } }, origin: () => undefined },
      ]);
      expect((await pretrainIn(path, own, await device())).updates).toBe(30);
      expect([stateOf(path), curveOf(path)]).toEqual([stateOf(learnt), curveOf(learnt)]);
    }
    expect(readFileSync(join(stopped, "config.yaml"), "utf8")).toMatch(/episodes:\n\s+- 12/);
  });

  it("learns a transformer, from several maps, with other maskings", async () => {
    const large = join(root, "large");
    await recordTo(large, "skirmish/5m_vs_6m");
    const recordings = `data.recordings=["${recording}","${large}"]`;
    const transformer = ["encoder.encoder=transformer", "encoder.heads=2"];
    for (const masking of ["{strategy: tube, ratio: 0.75}", "{strategy: frame, ratio: 0.75}", "{strategy: block, ratio: 0.75}"]) {
      const path = join(root, masking.replaceAll(/\W+/g, "-"));
      const recipe = small(recordings, ...transformer, `masking=${masking}`, "updates=10");
      const { updates } = await pretrainIn(path, recipe, await device());
      expect(updates).toBe(10);
      const { info } = RunFolder.open(path);
      expect(info).toMatchObject({ env: "skirmish/3m+skirmish/5m_vs_6m", entityFeatures: 33, relationFeatures: 6 });
      expect(readMetrics(RunFolder.open(path)).every(({ loss }) => Number.isFinite(loss))).toBe(true);
    }
  });

  it("refuses recipes that make no sense, by name", async () => {
    expect(trajectoryRecipeNames()).toEqual(
      expect.arrayContaining(["trajectory", "trajectory-frames", "trajectory-transformer"]),
    );
    for (const name of trajectoryRecipeNames())
      expect(() => resolveTrajectoryRecipe([trajectoryRecipeLayer(name)])).not.toThrow();
    expect(await mistake(() => trajectoryRecipeLayer("trajectry"))).toContain('unknown recipe "trajectry"');
    expect(await mistake(() => small("decoder.width=9"))).toContain("decoder.width is 9");
    expect(await mistake(() => small("encoder.encoder=transformer", "encoder.heads=3"))).toContain("encoder.heads is 3");
    expect(await mistake(() => small("masking={strategy: attention}"))).toContain("by random, tube, frame or block");
    expect(await mistake(() => small("window.frame=3"))).toContain('did you mean "frames"');
    const nothing = join(root, "nothing");
    const learning = async (...more: string[]) => mistake(pretrainIn(nothing, small(...more), await device()));
    expect(await learning("data.recordings=[]")).toContain("names no recording to learn from");
    expect(await learning(`data.recordings=["${learnt}"]`)).toContain("is not a recording: there is no recording.json");
    expect(await learning("data.episodes=[13]")).toContain("has 12 episodes, but 13 are needed");
    expect(await learning("data.episodes=[3, 4]")).toContain("data.episodes has 2 numbers for 1 recordings");
    expect(await learning("masking.ratio=0.99")).toContain("keeps none of 24 tokens");
    expect(RunFolder.inspect(nothing)).toBe("absent");
    const wider = await mistake(pretrainIn(learnt, small("encoder.hidden=16"), await device()));
    expect(wider).toContain('"params/encoder/state/hidden/w" is float32 [33,8] instead of float32 [33,16]');
  });
});

describe("an encoder that was pre-trained", () => {
  const experimentOf = (env: string, agent: object = {}, more: object = {}): Promise<Experiment> =>
    resolveExperiment({
      settings: {
        env: { id: env },
        seed: 3,
        agent: { name: "ace", hidden: 8, batchSize: 8, ...agent },
        training: { environmentSteps: 64, copies: 4, warmupSteps: 1000, replayCapacity: 400 },
        evaluation: { everySteps: 64, episodes: 2 },
        initialEncoder: learnt,
        ...more,
      },
      origin: () => undefined,
    });
  const policyIn = (path: string) => new Map(bytesOf(loadCheckpoint(RunFolder.open(path), "best").state) as [string, string][]);

  it("is where training starts from, on another map too, and nothing else is changed", async () => {
    const experiment = await experimentOf("skirmish/8m");
    const path = join(root, "trained");
    await trainRun(beginRun(path, experiment), experiment, await device()); // no update yet
    const { params } = loadCheckpoint(RunFolder.open(learnt), "latest").state as { params: { encoder: HostTree } };
    const encoder = new Map(bytesOf(params.encoder).map(([name, data]) => [`encoder/${name}`, data]));
    const fresh = new Map(
      bytesOf(experiment.agent.policy(experiment.agent.init(RandomStream.from(3, "initial weights")))) as [string, string][],
    );
    const trained = policyIn(path);
    expect([...trained.keys()]).toEqual([...fresh.keys()]);
    for (const [name, data] of trained) expect(data, name).toBe(encoder.get(name) ?? fresh.get(name));
    expect(encoder.size).toBeGreaterThan(5);
    for (const [name, data] of encoder) expect(data, name).not.toBe(fresh.get(name));
    // the other network, too
    const { target } = loadCheckpoint(RunFolder.open(path), "latest").state as { target: HostTree };
    expect(new Map(bytesOf(target) as [string, string][])).toEqual(trained);
  });

  it("may be that of a trained team, and is asked for only once", async () => {
    const first = await experimentOf("skirmish/3m", {}, { initialEncoder: null });
    const teacher = join(root, "teacher");
    await trainRun(beginRun(teacher, first), first, await device());
    const experiment = await experimentOf("skirmish/5m_vs_6m", {}, { initialEncoder: teacher, seed: 4 });
    const path = join(root, "pupil");
    const run = beginRun(path, experiment);
    await trainRun(run, experiment, await device());
    for (const [name, data] of policyIn(teacher)) {
      if (name.startsWith("encoder/")) expect(policyIn(path).get(name)).toBe(data);
    }
    rmSync(teacher, { recursive: true });
    const longer = {
      ...experiment,
      config: { ...experiment.config, training: { ...experiment.config.training, environmentSteps: 128 } },
    };
    expect((await trainRun(run, longer, await device())).environmentSteps).toBe(128);
  });

  it("that does not fit is refused, with the reason, before anything is made", async () => {
    const refused = async (...args: Parameters<typeof experimentOf>) => mistake(startOf(await experimentOf(...args)));
    expect(await refused("skirmish/MMM")).toMatch(
      /does not fit ace on skirmish\/MMM: features per entity: 33 there, 35 here; an encoder fits/,
    );
    expect(await refused("skirmish/3m", { hidden: 16 })).toContain(
      '"encoder/state/hidden/w" is [33,8] instead of [33,16]; agent.hidden',
    );
    expect(await refused("skirmish/3m", { encoder: "transformer" })).toContain('it has no "encoder/token/w"');
    expect(await refused("skirmish/3m", { name: "iql", hidden: undefined, batchSize: undefined })).toContain(
      "which iql here does not",
    );
    expect(await refused("skirmish/3m", {}, { initialEncoder: join(root, "nowhere") })).toContain("is not a run folder");
    expect(await refused("skirmish/3m", {}, { initial: learnt })).toContain("--init-encoder");
    const folder = join(root, "never");
    const args = ["--env", "skirmish/MMM", "--init-encoder", learnt, "--run", folder, "--set", "agent.hidden=8"];
    expect(await mistake(trainCommand().parseAsync(args, { from: "user" }))).toContain("features per entity");
    expect(RunFolder.inspect(folder)).toBe("absent");
  });
});

it("record, pretrain and train go hand in hand on the command line", async () => {
  const [data, pretrained, trained] = [join(root, "cli-data"), join(root, "cli-pretrained"), join(root, "cli-trained")];
  expect(await recordTo(data, "skirmish/3m", "--policy", "focus-fire:0.2")).toMatchObject({ episodes: 12, finished: true });
  const sizes = ["encoder.hidden=8", "batch=8", "updates=10", "warmupUpdates=2"].flatMap((one) => ["--set", one]);
  await pretrainCommand().parseAsync(["trajectory", "--recording", data, "--run", pretrained, ...sizes], { from: "user" });
  expect(printed).toContain(`train with it: baton train PRESET --init-encoder ${pretrained}`);
  await pretrainCommand().parseAsync(["--run", pretrained, "--set", "updates=12", "--json"], { from: "user" });
  expect(printed).toContain('"updates": 12');
  const refused = (...args: string[]) => mistake(pretrainCommand().parseAsync([...args, "--run", pretrained], { from: "user" }));
  expect(await refused("trajectory", "--recording", recording)).toContain(`data.recordings is ["${data}"] there, but`);
  expect(await refused("trajectory-frames")).toContain('masking.strategy is "random" there, but "frame" here');
  expect(await refused("mae")).toContain("is a run of trajectory-autoencoder on skirmish/3m, not of baton pretrain on pictures");
  expect(await refused("--weights", "w.safetensors")).toContain("--weights has no meaning for this recipe or run");
  expect(await mistake(probeCommand().parseAsync([pretrained], { from: "user" }))).toContain(`--init-encoder ${pretrained}`);
  const few = ["training.environmentSteps=128", "training.warmupSteps=16", "training.copies=4", "evaluation.episodes=2"];
  const more = ["agent.hidden=8", "agent.batchSize=8", ...few].flatMap((one) => ["--set", one]);
  const args = [
    "--env",
    "skirmish/5m_vs_6m",
    "--run",
    trained,
    "--init-encoder",
    pretrained,
    "--device",
    "cpu",
    ...more,
    "--json",
  ];
  await trainCommand().parseAsync(args, { from: "user" });
  expect(printed).toContain('"finished": true');
  expect(readFileSync(join(trained, "config.yaml"), "utf8")).toContain(`initialEncoder: ${pretrained}`);
  const recipe = join(root, "own.yaml");
  writeFileSync(recipe, "data: { kind: recordings }\nbatch: 8\nupdates: 1\n");
  await pretrainCommand().parseAsync([recipe, "--recording", data, "--run", join(root, "own"), "--json"], { from: "user" });
  expect(openWindows(small()).episodes).toEqual([12]);
});
