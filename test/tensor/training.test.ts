/** Whole training steps on every device: 30 of them end in the reference's numbers. */
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { clipByGlobalNorm } from "../../src/tensor/clip.js";
import type { Device } from "../../src/tensor/device.js";
import { openDevice } from "../../src/tensor/devices.js";
import { valueAndGradTree } from "../../src/tensor/gradient.js";
import { normal, uniformFanIn } from "../../src/tensor/initialise.js";
import { dense, type Linear } from "../../src/tensor/layers.js";
import { adam, type Optimiser, rmsprop } from "../../src/tensor/optimisers.js";
import { polyak } from "../../src/tensor/polyak.js";
import { RandomStream } from "../../src/tensor/random.js";
import { cosine } from "../../src/tensor/schedules.js";
import { StatefulStep } from "../../src/tensor/step.js";
import { HostArray, type HostTree, mapTree, specOf, type TensorTree } from "../../src/tensor/tree.js";
import { available, precisionOf } from "./available.js";
import { difference } from "./conformance.js";

type Batch = { x: tf.Tensor; y: tf.Tensor };
type State = { params: TensorTree; target: TensorTree; optimiser: TensorTree; step: tf.Tensor };

interface Network {
  readonly name: string;
  readonly optimiser: Optimiser;
  readonly inputShape: readonly number[];
  init(rng: RandomStream): HostTree;
  /** [B, …] to [B, 1]. */
  predict(params: TensorTree, x: tf.Tensor): tf.Tensor;
}

const mlp: Network = {
  name: "an MLP with RMSprop",
  optimiser: rmsprop({ weightDecay: 1e-4 }),
  inputShape: [16, 5],
  init: (rng) => ({ hidden: uniformFanIn(rng, 5, 12), output: uniformFanIn(rng, 12, 1) }),
  predict: (params, x) => {
    const { hidden, output } = params as { hidden: Linear; output: Linear };
    return dense(tf.relu(dense(x, hidden)), output);
  },
};

type Attention = { embed: Linear; positions: tf.Tensor; qkv: Linear; project: Linear; feed: Linear; back: Linear; head: Linear };

/** Two heads of width 4 over 3 tokens. */
const attention: Network = {
  name: "an attention block with Adam",
  // The bias of the keys has no gradient but rounding; Adam's usual ε would blow that up to whole steps.
  optimiser: adam({ epsilon: 1e-4 }),
  inputShape: [8, 3, 5],
  init: (rng) => ({
    embed: uniformFanIn(rng, 5, 8),
    positions: normal(rng, [3, 8], 0.1),
    qkv: uniformFanIn(rng, 8, 24),
    project: uniformFanIn(rng, 8, 8),
    feed: uniformFanIn(rng, 8, 16),
    back: uniformFanIn(rng, 16, 8),
    head: uniformFanIn(rng, 8, 1),
  }),
  predict: (params, x) => {
    const p = params as Attention;
    const [B, T] = x.shape as [number, number, number];
    const tokens = tf.add(dense(x, p.embed), p.positions);
    const heads = dense(layerNorm(tokens), p.qkv).reshape([B, T, 3, 2, 4]).transpose([2, 0, 3, 1, 4]);
    const [q, k, v] = tf.unstack(heads) as [tf.Tensor, tf.Tensor, tf.Tensor];
    const weights = tf.softmax(tf.div(tf.matMul(q, k, false, true), Math.sqrt(4)));
    const mixed = tf.matMul(weights, v).transpose([0, 2, 1, 3]).reshape([B, T, 8]);
    const attended = tf.add(tokens, dense(mixed, p.project));
    const out = tf.add(attended, dense(gelu(dense(layerNorm(attended), p.feed)), p.back));
    return dense(tf.mean(out, 1), p.head);
  },
};

function layerNorm(x: tf.Tensor): tf.Tensor {
  const { mean, variance } = tf.moments(x, -1, true);
  return tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5)));
}

const gelu = (x: tf.Tensor) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));

/** The state and the loss of each of 30 clipped steps with a cosine schedule and a slow target. */
async function train(device: Device, network: Network): Promise<{ state: HostTree; losses: number[] }> {
  const rng = RandomStream.from(11, "training");
  const schedule = cosine({ from: 0.02, to: 0.001, updates: 25 });
  const update = (state: State, batch: Batch) => {
    const { value, gradients } = valueAndGradTree((params: TensorTree) => {
      const error = tf.squaredDifference(network.predict(params, batch.x), batch.y);
      return { loss: tf.mean(error), auxiliary: {} };
    }, state.params);
    const clipped = clipByGlobalNorm(gradients, 1);
    const next = network.optimiser.apply({
      params: state.params,
      gradients: clipped.gradients,
      state: state.optimiser,
      learningRate: schedule(state.step),
      step: state.step,
    });
    const target = polyak(state.target, next.params, 0.1);
    return {
      state: { params: next.params, target, optimiser: next.state, step: tf.add(state.step, 1) },
      outputs: { loss: value },
    };
  };
  const params = network.init(rng);
  const state = { params, target: params, optimiser: network.optimiser.init(params), step: HostArray.scalar(0) };
  const [B] = network.inputShape as [number];
  const batch = { x: normal(rng, network.inputShape, 1), y: normal(rng, [B, 1], 1) };
  const step = await StatefulStep.create(device, update, state, [specOf(batch)], network.name);
  const losses: number[] = [];
  for (let i = 0; i < 30; i++) losses.push(((await step.run([batch])) as { loss: HostArray }).loss.data[0]!);
  const result = mapTree<HostArray, HostArray>(await step.read(), (leaf) => leaf.clone());
  step.dispose();
  return { state: result, losses };
}

const reference = await openDevice("js");
describe.each([mlp, attention])("$name", (network) => {
  let want: Awaited<ReturnType<typeof train>>;
  beforeAll(async () => {
    want = await train(reference, network);
  });

  it("learns", () => {
    expect(want.losses.at(-1)).toBeLessThan(want.losses[0]! / 2);
  });

  it.each(available)("%s ends where the reference ends", async (name) => {
    const got = await train(await openDevice(name, { threads: 1 }), network);
    // The schedule is made of cosines.
    const { trigonometry } = precisionOf(name);
    const tolerance = Math.max(1e-4, trigonometry);
    expect(difference(got.state, want.state, tolerance, tolerance / 10)).toBeUndefined();
    for (const [i, loss] of got.losses.entries()) expect(Math.abs(loss / want.losses[i]! - 1)).toBeLessThan(tolerance);
  });

  it("cpu repeats itself bit for bit, on one thread and on two", async () => {
    const once = await train(await openDevice("cpu", { threads: 1 }), network);
    const again = await train(await openDevice("cpu", { threads: 1 }), network);
    expect(again).toEqual(once);
    const two = await openDevice("cpu", { threads: 2 });
    expect(await train(two, network)).toEqual(await train(two, network));
  });
});
