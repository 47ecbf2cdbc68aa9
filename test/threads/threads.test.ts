/** Environment copies in worker threads play exactly as in the main thread, and what goes wrong there is told here. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { openEmbedded } from "../../envs/index.js";
import { type EpisodeInfo, timeStepFields, type VectorEnvironment } from "../../src/environment.js";
import { randomLegalAction } from "../../src/environments/player.js";
import { vectorizeOver } from "../../src/environments/threads/index.js";
import { allocateVectorTimeStep } from "../../src/environments/timestep.js";
import { BatonError } from "../../src/errors.js";
import { RandomStream } from "../../src/tensor/random.js";
import { trainInMemory } from "../learning/train.js";

const opened: VectorEnvironment[] = [];
afterEach(async () => {
  for (const environment of opened.splice(0)) await environment.close?.();
});

async function open(id: string, copies: number, threads: number, options = {}): Promise<VectorEnvironment> {
  const maker = await openEmbedded(id, options, undefined, import.meta.dirname);
  const environment = await vectorizeOver(threads, maker, copies);
  opened.push(environment);
  return environment;
}

/** Everything that `steps` steps of random play show, each copy with chance of its own. Two time steps take turns. */
async function play(environment: VectorEnvironment, steps: number, seedOf: (copy: number) => number) {
  const { spec, copies } = environment;
  const outs = [allocateVectorTimeStep(spec, copies), allocateVectorTimeStep(spec, copies)] as const;
  const chance = Array.from({ length: copies }, (_, copy) => RandomStream.from(seedOf(copy), "play"));
  const actions = new Int32Array(copies * spec.agents);
  const all = chance.map((_, copy) => copy);
  const seen: unknown[][] = all.map(() => []);
  await environment.reset(all, all.map(seedOf), outs[0]);
  await environment.reset(all, all.map(seedOf), outs[1]);
  for (let t = 0; t < steps; t++) {
    const [before, out] = [outs[t % 2]!, outs[(t + 1) % 2]!];
    for (let row = 0; row < actions.length; row++) {
      const rng = chance[Math.floor(row / spec.agents)]!;
      actions[row] = randomLegalAction(before.actionMask, row * spec.actions, spec.actions, rng);
    }
    await environment.step(actions, out);
    const ended = all.filter((copy) => out.terminated[copy] || out.truncated[copy]);
    for (const copy of all) {
      const rows = timeStepFields.map((field) => {
        const size = out[field].length / copies;
        return Buffer.from(out[field].slice(copy * size, (copy + 1) * size).buffer).toString("base64");
      });
      const info: EpisodeInfo = { ...out.infos[copy]! };
      const frame = t % 7 === 0 ? environment.frame?.(copy) : undefined;
      seen[copy]!.push([rows, out.reward[copy], out.terminated[copy], out.truncated[copy], info, frame]);
    }
    if (ended.length > 0) {
      await environment.reset(
        ended,
        ended.map((copy) => seedOf(copy) + 100 + t),
        out,
      );
    }
  }
  return seen;
}

async function mistakeOf(attempt: Promise<unknown>): Promise<BatonError> {
  const error: unknown = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(BatonError);
  return error as BatonError;
}

describe("copies over threads", () => {
  it.each(["skirmish/2s3z", "matrix/spiders-and-fly", "./misbehaving.mjs"])("play %s bit for bit as without", async (id) => {
    const seedOf = (copy: number) => 7 * copy + 1;
    const steps = 130;
    const alone = await play(await open(id, 5, 0), steps, seedOf);
    for (const threads of id.startsWith("skirmish") ? [2, 5] : [2])
      expect(await play(await open(id, 5, threads), steps, seedOf)).toEqual(alone);
    // more threads than copies: the third of five plays as the only one of one
    const only = await play(await open(id, 1, 3), steps, () => seedOf(2));
    expect(only[0]).toEqual(alone[2]);
  });

  it("come from a TypeScript file too, options and all", async () => {
    const id = fileURLToPath(new URL("../../experiments/examples/my-env.ts", import.meta.url));
    const environment = await open(id, 3, 2);
    const other = await open(id, 3, 0);
    expect(environment.spec).toEqual(other.spec);
    expect(await play(environment, 20, (copy) => copy)).toEqual(await play(other, 20, (copy) => copy));
  });

  it("take the options as they were checked, once", async () => {
    expect((await open("./picky.mjs", 2, 2, { steps: "7" })).spec.episodeLimit).toBe(7);
  });

  it("refuse an illegal action by the copy's own number, and a wrong time step", async () => {
    const environment = await open("skirmish/3m", 4, 2);
    const out = allocateVectorTimeStep(environment.spec, 4);
    await environment.reset([0, 1, 2, 3], [1, 2, 3, 4], out);
    const actions = new Int32Array(12).fill(1);
    actions[9] = 8;
    const mistake = await mistakeOf(Promise.resolve(environment.step(actions, out)));
    expect(mistake.message).toBe("copy 3 of skirmish/3m: agent 0 may not choose action 8 (target 2)");
    expect(mistake.hint).toMatch(/^allowed now: 1 stop/);
    const short = allocateVectorTimeStep(environment.spec, 3);
    expect((await mistakeOf(Promise.resolve(environment.reset([0], [1], short)))).message).toContain("3 copies is given to 4");
    expect((await mistakeOf(Promise.resolve(environment.reset([4], [1], out)))).message).toContain("only 0 … 3");
  });
});

