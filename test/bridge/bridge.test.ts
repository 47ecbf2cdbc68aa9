import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import corridor from "../../experiments/examples/my-env.js";
import { connectGroups } from "../../src/bridge/client.js";
import { Connection, Host, openPythonEnvironment, type PythonOptions } from "../../src/bridge/index.js";
import { timeStepFields, type VectorEnvironment } from "../../src/environment.js";
import { completeEnvironment } from "../../src/environments/complete.js";
import { randomLegalAction } from "../../src/environments/player.js";
import { allocateTimeStep, allocateVectorTimeStep, viewOf } from "../../src/environments/timestep.js";
import { RandomStream } from "../../src/tensor/random.js";
import { temporaryFolder } from "../temporary-folder.js";
import { findPython } from "./python.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const games = `${root}envs/python/tests/games.py`;
const example = `${root}experiments/examples/my_env.py`;
const python = findPython();

/** Where sockets of this test lie: empty again when nothing was left behind. */
let sockets: string;
const opened: VectorEnvironment[] = [];

beforeEach(() => {
  sockets = temporaryFolder();
  vi.stubEnv("TMPDIR", sockets);
  vi.stubEnv("PYTHONDONTWRITEBYTECODE", "1");
});

afterEach(async () => {
  for (const env of opened.splice(0)) await env.close?.();
  vi.unstubAllEnvs();
  expect(left()).toEqual([]);
});

/** What hosts have left in the temporary folder (tsx keeps a folder of its own there). */
function left(): string[] {
  return readdirSync(sockets).filter((name) => name.startsWith("baton-"));
}

async function open(location: string, copies = 1, options: PythonOptions = {}): Promise<VectorEnvironment> {
  const env = await openPythonEnvironment(`python:${location}`, copies, { python: python!, ...options });
  opened.push(env);
  return env;
}

/** The environment of games.py that does `trouble`, about to do it: agent 0's action 1 brings it about. */
async function trouble(kind: string, options: PythonOptions = {}) {
  const env = await open(`${games}:Troubled`, 2, { options: { trouble: kind }, ...options });
  const out = allocateVectorTimeStep(env.spec, 2);
  const reset = async () => env.reset([0, 1], [1, 2], out);
  await reset();
  return {
    env,
    reset,
    calm: async () => env.step(new Int32Array(4), out),
    strike: async () => env.step(Int32Array.of(0, 0, 1, 0), out),
  };
}

/** Plays `episodes` episodes in each copy with random legal actions and keeps every time step as plain numbers. */
async function record(env: VectorEnvironment, episodes: number) {
  const { agents: n, actions: A } = env.spec;
  const out = allocateVectorTimeStep(env.spec, env.copies);
  const rng = RandomStream.from(1, "bridge");
  const actions = new Int32Array(env.copies * n);
  const running = Array.from({ length: env.copies }, (_, copy) => ({
    seed: copy,
    actions: [] as number[][],
    steps: [] as object[],
  }));
  const done: typeof running = [];
  const note = (copy: number) => {
    const { info, reward, terminated, truncated, ...arrays } = viewOf(out, copy);
    const plain = timeStepFields.map((field) => [field, [...arrays[field]]]);
    running[copy]!.steps.push({ ...Object.fromEntries(plain), reward, terminated, truncated, info });
    return terminated || truncated;
  };
  await env.reset(
    running.map((_, copy) => copy),
    running.map(({ seed }) => seed),
    out,
  );
  running.forEach((_, copy) => void note(copy));
  while (done.length < episodes) {
    for (let row = 0; row < actions.length; row++) actions[row] = randomLegalAction(out.actionMask, row * A, A, rng);
    await env.step(actions, out);
    for (let copy = 0; copy < env.copies; copy++) {
      running[copy]!.actions.push([...actions.subarray(copy * n, (copy + 1) * n)]);
      if (!note(copy)) continue;
      done.push(running[copy]!);
      running[copy] = { seed: 100 + done.length, actions: [], steps: [] };
      await env.reset([copy], [running[copy]!.seed], out);
      note(copy);
    }
  }
  return done;
}

async function gone(pid: number): Promise<void> {
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow("ESRCH"), { timeout: 20_000, interval: 20 });
}

