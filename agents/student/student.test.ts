import type { Tensor } from "@tensorflow/tfjs";
import { expect, it } from "vitest";
import type { StepTensors } from "../../src/agent.js";
import type { EnvironmentSpec } from "../../src/environment.js";
import { openDevice } from "../../src/tensor/devices.js";
import { normal } from "../../src/tensor/initialise.js";
import { RandomStream } from "../../src/tensor/random.js";
import { HostArray, type HostTree, mapTree, specOf } from "../../src/tensor/tree.js";
import { UNAVAILABLE } from "../available.js";
import { act, blankMemory, type Memory } from "./act.js";
import { createStudent } from "./index.js";
import { initNetwork, inputsOf, logits, type NetworkParameters } from "./network.js";
import { studentSettings } from "./settings.js";

const [E, n, A, O, W] = [2, 3, 4, 5, 4];
const spec = { agents: n, actions: A, observationSize: O } as EnvironmentSpec;
const settings = studentSettings.parse({ width: 8, heads: 2, depth: 2, window: W });
const rng = RandomStream.from(1, "student");
const weights = mapTree<HostArray, HostArray>(initNetwork(rng, spec, settings) as HostTree, (leaf) => {
  const noise = normal(rng, leaf.shape, 0.3);
  return new HostArray(
    leaf.data.map((v, k) => v + noise.data[k]!),
    leaf.shape,
    leaf.dtype,
  );
});
const fullMask = (...shape: number[]) =>
  HostArray.bool(
    new Uint8Array(shape.reduce((a, b) => a * b, 1)).map((_, k) => (k % A === 0 || rng.uniform() < 0.6 ? 1 : 0)),
    ...shape,
  );

/** An episode of T steps: observations and masks [E,n,·] at each, and what was chosen, from the step-by-step policy. */
async function play(observations: readonly HostArray[], masks: readonly HostArray[]) {
  const device = await openDevice("js");
  let memory = blankMemory(spec, W, E) as HostTree;
  const fn = (p: NetworkParameters, step: StepTensors, m: Memory) => act(p, step, m) as unknown as Record<string, Tensor>;
  const stepAt = (t: number) => ({ observations: observations[t]!, actionMask: masks[t]! });
  const compiled = await device.compile(fn, [specOf(weights), specOf(stepAt(0)), specOf(memory)] as never, "act");
  const actions: HostArray[] = [];
  const values: HostArray[] = [];
  for (const t of observations.keys()) {
    const out = (await compiled.run([weights, stepAt(t), memory])) as Record<string, HostTree>;
    actions.push((out.actions as HostArray).clone());
    values.push((out.values as HostArray).clone());
    memory = mapTree<HostArray, HostArray>(out.memory!, (leaf) => leaf.clone());
  }
  return { actions, values };
}

const episode = (T: number) => ({
  observations: Array.from({ length: T }, () => normal(rng, [E, n, O], 1)),
  masks: Array.from({ length: T }, () => fullMask(E, n, A)),
});

it("step by step with memory it chooses what the window says, from the first step on and beyond the window", async () => {
  const T = W + 3;
  const { observations, masks } = episode(T);
  const { actions, values } = await play(observations, masks);
  const device = await openDevice("js");
  for (let t = 0; t < T; t++) {
    // the window that ends at t, as the learner sees it: zeros and not valid before the episode
    const inputs = HostArray.zeros({ shape: [E, W, n, O], dtype: "float32" });
    const previous = HostArray.zeros({ shape: [E, W, n], dtype: "int32" });
    const valid = HostArray.zeros({ shape: [E, W], dtype: "bool" });
    for (let e = 0; e < E; e++) {
      for (let w = 0; w < W; w++) {
        const at = t - (W - 1 - w);
        if (at < 0) continue;
        valid.data[e * W + w] = 1;
        inputs.data.set(observations[at]!.data.subarray(e * n * O, (e + 1) * n * O) as Float32Array, (e * W + w) * n * O);
        if (at > 0) for (let i = 0; i < n; i++) previous.data[(e * W + w) * n + i] = actions[at - 1]!.data[e * n + i]! + 1;
      }
    }
    const fn = (p: NetworkParameters, o: Tensor, b: Tensor, v: Tensor) => logits(p, inputsOf(o, b, A), v);
    const args = [weights, inputs, previous, valid] as HostTree[];
    const compiled = await device.compile(fn, args.map((tree) => specOf(tree)) as never, "logits");
    const all = (await compiled.run(args)) as HostArray;
    for (let e = 0; e < E; e++) {
      for (let i = 0; i < n; i++) {
        const row = Array.from({ length: A }, (_, a) => all.data[((e * W + W - 1) * n + i) * A + a]!);
        const available = Array.from({ length: A }, (_, a) => masks[t]!.data[(e * n + i) * A + a] === 1);
        const total = row.reduce((sum, v, a) => (available[a] ? sum + Math.exp(v) : sum), 0);
        row.forEach((v, a) => {
          const got = values[t]!.data[(e * n + i) * A + a]!;
          if (available[a]) expect(got).toBeCloseTo(v - Math.log(total), 4);
          else expect(got).toBe(Math.fround(UNAVAILABLE));
        });
      }
    }
  }
});

it("an agent knows nothing of the others: their observations change nothing for it", async () => {
  const { observations, masks } = episode(3);
  const plain = await play(observations, masks);
  const others = observations.map(({ data, shape }) => {
    const changed = data.map((v, k) => (Math.floor(k / O) % n === 1 ? v : v + 1)); // all but agent 1
    return new HostArray(changed as Float32Array, shape, "float32");
  });
  const moved = await play(others, masks);
  let differs = 0;
  for (const t of [0, 1, 2]) {
    for (let e = 0; e < E; e++) {
      const row = (of: typeof plain, i: number) => [...of.values[t]!.data.slice((e * n + i) * A, (e * n + i + 1) * A)];
      expect(row(moved, 1)).toEqual(row(plain, 1));
      if (row(moved, 0).join() !== row(plain, 0).join()) differs += 1;
    }
  }
  expect(differs).toBeGreaterThan(3);
});

it("does not learn faster at the end than at the start", () => {
  const rates = (learningRate: number, learningRateEnd: number) => () =>
    createStudent(spec, studentSettings.parse({ learningRate, learningRateEnd }));
  expect(rates(1e-3, 2e-3)).toThrow("agent.learningRateEnd is 0.002, but may not be larger than agent.learningRate, 0.001");
  expect(rates(1e-3, 1e-3)).not.toThrow();
});
