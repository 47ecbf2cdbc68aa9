import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openEmbedded, openEnvironment } from "../../envs/index.js";
import { brokenDisk, fastDisk, Killed } from "../../test/broken-disk.js";
import { mistake } from "../../test/mistake.js";
import { simulatorSettings } from "../bridge/settings.js";
import type { VectorTimeStep } from "../environment.js";
import { completeEnvironment } from "../environments/complete.js";
import { LostEpisodes } from "../environments/lost.js";
import { allocateTimeStep } from "../environments/timestep.js";
import { RowKind } from "../replay/lane.js";
import type { ColumnArray } from "../replay/layout.js";
import { openDevice } from "../tensor/devices.js";
import { resolveExperiment } from "../training/experiment.js";
import { beginRun, trainRun } from "../training/session.js";
import { parsePolicy } from "./policies.js";
import { defaultFields, parseFields, type RecordOptions, record } from "./record.js";
import { policyAt } from "./recorder.js";
import { Recording } from "./recording.js";
import { GrowingRows } from "./rows.js";
import { type EpisodeRows, RecordingWriter } from "./writer.js";

const root = mkdtempSync(join(tmpdir(), "baton-recording-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const device = () => openDevice("cpu", { threads: 1 });
const resources = { envThreads: 0, simulators: simulatorSettings.parse({}) };

const recordTo = async (
  name: string,
  more: Partial<RecordOptions> & { env?: string; who?: string[] } = {},
  signal?: AbortSignal,
) => {
  const { env = "skirmish/3m", who = ["random"], ...rest } = more;
  const path = join(root, name);
  const opened = await openEnvironment(env);
  const options = { opened, resources, path, policies: who.map(parsePolicy), checkpoint: "best" as const, device };
  const done = await record({ ...options, episodes: 7, seed: 5, copies: 3, fields: defaultFields, ...rest }, {}, signal);
  return { ...done, path };
};

/** Everything that a recording holds, episode by episode. */
function contents(path: string) {
  const recording = Recording.open(path);
  const episodes = recording.episodes.map(({ segment: _, first: __, ...facts }, k) => ({
    facts,
    columns: recording.columns.map((_, c) => Array.from(recording.read(recording.episodes[k]!, c, 0, facts.rows))),
  }));
  recording.close();
  return episodes;
}

const run = join(root, "run");
beforeAll(async () => {
  const settings = {
    env: { id: "skirmish/3m" },
    agent: { name: "ace", hidden: 8, batchSize: 8 },
    training: { environmentSteps: 64, copies: 4, warmupSteps: 32, replayCapacity: 400 },
    evaluation: { everySteps: 64, episodes: 2 },
  };
  const experiment = await resolveExperiment({ settings, origin: () => undefined });
  await trainRun(beginRun(run, experiment), experiment, await device());
});

describe("a recording", () => {
  it("is what happens when its actions are played again from its seeds", async () => {
    const { path } = await recordTo("replayed", { who: ["random", "focus-fire:0.3"], env: "skirmish/2s3z" });
    const environment = completeEnvironment((await openEmbedded("skirmish/2s3z")).make());
    const recording = Recording.open(path);
    const { agents: n, entities: N } = recording.spec;
    expect(recording.episodes).toHaveLength(7);
    const out = allocateTimeStep(environment.spec);
    for (const episode of recording.episodes) {
      const column = (name: Parameters<Recording["columnOf"]>[0]) =>
        recording.read(episode, recording.columnOf(name), 0, episode.rows);
      const [actions, kinds, rewards] = [column("actions"), column("kind"), column("reward")];
      const fields = defaultFields.map((field) => ({ field, rows: column(field) }));
      let sum = 0;
      environment.reset(episode.seed, out);
      for (let t = 0; t < episode.rows; t++) {
        for (const { field, rows } of fields) {
          const width = rows.length / episode.rows;
          expect([...rows.subarray(t * width, (t + 1) * width)], `${field} at ${t}`).toEqual([...out[field]]);
        }
        if (t === episode.rows - 1) break;
        environment.step(Int32Array.from(actions.subarray(t * n, (t + 1) * n)), out);
        sum += Math.fround(out.reward);
        expect(rewards[t]).toBe(Math.fround(out.reward));
        const end = out.terminated ? RowKind.terminated : out.truncated ? RowKind.truncated : RowKind.ordinary;
        expect(kinds[t]).toBe(end);
      }
      expect(kinds[episode.rows - 1]).toBe(RowKind.boundary);
      expect(episode.return).toBeCloseTo(sum, 4);
      expect(episode.won).toBe(out.info.won === true);
      // any stretch of rows is what stands there
      const alive = fields.find(({ field }) => field === "alive")!.rows;
      expect([...recording.read(episode, recording.columnOf("alive"), 2, 3)]).toEqual([...alive.subarray(2 * N, 5 * N)]);
    }
    recording.close();
  });

  it("is the same however many copies play it, and when it is stopped and gone on with", async () => {
    const who = ["random", "kite:0.2=2", run];
    const whole = contents((await recordTo("whole", { who, copies: 1 })).path);
    expect(contents((await recordTo("many", { who, copies: 5 })).path)).toEqual(whole);
    const stop = new AbortController();
    const first = await recordTo("stopped", { who, episodes: 3 });
    expect(first).toMatchObject({ episodes: 3, recorded: 3 });
    stop.abort();
    await recordTo("stopped", { who }, stop.signal); // stopped before it began
    expect((await recordTo("stopped", { who })).recorded).toBe(4);
    expect(contents(first.path)).toEqual(whole);
    expect(await recordTo("stopped", { who })).toMatchObject({ episodes: 7, recorded: 0 });
    expect(new Set(whole.map(({ facts }) => facts.policy)).size).toBeGreaterThan(1);
    expect(contents((await recordTo("other", { who, seed: 6 })).path)).not.toEqual(whole);
  });

  it("holds what is whole when its environment fails, and fails to close as well", async () => {
    const opened = await openEnvironment("skirmish/3m");
    let steps = 0;
    const failing: typeof opened = {
      ...opened,
      async vectorize(...parameters) {
        const environment = await opened.vectorize(...parameters);
        const failure = (what: string) => {
          throw new Error(what);
        };
        return {
          ...{ spec: environment.spec, copies: environment.copies },
          reset: (copies, seeds, out) => environment.reset(copies, seeds, out),
          step: (actions, out) => (++steps > 130 ? failure("it broke") : environment.step(actions, out)),
          close: () => failure("it is stuck"),
        };
      },
    };
    await expect(recordTo("stuck", { opened: failing, copies: 1 })).rejects.toThrow("it is stuck");
    expect(contents(join(root, "stuck")).length).toBeGreaterThan(0);
    expect((await recordTo("stuck", { copies: 1 })).episodes).toBe(7);
  });

  it("holds what is whole when it is stopped in the middle", async () => {
    const stop = new AbortController();
    let steps = 0;
    const opened = await openEmbedded("skirmish/3m");
    const counting = {
      ...opened,
      async vectorize(...args: Parameters<typeof opened.vectorize>) {
        const environment = await opened.vectorize(...args);
        const step = environment.step.bind(environment);
        environment.step = (actions, out) => {
          if (++steps === 60) stop.abort();
          return step(actions, out);
        };
        return environment;
      },
    };
    const options = { opened: counting, resources, path: join(root, "middle"), policies: [parsePolicy("random")], device };
    const rest = { checkpoint: "best" as const, episodes: 50, seed: 5, copies: 3, fields: defaultFields };
    const done = await record({ ...options, ...rest }, {}, stop.signal);
    expect(steps).toBe(60);
    expect(done.episodes).toBeGreaterThan(0);
    expect(done.episodes).toBeLessThan(50);
    const { path } = await recordTo("undisturbed", { episodes: done.episodes });
    expect(contents(join(root, "middle"))).toEqual(contents(path));
  });

  it("hears of Ctrl-C while simulators that never wait are played", async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    const { episodes } = await recordTo("endless", { episodes: 1_000_000 }, stop.signal);
    expect(episodes).toBeLessThan(1_000_000);
    expect(contents(join(root, "endless"))).toHaveLength(episodes);
  });

  it("is none the worse for simulators that break", async () => {
    const opened = await openEmbedded("skirmish/3m");
    let [steps, resets, broken] = [0, 0, 0];
    const fragile = {
      ...opened,
      async vectorize(...args: Parameters<typeof opened.vectorize>) {
        const environment = await opened.vectorize(...args);
        const [step, reset] = [environment.step.bind(environment), environment.reset.bind(environment)];
        const breaks = () => {
          broken += 1;
          throw new LostEpisodes("broken");
        };
        environment.step = (actions, out) => (++steps === 20 ? breaks() : step(actions, out));
        environment.reset = (...episodes) => (++resets === 4 ? breaks() : reset(...episodes));
        return environment;
      },
    };
    const { path } = await recordTo("broken", { opened: fragile });
    expect(broken).toBe(2);
    expect(contents(path)).toEqual(contents((await recordTo("sound")).path));
  });

  it("is played by a run's weights on another map too, and knows which", async () => {
    const { path } = await recordTo("elsewhere", { who: [`${run}:0.1`], env: "skirmish/5m_vs_6m", episodes: 2 });
    const recording = Recording.open(path);
    expect(recording.manifest.policies).toEqual([{ what: run, epsilon: 0.1, weight: 1, checkpoint: 64 }]);
    expect(recording.spec.agents).toBe(5);
    recording.close();
  });

  it("takes its policies by their weights, and acts at random as often as it is told", async () => {
    const policies = [parsePolicy("random=3"), parsePolicy("flee=1")];
    expect([0, 0.7, 0.76, 0.999].map((at) => policyAt(policies, at))).toEqual([0, 0, 1, 1]);
    // flee never attacks (actions from 6 on); with half of the actions at random it does
    const attacks = async (name: string, who: string) =>
      contents((await recordTo(name, { who: [who], episodes: 4 })).path)
        .flatMap(({ columns }) => columns.at(-3)!)
        .filter((action) => action >= 6).length;
    expect(await attacks("calm", "flee")).toBe(0);
    expect(await attacks("nervous", "flee:0.5")).toBeGreaterThan(0);
  });

  it("refuses what does not belong", async () => {
    await recordTo("mine", { episodes: 1 });
    expect(await mistake(recordTo("mine", { seed: 9 }))).toContain("is a recording with other seed: 5, not 9");
    expect(await mistake(recordTo("mine", { env: "skirmish/8m" }))).toContain("other environment: skirmish/3m, not skirmish/8m");
    expect(await mistake(recordTo("mine", { who: ["flee"] }))).toContain("other policies");
    expect(await mistake(recordTo("x", { who: ["fle"] }))).toContain("neither a policy of skirmish/3m nor the folder of a run");
    expect(await mistake(recordTo("x", { who: [run], env: "matrix/spiders-and-fly" }))).toMatch(
      /features per entity: 33 there, \d+ here/,
    );
    expect(readdirSync(root)).not.toContain("x");
    writeFileSync(join(root, "notes.txt"), "mine");
    expect(await mistake(recordTo("."))).toContain("is not empty and holds no recording");
    for (const text of ["flee:2", "flee:-1", "flee=0", "flee:x", "flee:0.1=", ""]) {
      expect(await mistake(() => parsePolicy(text))).toContain(`--policy is "${text}"`);
    }
    expect(parsePolicy("runs/3m-1:0.25=2")).toEqual({ what: "runs/3m-1", epsilon: 0.25, weight: 2 });
    expect(await mistake(() => parseFields("alive,health"))).toContain('--fields has "health"');
    expect(parseFields("alive, entities")).toEqual(["entities", "alive"]);
  });
});

describe("a recording's files", () => {
  const spec = completeEnvironment({
    spec: { id: "x", agents: 1, actions: 2, episodeLimit: 9, observationSize: 1 },
    reset() {},
    step() {},
  }).spec;
  const description = { baton: "0", options: {}, seed: 0, fields: ["alive"], policies: [parsePolicy("random")], spec } as never;
  const episode = (rows: number, from: number): EpisodeRows => {
    const blank: ColumnArray[] = [new Uint8Array(rows), new Uint8Array(rows), new Float32Array(rows), new Uint8Array(rows)];
    const columns = blank.map((column, c) => column.map((_, r) => from + 10 * c + r));
    return { facts: { seed: from, policy: 0, rows, won: false, return: 0 }, columns };
  };
  const episodes = [episode(3, 1), episode(2, 2), episode(5, 3), episode(1, 4)];
  const write = (path: string, disk = fastDisk) => {
    const writer = RecordingWriter.open(path, description, { disk, segmentBytes: 20 });
    try {
      for (const one of episodes.slice(writer.episodes)) writer.write(one);
    } finally {
      writer.close();
    }
  };

  it("hold whole episodes whatever instant their writer dies at, and are gone on with", () => {
    const path = join(root, "killed");
    const whole = join(root, "not-killed");
    write(whole);
    const expected = contents(whole);
    expect(expected.map(({ facts }) => facts.rows)).toEqual([3, 2, 5, 1]);
    expect(expected[2]!.columns).toEqual(episodes[2]!.columns.map((column) => [...column]));
    for (let k = 0; ; k++) {
      rmSync(path, { recursive: true, force: true });
      const { disk } = brokenDisk(k, "kill");
      try {
        write(path, disk);
        expect(k).toBeGreaterThan(20);
        return;
      } catch (error) {
        if (!(error instanceof Killed)) throw error;
      }
      rmSync(join(path, "lock"), { force: true }); // its process is gone, which a test's own is not
      if (readdirSync(path).includes("recording.json")) {
        const found = contents(path);
        expect(found).toEqual(expected.slice(0, found.length));
      }
      write(path);
      expect(contents(path)).toEqual(expected);
    }
  });

  it("say so when the disk is full", async () => {
    const { disk } = brokenDisk(12, "ENOSPC");
    expect(await mistake(() => write(join(root, "full"), disk))).toContain("the disk is full");
  });

  it("are refused when they are torn, damaged, missing, or of another version", async () => {
    const path = join(root, "torn");
    const again = () => {
      rmSync(path, { recursive: true, force: true });
      write(path);
      return join(path, "000000.rows");
    };
    const opening = () => mistake(() => Recording.open(path));
    truncateSync(again(), 40);
    expect(await opening()).toMatch(/000000.rows is torn or damaged: it has 40 bytes instead of \d+/);
    rmSync(again());
    expect(await opening()).toContain("ENOENT");
    again();
    writeFileSync(join(path, "recording.json"), JSON.stringify({ format: 99, baton: "9.0.0" }));
    expect(await opening()).toContain("has format 99 (written by Baton 9.0.0); this Baton reads format 1");
    writeFileSync(join(path, "recording.json"), "{");
    expect(await opening()).toContain("its recording.json is not JSON");
    writeFileSync(join(path, "recording.json"), JSON.stringify({ format: 1, baton: "0" }));
    expect(await opening()).toContain("recording.json, options");
    expect(await mistake(() => Recording.open(join(root, "nowhere")))).toContain("there is no recording.json");
  });

  it("are written by one at a time", async () => {
    const path = join(root, "locked");
    const writer = RecordingWriter.open(path, description);
    expect(await mistake(() => RecordingWriter.open(path, description))).toContain("is being written by process");
    writer.close();
    RecordingWriter.open(path, description).close();
  });

  it("grow with an episode", () => {
    const rows = new GrowingRows([
      { name: "alive", width: 2, type: "u8" },
      { name: "actions", width: 1, type: "u8" },
      { name: "reward", width: 1, type: "f32" },
      { name: "kind", width: 1, type: "u8" },
    ]);
    const step = { alive: new Uint8Array(4), reward: new Float32Array(2), terminated: [0, 0], truncated: [0, 0] };
    for (let t = 0; t < 100; t++) {
      step.alive.set([0, 0, t, t + 1]);
      rows.see(step as unknown as VectorTimeStep, 1, Int32Array.of(t));
      step.reward[1] = t / 2;
      rows.conclude(step as unknown as VectorTimeStep, 1);
    }
    const [alive, actions, reward] = rows.take();
    expect([alive![198], alive![199], actions![99], reward![99], alive!.length]).toEqual([99, 100, 99, 49.5, 200]);
  });
});
