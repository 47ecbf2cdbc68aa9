import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  Box,
  type Dict,
  type Discrete,
  type Env,
  type MakeOptions,
  make,
  makeVector,
  type ParallelEnv,
  type ParallelVectorEnv,
  type Space,
  type SpaceValue,
  type VectorEnv,
} from "../../src/bridge/gym/index.js";
import { temporaryFolder } from "../temporary-folder.js";
import { findPython } from "./python.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const games = `${root}envs/python/tests/gym_games.py`;
const python = findPython();
const at: MakeOptions = { python: python!, path: [`${root}envs/python`] };

let sockets: string;

beforeEach(() => {
  sockets = temporaryFolder();
  vi.stubEnv("TMPDIR", sockets);
  vi.stubEnv("PYTHONDONTWRITEBYTECODE", "1");
});

afterEach(() => {
  vi.unstubAllEnvs();
  expect(readdirSync(sockets)).toEqual([]);
});

type Thing = Readonly<Record<string, SpaceValue>>;

describe.skipIf(!python)("a gym for JavaScript", () => {
  it("carries every kind of space both ways", async () => {
    await using env = await make<Env<Thing, Thing>>(`${games}:Echo`, { ...at, renderMode: "ansi" });
    expect(String(env.observationSpace)).toBe(String(env.actionSpace));
    const spaces = (env.observationSpace as Dict).spaces as Readonly<Record<string, Space>>;
    expect(Object.entries(spaces).map(([key, space]) => `${key}: ${space}`)).toEqual([
      "bounded: Box(-1, [1, 2, 3, 4, 5, 6], (2,3), float32)",
      "unbounded: Box(-Infinity, [Infinity, 0], (2), float64)",
      "pixels: Box(0, 255, (2,2,3), uint8)",
      "small: Box(-3, 3, (2), int8)",
      "large: Box(-1152921504606847000, 1152921504606847000, (2), int64)",
      "choice: Discrete(3, start=-1)",
      "choices: MultiDiscrete([2,5], start=[0,7])",
      "flags: MultiBinary([2,2])",
      "pair: Tuple(Discrete(2), Dict('inner': Box(0, 1, (), float32)))",
    ]);
    expect(env.metadata).toEqual({ renderModes: ["ansi", "rgb_array"], renderFps: 4 });

    const { observation, info } = await env.reset({ seed: 1, options: { level: "hard" } });
    expect(observation).toEqual({
      bounded: new Float32Array(6).fill(1),
      unbounded: Float64Array.of(0.5, Number.NEGATIVE_INFINITY),
      pixels: Uint8Array.from({ length: 12 }, (_, k) => k),
      small: Int32Array.of(-3, 3),
      large: BigInt64Array.of(2n ** 60n, -(2n ** 60n)),
      choice: -1,
      choices: Int32Array.of(1, 11),
      flags: Uint8Array.of(0, 1, 1, 0),
      pair: [1, { inner: Float32Array.of(0.25) }],
    });
    expect(info).toEqual({ seed: 1, options: { level: "hard" }, array: [0, 1, 2] });
    expect(await env.render()).toBe("step 0");

    env.actionSpace.seed(5);
    for (let t = 1; t <= 3; t++) {
      const action = env.actionSpace.sample();
      const step = await env.step(action);
      expect(step.observation).toEqual(action);
      expect(env.observationSpace.contains(step.observation)).toBe(true);
      expect(step).toMatchObject({ reward: 0.1 * t, terminated: t === 3, truncated: false, info: { shape: [2, 3] } });
      expect(step.info.kinds).toEqual({
        bounded: "ndarray float32",
        unbounded: "ndarray float64",
        pixels: "ndarray uint8",
        small: "ndarray int8",
        large: "ndarray int64",
        choice: "int64 int64",
        choices: "ndarray int64",
        flags: "ndarray int8",
        pair: "tuple",
        inside: "int64 float32",
      });
    }
  });

  it("refuses an action that is none, and goes on", async () => {
    await using env = await make<Env<Float64Array, number>>(`${games}:Count`, at);
    await env.reset({ seed: 7 });
    await expect(env.step(3)).rejects.toMatchObject({
      code: "invalid-value",
      message: "action is 3, but must be a value of Discrete(3)",
    });
    await expect(env.step([1] as unknown as number)).rejects.toMatchObject({ code: "environment" });
    await expect(env.reset({ seed: -1 })).rejects.toMatchObject({ code: "invalid-value" });
    expect((await env.step(2)).observation).toEqual(Float64Array.of(8));
  });

  it("tells what Python raised, with its traceback", async () => {
    await using env = await make<Env<Float64Array, number>>(`${games}:Count`, at);
    await env.reset();
    await expect(env.step(1)).rejects.toMatchObject({
      code: "environment",
      message: expect.stringMatching(/step failed: RuntimeError: one is not to be counted\n(.|\n)*raise RuntimeError/),
    });
    await using misfit = await make(`${games}:Misfit`, at);
    await expect(misfit.reset()).rejects.toMatchObject({
      message: expect.stringContaining("does not fit its observation space: ValueError: its shape is [3], but the space's [2]"),
    });
  });

  it("gives pictures", async () => {
    await using env = await make(`${games}:Echo`, { ...at, renderMode: "rgb_array" });
    await env.reset();
    const data = Uint8Array.from({ length: 24 }, (_, k) => k);
    expect(await env.render()).toEqual({ height: 2, width: 4, channels: 3, data });
    await using silent = await make(`${games}:Echo`, at);
    await silent.reset();
    expect(await silent.render()).toBeUndefined();
  });

  it("says what is missing or unknown", async () => {
    const without = { ...at, path: [] };
    await expect(make(`${games}:Nobody`, at)).rejects.toMatchObject({ code: "unknown-name" });
    await expect(make(`${games}:Talking`, at)).rejects.toMatchObject({
      code: "environment",
      message:
        "the space at ['words'] is a Text, but the bridge carries Box, Discrete, MultiDiscrete, MultiBinary, Dict and Tuple",
    });
    vi.stubEnv("PYTHONPATH", `${root}test/bridge/without-gymnasium`);
    await expect(make("CartPole-v1", without)).rejects.toMatchObject({
      code: "missing-dependency",
      message: 'the Python package "gymnasium" is not installed, but "CartPole-v1" needs it',
      hint: expect.stringContaining("-m pip install gymnasium"),
    });
    await expect(makeVector(`${games}:Count`, 0, at)).rejects.toMatchObject({ code: "invalid-value" });
  });

  it("gives each agent its own, for as long as it takes part", async () => {
    await using env = await make<ParallelEnv<Float32Array, number>>("gym_games", { ...at, path: [`${root}envs/python/tests`] });
    expect(env.possibleAgents).toEqual(["red", "green", "blue"]);
    const { observation, info } = await env.reset({ seed: 4 });
    expect(observation).toEqual({ red: Float32Array.of(0), green: Float32Array.of(0), blue: Float32Array.of(0, 0) });
    expect(info.red).toEqual({ seed: 4 });
    expect(await env.step({ red: 1, green: 2, blue: 3 })).toMatchObject({
      reward: { red: 1, green: 2, blue: 3 },
      terminated: { red: true, green: false, blue: false },
    });
    expect(env.agents).toEqual(["green", "blue"]);
    await expect(env.step({ green: 1 })).rejects.toThrow("the action of blue is missing");
    const last = await env.step({ green: 4, blue: 4 });
    expect(last.observation).toEqual({ green: Float32Array.of(2), blue: Float32Array.of(2, 2) });
    expect(last.truncated).toEqual({ green: false, blue: false });
  });

  it("steps several copies at once, and starts their next episodes in the next step", async () => {
    await using envs = await makeVector<VectorEnv<Float64Array, Int32Array>>(`${games}:Count`, 2, at);
    expect([envs.numEnvs, String(envs.actionSpace), String(envs.singleActionSpace)]).toEqual([
      2,
      "MultiDiscrete([3,3])",
      "Discrete(3)",
    ]);
    expect(envs.observationSpace.shape).toEqual([2, 1]);
    const first = await envs.reset({ seed: 10 });
    expect(first).toEqual({ observations: Float64Array.of(10, 11), infos: [{ first: true }, { first: true }] });
    expect(await envs.step(Int32Array.of(0, 2))).toEqual({
      observations: Float64Array.of(11, 12),
      rewards: Float64Array.of(0, 2),
      terminations: Uint8Array.of(0, 0),
      truncations: Uint8Array.of(0, 0),
      infos: [{ t: 1 }, { t: 1 }],
    });
    expect((await envs.step(Int32Array.of(0, 2))).truncations).toEqual(Uint8Array.of(1, 1));
    expect(await envs.step(Int32Array.of(0, 2))).toMatchObject({
      observations: Float64Array.of(2000, 2000),
      rewards: Float64Array.of(0, 0),
      truncations: Uint8Array.of(0, 0),
      infos: [{ first: true }, { first: true }],
    });
  });

  it("or in the same step, with what the last one ended in", async () => {
    const options = { ...at, options: { limit: 1 }, autoreset: "same-step" } as const;
    await using envs = await makeVector<VectorEnv<Float64Array, Int32Array>>(`${games}:Count`, 2, options);
    await expect(envs.reset({ seed: [10] })).rejects.toThrow("1 seeds are given to 2 copies");
    await envs.reset({ seed: [10, 20] });
    expect(await envs.step(Int32Array.of(0, 2))).toEqual({
      observations: Float64Array.of(2000, 2000),
      rewards: Float64Array.of(0, 2),
      terminations: Uint8Array.of(0, 0),
      truncations: Uint8Array.of(1, 1),
      infos: [10, 20].map((x) => ({ first: true, final_info: { t: 1 }, final_obs: Float64Array.of(x + 1) })),
    });
  });

  it("batches spaces of every kind, and agents", async () => {
    await using envs = await makeVector<VectorEnv<Thing, Thing>>(`${games}:Echo`, 3, at);
    await envs.reset();
    const actions = envs.actionSpace.sample();
    const { observations } = await envs.step(actions);
    expect(observations).toEqual(actions);
    expect((observations.bounded as Float32Array).length).toBe(18);
    await using hunts = await makeVector<ParallelVectorEnv<Float32Array, Int32Array>>(`${games}:Hunt`, 2, at);
    await hunts.reset();
    await hunts.step(hunts.actionSpace.sample());
    const { rewards, observations: seen } = await hunts.step({
      red: Int32Array.of(1, 1),
      green: Int32Array.of(2, 3),
      blue: Int32Array.of(4, 4),
    });
    expect(rewards).toEqual({ red: Float64Array.of(0, 0), green: Float64Array.of(2, 3), blue: Float64Array.of(4, 4) });
    expect(seen.blue).toEqual(Float32Array.of(2, 2, 2, 2));
  });

  it("is typed as its user says", async () => {
    await using env = await make<Env<Float64Array, number>>(`${games}:Count`, at);
    const space: Space<number> = env.actionSpace;
    expect((space as Discrete).n).toBe(3);
    expect(env.observationSpace).toBeInstanceOf(Box);
    const sum: number = (await env.reset({ seed: 2 })).observation.reduce((a, b) => a + b);
    expect(sum).toBe(2);
  });
});
