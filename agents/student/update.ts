/** One step of imitation: cross-entropy to what the teacher chose, wherever there was a choice. */
import * as tf from "@tensorflow/tfjs";
import type { Updated, WindowTensors } from "../../src/agent.js";
import { clipByGlobalNorm } from "../../src/tensor/clip.js";
import { valueAndGradTree } from "../../src/tensor/gradient.js";
import { adam } from "../../src/tensor/optimisers.js";
import { cosine } from "../../src/tensor/schedules.js";
import type { TensorTree } from "../../src/tensor/tree.js";
import { available } from "../available.js";
import { inputsOf, logits, type NetworkParameters } from "./network.js";
import type { StudentSettings } from "./settings.js";

type Tensor = tf.Tensor;

/** The learner's whole state. */
export type StudentState = { online: NetworkParameters; optimiser: TensorTree; step: Tensor };

export const optimiser = adam({});

/**
 * L = −mean log π(a*|own history) over the agents and valid steps with more than one available action; `agreement` is the share of them in
 * which the likeliest action is the teacher's.
 */
export function lossOf(p: NetworkParameters, batch: WindowTensors): { loss: Tensor; agreement: Tensor } {
  const { observations, previous, actionMask, labels, valid } = batch;
  const A = actionMask.shape[3]!;
  const raw = logits(p, inputsOf(observations, previous, A), valid);
  const choosable = available(raw, actionMask);
  const label = tf.cast(tf.oneHot(labels, A), "float32"); // [B,W,n,A]
  const logProbability = tf.sum(tf.mul(tf.logSoftmax(choosable), label), 3); // [B,W,n]
  const choices = tf.sum(tf.cast(actionMask, "float32"), 3);
  const counts = tf.mul(tf.cast(tf.greater(choices, 1), "float32"), tf.expandDims(tf.cast(valid, "float32"), 2));
  const total = tf.maximum(tf.sum(counts), 1);
  const same = tf.cast(tf.equal(tf.cast(tf.argMax(choosable, 3), "int32"), labels), "float32");
  return {
    loss: tf.neg(tf.div(tf.sum(tf.mul(logProbability, counts)), total)),
    agreement: tf.div(tf.sum(tf.mul(same, counts)), total),
  };
}

export function update(state: StudentState, batch: WindowTensors, settings: StudentSettings): Updated {
  const { value, gradients, auxiliary } = valueAndGradTree((p: NetworkParameters) => {
    const { loss, agreement } = lossOf(p, batch);
    return { loss, auxiliary: { agreement } };
  }, state.online);
  const clipped = clipByGlobalNorm(gradients, settings.gradientClip);
  const schedule = cosine({ from: settings.learningRate, to: settings.learningRateEnd, updates: settings.learningRateUpdates });
  const stepped = optimiser.apply({
    params: state.online,
    gradients: clipped.gradients,
    state: state.optimiser,
    learningRate: schedule(state.step),
    step: state.step,
  });
  return {
    state: { online: stepped.params as NetworkParameters, optimiser: stepped.state, step: tf.add(state.step, 1) },
    metrics: { loss: value, agreement: auxiliary.agreement, gradientNorm: clipped.norm },
  };
}
