/** One learning step of independent Q-learning (Tan, 1993) with a target network and double Q. */
import * as tf from "@tensorflow/tfjs";
import type { BatchTensors, MetricTensors } from "../../src/agent.js";
import { clipByGlobalNorm } from "../../src/tensor/clip.js";
import { valueAndGradTree } from "../../src/tensor/gradient.js";
import { adam } from "../../src/tensor/optimisers.js";
import { polyak } from "../../src/tensor/polyak.js";
import type { TensorTree } from "../../src/tensor/tree.js";
import { available } from "../available.js";
import { actionValues, type NetworkParameters } from "./network.js";
import type { IqlSettings } from "./settings.js";

type Tensor = tf.Tensor;

/** The learner's whole state. */
export type IqlState = { online: NetworkParameters; target: NetworkParameters; optimiser: TensorTree; step: Tensor };

export const optimiser = adam({});

/** Q[…, index] over the last axis: values [B,n,A], index [B,n] → [B,n]. */
const at = (values: Tensor, index: Tensor): Tensor =>
  tf.sum(tf.mul(values, tf.cast(tf.oneHot(index, values.shape[2]!), "float32")), 2);

export function update(state: IqlState, batch: BatchTensors, settings: IqlSettings): { state: IqlState; metrics: MetricTensors } {
  const { now, next, actions, returns, discounts } = batch;
  // y_i = R + γ^k · Q_θ⁻(o'_i, argmax_a Q_θ(o'_i, a))
  const best = tf.cast(tf.argMax(available(actionValues(state.online, next.observations), next.actionMask), 2), "int32");
  const bootstrap = at(actionValues(state.target, next.observations), best); // [B,n]
  const targets = tf.add(tf.expandDims(returns, 1), tf.mul(tf.expandDims(discounts, 1), bootstrap));
  const { value, gradients, auxiliary } = valueAndGradTree((online: NetworkParameters) => {
    const chosen = at(actionValues(online, now.observations), actions);
    return { loss: tf.mean(tf.square(tf.sub(targets, chosen))), auxiliary: { chosen } };
  }, state.online);
  const clipped = clipByGlobalNorm(gradients, settings.gradientClip);
  const stepped = optimiser.apply({
    params: state.online,
    gradients: clipped.gradients,
    state: state.optimiser,
    learningRate: tf.scalar(settings.learningRate),
    step: state.step,
  });
  const online = stepped.params as NetworkParameters;
  const target = polyak(state.target, online, settings.targetRate) as NetworkParameters;
  return {
    state: { online, target, optimiser: stepped.state, step: tf.add(state.step, 1) },
    metrics: { loss: value, meanQ: tf.mean(auxiliary.chosen), gradientNorm: clipped.norm },
  };
}