describe.skipIf(!python)("a Python environment over the bridge", () => {
  it("gives pictures of every copy, where the environment says where its units are", async () => {
    const env = await open(`${example}:Corridor`, 3, { options: { length: 4 } });
    const out = allocateVectorTimeStep(env.spec, 3);
    const places = (copy: number) => env.frame!(copy)!.units.map(({ x }) => x);
    await env.reset([0, 1, 2], [0, 1, 2], out);
    expect([0, 1, 2].map(places)).toEqual([
      [0.5, 0.5],
      [1.5, 3.5],
      [2.5, 2.5],
    ]);
    await env.step(Int32Array.of(2, 0, 1, 2, 0, 2), out);
    expect([0, 1, 2].map(places)).toEqual([
      [1.5, 0.5],
      [0.5, 4.5],
      [2.5, 3.5],
    ]);
    await env.reset([1], [3], out);
    expect([0, 1, 2].map(places)).toEqual([
      [1.5, 0.5],
      [3.5, 1.5],
      [2.5, 3.5],
    ]);
    expect(env.frame!(1)).toMatchObject({ width: 5, height: 2, units: [{ type: "ringer", team: 0, alive: true }, { y: 1 }] });
    expect((await open(`${games}:Lights`)).frame).toBeUndefined();
  });

  it("has the spec that its class gives it", async () => {
    const { spec, copies } = await open(`${games}:Duel`, 2);
    expect(copies).toBe(2);
    expect(spec).toEqual({
      id: `python:${games}:Duel`,
      agents: 2,
      entities: 4,
      actions: 4,
      untargetedActions: 2,
      entityFeatures: 2,
      relationFeatures: 1,
      observationSize: 3,
      stateSize: 3,
      episodeLimit: 9,
      actionNames: ["rest", "wait", "hit first", "hit second"],
      predictedFeatures: [1],
    });
  });

  it("plays the episodes that its class plays in its own process, number for number", async () => {
    const episodes = await record(await open(`${games}:Duel`, 3), 12);
    const task = { file: games, class: "Duel", episodes: episodes.map(({ seed, actions }) => ({ seed, actions })) };
    const answer = execFileSync(python!, [`${root}test/bridge/in_process.py`], { input: JSON.stringify(task), encoding: "utf8" });
    expect(episodes.map(({ steps }) => steps)).toEqual(JSON.parse(answer));
    const ends = episodes.map(({ steps }) => steps.at(-1) as { terminated: boolean; truncated: boolean });
    expect(new Set(ends.map(({ terminated }) => terminated))).toEqual(new Set([true, false]));
  });

  it("plays the example as its TypeScript twin does", async () => {
    const episodes = await record(await open(`${example}:Corridor`, 2, { options: { length: 3 } }), 6);
    const twin = completeEnvironment(corridor({ length: 3 }));
    const out = allocateTimeStep(twin.spec);
    for (const { seed, actions, steps } of episodes) {
      twin.reset(seed, out);
      for (const [t, step] of steps.entries()) {
        if (t > 0) twin.step(Int32Array.from(actions[t - 1]!), out);
        const { terminated, truncated } = out;
        const arrays = { observations: [...out.observations], entities: [...out.entities], state: [...out.state] };
        expect(step).toMatchObject({ ...arrays, reward: Math.fround(out.reward), terminated, truncated });
      }
    }
  });

  it("finds modules in the given folders and passes options on", async () => {
    const env = await open("games:Lights", 1, { path: [`${root}envs/python/tests`], options: { brightness: 0.25 } });
    const out = allocateVectorTimeStep(env.spec, 1);
    await env.reset([0], [3], out);
    expect([...out.observations]).toEqual([0.25, 3]);
  });
});

describe.skipIf(!python)("a host at full speed", () => {
  it("loses no answer", async () => {
    // ZeroMQ learns late that a peer has read what it was sent: short answers in quick succession once found no room and vanished.
    const options = { size: 64, groups: 2, seconds: 0 };
    const host = new Host({ module: "baton_host.bench", environment: "null", copies: 4, options, python: python! });
    const connection = new Connection(host.endpoint, "null");
    try {
      const groups = await connectGroups(connection, 2, { start: 60, answer: 5 });
      await Promise.all(
        groups.map(async (group) => {
          const out = allocateVectorTimeStep(group.spec, 2);
          await group.reset([0, 1], [0, 0], out);
          for (let t = 0; t < 6000; t++) await group.step(new Int32Array(2), out);
        }),
      );
    } finally {
      connection.close();
      await host.close();
    }
  });
});

