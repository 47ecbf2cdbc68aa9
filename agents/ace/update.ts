/**
 * One learning step of ACE: targets, loss, gradient, RMSprop, target network (ace-spec §2, §5).
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { Updated } from "../../src/agent.js";
import type { EnvironmentSpec } from "../../src/environment.js";
import { clipByGlobalNorm } from "../../src/tensor/clip.js";
import { valueAndGradTree } from "../../src/tensor/gradient.js";
import { rmsprop } from "../../src/tensor/optimisers.js";
import { polyak } from "../../src/tensor/polyak.js";
import { cosine, warmedUp } from "../../src/tensor/schedules.js";
import type { TensorTree } from "../../src/tensor/tree.js";
import { auxiliaryLabels, auxiliaryLoss } from "./auxiliary.js";
import type { SeenBatch } from "./held.js";
import { encode, type NetworkParameters, predict } from "./network.js";
import { rollOutByGap } from "./rollout-by-gap.js";
import { pickRow } from "./select.js";
import { decisionsOf, follow } from "./sequence.js";
import type { AceSettings } from "./settings.js";
import { environmentTarget, replyTargets } from "./targets.js";

type Tensor = tf.Tensor;

/** The learner's whole state. */
export type AceState = {
  /** θ */
  online: NetworkParameters;
  /** θ⁻ */
  target: NetworkParameters;
  /** θ̄, what acts; absent where θ does. */
  average?: NetworkParameters;
  optimiser: TensorTree;
  /** Updates done, scalar. */
  step: Tensor;
};

/** RMSprop as PyTorch has it: α = 0.99, ε = 1e-5, L2 added to the gradient (ace-spec §5). */
export const optimiserOf = (settings: AceSettings) => rmsprop({ alpha: 0.99, epsilon: 1e-5, weightDecay: settings.weightDecay });

/** y [B,n] by position. */
export function targetsOf(state: AceState, batch: SeenBatch, order: Tensor, settings: AceSettings): Tensor {
  const [B, n] = order.shape as [number, number];
  const orderNext = settings.order === "gap" ? undefined : order;
  const environment = tf.expandDims(environmentTarget(state.online, state.target, batch, orderNext), 1);
  // the authors' code: y_p = y_env for every position
  if (settings.target === "environment" || n === 1) return tf.tile(environment, [1, n]);
  // the paper: y_p = Q_θ⁻(s_{a_1:p}, argmax Q_θ) for p < n, y_n = y_env
  const { now } = batch;
  const decisions = decisionsOf(batch.actions, order, now, state.online.table.shape[0]!);
  const encoded = encode(state.online, now);
  const along = { encoded, followed: follow(state.online, encoded, decisions) };
  const replies = replyTargets(state.online, state.target, now, decisions, along);
  return tf.reshape(tf.concat([replies, environment], 1), [B, n]);
}

/** L = mean_b w_b mean_p (y_p − q_p)² + w_aux · L_aux, with its parts; w_b = 1 without prioritised replay. Differentiable in `online`. */
export function lossOf(
  online: NetworkParameters,
  batch: SeenBatch,
  targets: Tensor,
  order: Tensor,
  spec: EnvironmentSpec,
  settings: AceSettings,
): { loss: Tensor; parts: { td: Tensor; auxiliary: Tensor; values: Tensor } } {
  const { now, next } = batch;
  const encoded = encode(online, now);
  const decisions = decisionsOf(batch.actions, order, now, spec.untargetedActions);
  const followed = follow(online, encoded, decisions);
  const perTransition = tf.mean(tf.square(tf.sub(targets, followed.values)), 1); // [B]
  const td = tf.mean(batch.weights ? tf.mul(batch.weights, perTransition) : perTransition);
  if (!online.predict || settings.auxiliaryWeight === 0)
    return { loss: td, parts: { td, auxiliary: tf.scalar(0), values: followed.values } };
  const labels = auxiliaryLabels(now.entities, next.entities, spec.predictedFeatures, spec.agents);
  const [B, n, H] = followed.pooled.mean.shape as [number, number, number];
  const last = (pooled: Tensor) => tf.reshape(tf.slice(pooled, [0, n - 1, 0], [B, 1, H]), [B, H]);
  const z = tf.concat([last(followed.pooled.mean), last(followed.pooled.max)], 1);
  const auxiliary = auxiliaryLoss(predict(online, followed.final, z), labels, {
    balance: settings.auxiliaryBalance,
    both: settings.auxiliaryGlobal,
  });
  const loss = tf.add(td, tf.mul(auxiliary, settings.auxiliaryWeight));
  return { loss, parts: { td, auxiliary, values: followed.values } };
}

/** Who decides when, [B,n], if the stored actions are decided by value gap. */
export function storedByGap(online: NetworkParameters, { now, actions }: SeenBatch): Tensor {
  return rollOutByGap(online, encode(online, now), now, (_values, _mask, actor) => pickRow(actions, actor)).order;
}

export function update(state: AceState, batch: SeenBatch, drawn: Tensor, spec: EnvironmentSpec, settings: AceSettings): Updated {
  const order = settings.order === "gap" ? storedByGap(state.online, batch) : drawn;
  const targets = targetsOf(state, batch, order, settings);
  const { value, gradients, auxiliary } = valueAndGradTree((online: NetworkParameters) => {
    const { loss, parts } = lossOf(online, batch, targets, order, spec, settings);
    return { loss, auxiliary: parts };
  }, state.online);
  const clipped = clipByGlobalNorm(gradients, settings.gradientClip);
  const decay = cosine({ from: settings.learningRate, to: settings.learningRateEnd, updates: settings.learningRateUpdates });
  const learningRate = warmedUp(decay, settings.learningRateWarmup)(state.step);
  const stepped = optimiserOf(settings).apply({
    params: state.online,
    gradients: clipped.gradients,
    state: state.optimiser,
    learningRate,
    step: state.step,
  });
  const online = stepped.params as NetworkParameters;
  // θ⁻ ← (1−τ) θ⁻ + τ θ
  const target = polyak(state.target, online, settings.targetRate) as NetworkParameters;
  return {
    state: {
      online,
      target,
      // θ̄ ← (1−α) θ̄ + α θ
      ...(state.average && { average: polyak(state.average, online, settings.averageRate) as NetworkParameters }),
      optimiser: stepped.state,
      step: tf.add(state.step, 1),
    },
    metrics: {
      loss: value,
      tdLoss: auxiliary.td,
      auxiliaryLoss: auxiliary.auxiliary,
      meanQ: tf.mean(auxiliary.values),
      gradientNorm: clipped.norm,
      learningRate,
    },
    // |δ_b| = mean_p |y_p − q_p|
    ...(batch.weights && { errors: tf.mean(tf.abs(tf.sub(targets, auxiliary.values)), 1) }),
  };
}
