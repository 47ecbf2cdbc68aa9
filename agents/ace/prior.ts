import * as tf from "@tensorflow/tfjs";
import { available } from "../available.js";
import { allCandidates, decideMasked, tryCandidates } from "./candidates.js";
import { everybody, forEverybody } from "./everybody.js";
import type { SeenStep } from "./held.js";
import { beforeDeciding, encode, type NetworkParameters } from "./network.js";

/**
 * What each agent would value its actions at if it were the first to decide, [B,n,A]: V(s, a_i) with nobody else's choice
 * committed. Beside Q when it decided, it shows what its predecessors' choices changed. No gradients.
 */
export function priorValues(p: NetworkParameters, step: SeenStep): tf.Tensor {
  const [B, n, A] = step.actionMask.shape as [number, number, number];
  const encoded = encode(p, step);
  const candidates = allCandidates(p, encoded, everybody(B, n), step.actionTargets);
  const before = beforeDeciding(p, encoded.x);
  const state = { before, decided: decideMasked(p, before, encoded.alive) };
  const { values } = tryCandidates(p, forEverybody(state, n), candidates); // [n·B,A]
  const byAgent = tf.transpose(tf.reshape(values, [n, B, A]), [1, 0, 2]);
  return available(byAgent, tf.cast(step.actionMask, "bool"));
}