describe.skipIf(!python)("trouble in Python", () => {
  it("reaches the user as a sentence with the traceback of his own code, and a reset mends it", async () => {
    const { strike, calm, reset } = await trouble("raise");
    const error = await strike().then(
      () => undefined,
      (e: Error) => e,
    );
    expect(error).toMatchObject({ name: "BatonError", code: "environment" });
    const [sentence, ...traceback] = error!.message.split("\n");
    expect(sentence).toBe(`python:${games}:Troubled failed in step: ValueError: the lights went out`);
    expect(traceback.join("\n")).toMatch(/games\.py", line \d+, in step/);
    expect(traceback.join("\n")).not.toContain("baton_host");
    await expect(calm()).rejects.toMatchObject({ code: "invalid-value", hint: "reset it first" });
    await reset();
    await calm();
  });

  it("says which action is illegal", async () => {
    const env = await open(`${games}:Duel`);
    const out = allocateVectorTimeStep(env.spec, 1);
    await env.reset([0], [0], out);
    await expect(env.step(Int32Array.of(1, 0), out)).rejects.toMatchObject({
      code: "invalid-value",
      message: `copy 0 of python:${games}:Duel: agent 1 may not choose action 0 (rest)`,
      hint: "allowed now: 1 wait, 2 hit first, 3 hit second",
    });
  });

  it.each([
    [`${games}:Ligts`, "unknown-name", /has no class "Ligts"$/],
    ["no_such_module:Game", "unknown-name", /^there is no Python module "no_such_module"$/],
    [`${games}:Lights`, "environment", /cannot be made: TypeError: .*'colour'\n[\s\S]*Traceback/],
  ])("keeps %s from opening", async (location, code, message) => {
    await expect(open(location, 1, { options: { colour: "red" } })).rejects.toMatchObject({
      name: "BatonError",
      code,
      message: expect.stringMatching(message),
    });
  });

  it("shows the last words of a host that dies, with nothing left of it", async () => {
    let printed = "";
    const { strike, calm } = await trouble("die", { output: (text) => (printed += text) });
    const message = /its Python host ended \(killed by SIGKILL\); its last words:\nlast words$/;
    await expect(strike()).rejects.toMatchObject({ name: "BatonError", code: "io", message: expect.stringMatching(message) });
    expect(left()).toEqual([]);
    await expect(calm()).rejects.toMatchObject({ code: "io", message: expect.stringMatching(message) });
    expect(printed).toBe("last words\n");
  });

  it("gives up on a step that hangs, and closes all the same", async () => {
    const { env, strike } = await trouble("hang", { patience: { start: 60, answer: 0.2 } });
    await expect(strike()).rejects.toMatchObject({
      code: "io",
      message: expect.stringMatching(/no answer to "step" within 0.2 s/),
    });
    await env.close?.();
    expect(left()).toEqual([]);
  });
});

describe.skipIf(!python)("no host outlives", () => {
  /** A program that has opened a host; what is left of both is looked for afterwards. */
  async function program(...mode: string[]): Promise<{ program: ChildProcess; ended: Promise<unknown[]>; host: number }> {
    const script = fileURLToPath(new URL("open-and-wait.ts", import.meta.url));
    const started = spawn(process.execPath, ["--import", "tsx", script, python!, `${games}:Lights`, ...mode], {
      cwd: root,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(started, "exit");
    const [line] = (await once(started.stdout!, "data")) as [Buffer];
    return { program: started, ended, host: Number(line.toString()) };
  }

  it("the closing of its environment", async () => {
    const env = await open(`${games}:Lights`);
    expect(left()).toHaveLength(1);
    await env.close?.();
    expect(left()).toEqual([]);
    await expect(env.step(new Int32Array(2), allocateVectorTimeStep(env.spec, 1))).rejects.toMatchObject({ code: "io" });
  });

  it("a program that forgets to close it, and does not keep that from ending", async () => {
    const { ended, host } = await program();
    expect(await ended).toEqual([0, null]);
    await gone(host);
  });

  it.each(["SIGINT", "SIGTERM", "SIGKILL"] as const)("a program that %s ends", async (signal) => {
    const { program: started, ended, host } = await program("wait");
    started.kill(signal);
    expect(await ended).toEqual([null, signal]);
    await gone(host);
    await vi.waitFor(() => expect(left()).toEqual([]), { timeout: 20_000, interval: 20 });
  });
});