it("a training over threads is the training without, bit for bit", async () => {
  const settings = (envThreads: number) => ({
    ...{ seed: 3, envThreads, env: { id: "skirmish/3m" }, agent: { name: "ace", hidden: 8, batchSize: 8 } },
    training: { environmentSteps: 600, copies: 4, warmupSteps: 60, updatesPerStep: 0.2 },
    evaluation: { everySteps: 200, episodes: 3 },
  });
  const [alone, spread] = [await trainInMemory(settings(0)), await trainInMemory(settings(2))];
  const isTime = (name: string) => name === "wallSeconds" || /^time[A-Z]/.test(name);
  const curve = ({ records }: typeof alone) =>
    records.map((record) => Object.fromEntries(Object.entries(record).filter(([name]) => !isTime(name))));
  expect(curve(alone)).toHaveLength(3);
  expect(curve(alone).at(-1)!.loss).toBeGreaterThan(0);
  expect(curve(spread)).toEqual(curve(alone));
});

describe("what goes wrong in a thread", () => {
  const failing = async (mischief: string) => {
    const environment = await open("./misbehaving.mjs", 3, 2, { mischief });
    const out = allocateVectorTimeStep(environment.spec, 3);
    await environment.reset([0, 1, 2], [1, 2, 3], out);
    await environment.step(new Int32Array(3), out);
    return mistakeOf(Promise.resolve(environment.step(new Int32Array(3), out)));
  };

  it("is one message when the environment throws, with the line", async () => {
    const { code, message } = await failing("throw");
    expect(code).toBe("environment");
    expect(message).toMatch(/^misbehaving failed: TypeError: oops \(at .*misbehaving\.mjs:22:\d+\)\)$/);
  });

  it("is one message when the thread ends", async () => {
    const { message } = await failing("exit");
    expect(message).toBe("a thread that steps environments broke: it ended by itself with exit code 3");
  });

  it("is one message when info does not fit", async () => {
    expect((await failing("long-info")).message).toContain("the info of copy 0 takes 50");
  });

  it("ends a training with that message, whatever the learner is about", async () => {
    const env = { id: "./test/threads/misbehaving.mjs", mischief: "throw", at: 9 };
    const training = { environmentSteps: 200, copies: 2, warmupSteps: 4, updatesPerStep: 1 };
    const agent = { name: "ace", hidden: 8, batchSize: 4 };
    const settings = { seed: 1, envThreads: 2, env, agent, training, evaluation: { everySteps: 100, episodes: 1 } };
    expect((await mistakeOf(trainInMemory(settings))).message).toMatch(/^misbehaving failed: TypeError: oops/);
  });

  it("is told when the environment cannot be made there", async () => {
    const maker = await openEmbedded("./misbehaving.mjs", {}, undefined, import.meta.dirname);
    const argument = { ...(maker.source.argument as object), options: { mischief: "birth" } };
    const mistake = await mistakeOf(vectorizeOver(2, { ...maker, source: { ...maker.source, argument } }, 2));
    expect(mistake.message).toContain("TypeError: no simulator here");
  });

  it("is the first copy's mistake when several cannot be made, and the others are closed", async () => {
    const maker = await openEmbedded("./misbehaving.mjs", { mischief: "all" }, undefined, import.meta.dirname);
    const mistake = await mistakeOf(vectorizeOver(3, maker, 3));
    expect(mistake.message).toContain("TypeError: no simulator for copy 0");
  });

  it("does not keep the other threads from being closed", async () => {
    const maker = await openEmbedded("./misbehaving.mjs", { mischief: "close" }, undefined, import.meta.dirname);
    const environment = await vectorizeOver(3, maker, 3);
    expect((await mistakeOf(Promise.resolve(environment.close?.()))).message).toContain("copy 0 cannot be closed");
  });
});

it("threads that nobody closed keep no process alive", async () => {
  const child = fork(fileURLToPath(new URL("./left-open.ts", import.meta.url)), { execArgv: ["--import", "tsx"], stdio: "pipe" });
  const [code] = (await once(child, "exit")) as [number];
  expect(code).toBe(0);
});
