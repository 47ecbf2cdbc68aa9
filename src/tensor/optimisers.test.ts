import type * as tf from "@tensorflow/tfjs";
import { expect, it } from "vitest";
import { openDevice } from "./devices.js";
import { adam, adamw, type Optimiser, rmsprop } from "./optimisers.js";
import { RandomStream } from "./random.js";
import { StatefulStep } from "./step.js";
import { HostArray, type HostTree, specOf, type TensorTree } from "./tree.js";

/** One parameter, one gradient, one number each: p after every step, in float64. */
type Loop = (p: number, gradients: readonly number[]) => number[];

const learningRate = 0.05;

const rmspropLoop =
  (alpha: number, epsilon: number, decay: number): Loop =>
  (p, gradients) => {
    let v = 0;
    return gradients.map((raw) => {
      const g = raw + decay * p;
      v = alpha * v + (1 - alpha) * g * g;
      p -= (learningRate * g) / (Math.sqrt(v) + epsilon);
      return p;
    });
  };

const adamLoop =
  (decay: number, decoupled: boolean): Loop =>
  (p, gradients) => {
    let [m, v] = [0, 0];
    return gradients.map((raw, i) => {
      const g = decoupled ? raw : raw + decay * p;
      if (decoupled) p -= learningRate * decay * p;
      m = 0.9 * m + 0.1 * g;
      v = 0.999 * v + 0.001 * g * g;
      const [mean, square] = [m / (1 - 0.9 ** (i + 1)), v / (1 - 0.999 ** (i + 1))];
      p -= (learningRate * mean) / (Math.sqrt(square) + 1e-8);
      return p;
    });
  };

const cases: { name: string; optimiser: Optimiser; loop: Loop }[] = [
  { name: "rmsprop", optimiser: rmsprop(), loop: rmspropLoop(0.99, 1e-5, 0) },
  {
    name: "rmsprop with weight decay",
    optimiser: rmsprop({ alpha: 0.9, epsilon: 1e-3, weightDecay: 0.1 }),
    loop: rmspropLoop(0.9, 1e-3, 0.1),
  },
  { name: "adam", optimiser: adam(), loop: adamLoop(0, false) },
  { name: "adam with weight decay", optimiser: adam({ weightDecay: 0.1 }), loop: adamLoop(0.1, false) },
  { name: "adamw", optimiser: adamw({ weightDecay: 0.1 }), loop: adamLoop(0.1, true) },
];

type State = { params: TensorTree; optimiser: TensorTree; step: tf.Tensor };

it.each(cases)("$name follows its formula for 40 steps", async ({ optimiser, loop }) => {
  const rng = RandomStream.from(5, "gradients");
  const size = 6;
  const start = Float32Array.from({ length: size }, () => rng.normal());
  const gradients = Array.from({ length: 40 }, () => Float32Array.from({ length: size }, () => rng.normal()));
  const want = [...start].map((p, i) =>
    loop(
      p,
      gradients.map((g) => g[i]!),
    ),
  );

  const params: HostTree = { first: HostArray.float32(start.slice(0, 2), 2), rest: HostArray.float32(start.slice(2), 2, 2) };
  const asTree = (g: Float32Array): HostTree => ({
    first: HostArray.float32(g.slice(0, 2), 2),
    rest: HostArray.float32(g.slice(2), 2, 2),
  });
  const fn = (state: State, g: TensorTree) => {
    const next = optimiser.apply({ params: state.params, gradients: g, state: state.optimiser, learningRate, step: state.step });
    return { state: { params: next.params, optimiser: next.state, step: state.step.add(1) }, outputs: {} };
  };
  const initial = { params, optimiser: optimiser.init(params), step: HostArray.scalar(0) };
  const step = await StatefulStep.create(
    await openDevice("cpu", { threads: 1 }),
    fn,
    initial,
    [specOf(asTree(start))],
    "optimiser",
  );
  for (const [t, g] of gradients.entries()) {
    await step.run([asTree(g)]);
    const { first, rest } = ((await step.read()) as { params: { first: HostArray; rest: HostArray } }).params;
    const got = [...first.data, ...rest.data];
    for (let i = 0; i < size; i++) expect(Math.abs(got[i]! - want[i]![t]!)).toBeLessThan(2e-5);
  }
  step.dispose();
});
