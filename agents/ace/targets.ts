/**
 * What each decision learns from (paper, section "Bidirectional action-dependent Q-learning"; ace-spec §2.1–2.2). No gradients.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { allCandidates, oneCandidate, type SequentialState, type Situations, tryCandidates } from "./candidates.js";
import type { Encoded } from "./encoded.js";
import type { SeenBatch, SeenStep } from "./held.js";
import { encode, type NetworkParameters } from "./network.js";
import { rollOut } from "./rollout.js";
import { rollOutByGap } from "./rollout-by-gap.js";
import { maskedArgMax, pickRows } from "./select.js";
import { type Decisions, decisionsOf, type Followed, finalValue, follow } from "./sequence.js";

type Tensor = tf.Tensor;

/** y_env [B] = R^k + γ^k (1−d) · Q_θ⁻(s'_{a'*_1:n−1}, a'*_n), with a'* the greedy roll-out of θ in s' (double Q). */
export function environmentTarget(
  online: NetworkParameters,
  target: NetworkParameters,
  batch: SeenBatch,
  /** Who decides when in s' [B,n]; by value gap when absent. */
  given?: Tensor,
): Tensor {
  const { next, returns, discounts } = batch;
  const encoded = encode(online, next);
  const { actions, order } = given
    ? { ...rollOut(online, encoded, next, given), order: given }
    : rollOutByGap(online, encoded, next);
  const decisions = decisionsOf(actions, order, next, online.table.shape[0]!);
  return tf.add(returns, tf.mul(discounts, finalValue(target, encode(target, next), decisions)));
}

/**
 * y_p [B,n−1] for all positions but the last = Q_θ⁻(s_{a_1:p}, b_{p+1}), with b_{p+1} = argmax_a Q_θ(s_{a_1:p}, a) the best reply
 * of the next agent to the stored decisions up to p. All positions at once: the prefixes are stored, so nothing is sequential.
 */
export function replyTargets(
  online: NetworkParameters,
  target: NetworkParameters,
  now: SeenStep,
  decisions: Decisions,
  /** θ along the stored decisions. */
  along: { encoded: Encoded; followed: Followed },
): Tensor {
  const [B, n] = decisions.actor.shape as [number, number];
  const M = B * (n - 1);
  const replier = tf.slice(decisions.actor, [0, 1], [B, n - 1]);
  const sample = tf.reshape(tf.tile(tf.reshape(tf.range(0, B, 1, "int32"), [B, 1]), [1, n - 1]), [M]);
  const situations: Situations = { sample, actor: tf.reshape(replier, [M]) };
  const candidates = allCandidates(online, along.encoded, situations, now.actionTargets);
  const mask = tf.reshape(tf.cast(pickRows(tf.cast(now.actionMask, "int32"), replier), "bool"), [M, -1]);
  const current = tf.slice(along.followed.current, [0, 0, 0], [B, n - 1, -1]);
  const { values } = tryCandidates(online, prefixes(along.encoded, { ...along.followed, current }), candidates);
  const reply = maskedArgMax(values, mask); // [M]

  // the same prefixes seen by θ⁻, which need not see the last decision, and only that one reply
  const encoded = encode(target, now);
  const butLast = (x: Tensor) => tf.slice(x, [0, 0], [B, n - 1]);
  const { actor, action, target: on } = decisions;
  const followed = follow(target, encoded, { actor: butLast(actor), action: butLast(action), target: butLast(on) });
  const states = prefixes(encoded, followed);
  const outcome = tryCandidates(target, states, oneCandidate(target, encoded, situations, now.actionTargets, reply));
  return tf.reshape(outcome.values, [B, n - 1]);
}

/** The SE-states after each of m positions, as B·m situations. */
function prefixes(encoded: Encoded, { before, decided, current }: Followed): SequentialState {
  const [B, N, H] = encoded.x.shape as [number, number, number];
  const m = current.shape[1]!;
  const index = tf.reshape(current, [B, m * N]);
  const rowsOf = (rows: Tensor) => tf.reshape(pickRows(rows, index), [B * m, N, H]);
  const alive = tf.reshape(tf.tile(tf.expandDims(encoded.alive, 1), [1, m, 1, 1]), [B * m, N, 1]);
  const pooled = (rows: Tensor) => tf.mul(rowsOf(rows), alive);
  return {
    before: rowsOf(before),
    decided: { average: pooled(decided.average), maximum: pooled(tf.relu(decided.maximum)) },
  };
}
