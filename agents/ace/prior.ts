import * as tf from "@tensorflow/tfjs";
import { allCandidates, decideMasked, tryCandidates } from "./candidates.js";
import type { SeenStep } from "./held.js";
import { beforeDeciding, encode, type NetworkParameters } from "./network.js";
import { UNAVAILABLE } from "./select.js";

/**
 * What each agent would value its actions at if it were the first to decide, [B,n,A]: V(s, a_i) with nobody else's choice
 * committed. Beside Q when it decided, it shows what its predecessors' choices changed. No gradients.
 */
export function priorValues(p: NetworkParameters, step: SeenStep): tf.Tensor {
  const [B, n, A] = step.actionMask.shape as [number, number, number];
  const encoded = encode(p, step);
  // n·B situations, agent by agent, all in the same state
  const sample = tf.tile(tf.range(0, B, 1, "int32"), [n]);
  const actor = tf.reshape(tf.tile(tf.reshape(tf.range(0, n, 1, "int32"), [n, 1]), [1, B]), [n * B]);
  const candidates = allCandidates(p, encoded, { sample, actor }, step.actionTargets);
  const before = beforeDeciding(p, encoded.x);
  const decided = decideMasked(p, before, encoded.alive);
  const forAll = (rows: tf.Tensor) => tf.tile(rows, [n, 1, 1]);
  const state = {
    before: forAll(before),
    decided: { average: forAll(decided.average), maximum: forAll(decided.maximum) },
  };
  const { values } = tryCandidates(p, state, candidates); // [n·B,A]
  const byAgent = tf.transpose(tf.reshape(values, [n, B, A]), [1, 0, 2]);
  return tf.where(tf.cast(step.actionMask, "bool"), byAgent, UNAVAILABLE);
}
