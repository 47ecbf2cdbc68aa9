import * as tf from "@tensorflow/tfjs";
import type { Device } from "../device.js";
import { valueAndGradTree } from "../gradient.js";
import { normal, uniformFanIn } from "../initialise.js";
import { dense, type Linear } from "../layers.js";
import { rmsprop } from "../optimisers.js";
import { RandomStream } from "../random.js";
import { StatefulStep } from "../step.js";
import type { HostTree, TensorTree } from "../tree.js";
import { HostArray, specOf, zipTrees } from "../tree.js";

type ProbeState = { params: { hidden: Linear; output: Linear }; optimiser: TensorTree; step: tf.Tensor };

/** Sizes for telling fast devices from slow ones: about the work of a small team's update. */
const timing = { batch: 256, inputs: 64, hidden: 256 };

/** Relative difference up to which a device counts as right. */
const tolerance = 1e-3;

const optimiser = rmsprop();

/** One RMSprop step of a small regression network. */
function probeStep(state: ProbeState, x: tf.Tensor, y: tf.Tensor): { state: TensorTree; outputs: { loss: tf.Tensor } } {
  const { value, gradients } = valueAndGradTree((params: ProbeState["params"]) => {
    const prediction = dense(tf.relu(dense(x, params.hidden)), params.output);
    return { loss: tf.mean(tf.squaredDifference(prediction, y)), auxiliary: {} };
  }, state.params);
  const { step, params } = state;
  const next = optimiser.apply({ params, gradients, state: state.optimiser, learningRate: 0.01, step });
  return { state: { params: next.params, optimiser: next.state, step: tf.add(step, 1) }, outputs: { loss: value } };
}

/** A step from a fresh state, and the batch that it learns. */
async function open(
  device: Device,
  batch: number,
  inputs: number,
  hidden: number,
): Promise<{ step: StatefulStep; batch: HostTree[] }> {
  const rng = RandomStream.from(1, "probe");
  const params = { hidden: uniformFanIn(rng, inputs, hidden), output: uniformFanIn(rng, hidden, 1) };
  const [x, y] = [normal(rng, [batch, inputs], 1), normal(rng, [batch, 1], 1)];
  const state = { params, optimiser: optimiser.init(params), step: HostArray.scalar(0) };
  const step = await StatefulStep.create(device, probeStep, state, [specOf(x), specOf(y)], "probe");
  return { step, batch: [x, y] };
}

/** The state after three probe steps on `device`. */
async function train(device: Device): Promise<HostTree> {
  const { step, batch } = await open(device, 5, 3, 4);
  for (let i = 0; i < 3; i++) await step.run(batch);
  const result = await step.read();
  step.dispose();
  return result;
}

/** Trains three steps on `device` and on `reference`; resolves to the largest relative difference, or throws what the device throws. */
export async function probe(device: Device, reference: Device): Promise<{ difference: number; works: boolean }> {
  const [got, want] = [await train(device), await train(reference)];
  let difference = 0;
  zipTrees<HostArray, HostArray, void>(got, want, (a, b) => {
    for (let i = 0; i < a.data.length; i++) {
      difference = Math.max(difference, Math.abs(a.data[i]! - b.data[i]!) / (1e-3 + Math.abs(b.data[i]!)));
    }
  });
  return { difference, works: difference <= tolerance };
}

/** Milliseconds of a training step of a small network on `device`: the median of nine, of fewer where they take longer than half a second. */
export async function timeStep(device: Device): Promise<number> {
  const { step, batch } = await open(device, timing.batch, timing.inputs, timing.hidden);
  await step.run(batch);
  const times: number[] = [];
  let sum = 0;
  while (times.length < 9 && sum < 500) {
    const before = performance.now();
    await step.run(batch);
    times.push(performance.now() - before);
    sum += times.at(-1)!;
  }
  step.dispose();
  return times.sort((a, b) => a - b)[times.length >> 1]!;
}
