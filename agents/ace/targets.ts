/**
 * What each decision learns from (paper, section "Bidirectional action-dependent Q-learning"; ace-spec §2.1–2.2). No gradients.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { BatchTensors, StepTensors } from "../../src/agent.js";
import { type Encoded, encode, type NetworkParameters } from "./network.js";
import { maskedArgMax, pickRow, pickRows } from "./select.js";
import {
  type Decisions,
  decisionsOf,
  embedAllTargets,
  type Followed,
  finalValue,
  follow,
  rollOut,
  type SequentialState,
  tryAll,
  tryCandidates,
} from "./sequence.js";

type Tensor = tf.Tensor;

/** y_env [B] = R^k + γ^k (1−d) · Q_θ⁻(s'_{a'*_1:n−1}, a'*_n), with a'* the greedy roll-out of θ in s' (double Q). */
export function environmentTarget(
  online: NetworkParameters,
  target: NetworkParameters,
  batch: BatchTensors,
  order: Tensor,
): Tensor {
  const { next, returns, discounts } = batch;
  const { actions } = rollOut(online, encode(online, next), next, order);
  const decisions = decisionsOf(actions, order, next.actionTargets, online.table.shape[0]!);
  return tf.add(returns, tf.mul(discounts, finalValue(target, encode(target, next), decisions)));
}

/**
 * y_p [B,n−1] for all positions but the last = Q_θ⁻(s_{a_1:p}, b_{p+1}), with b_{p+1} = argmax_a Q_θ(s_{a_1:p}, a) the best reply
 * of the next agent to the stored decisions up to p. All positions at once: the prefixes are stored, so nothing is sequential.
 */
export function replyTargets(
  online: NetworkParameters,
  target: NetworkParameters,
  now: StepTensors,
  decisions: Decisions,
  /** θ along the stored decisions. */
  along: { encoded: Encoded; followed: Followed },
): Tensor {
  const [B, n] = decisions.actor.shape as [number, number];
  const replies = n - 1;
  const replier = flatten(tf.slice(decisions.actor, [0, 1], [B, replies])); // [B·(n−1)]
  const rows = (x: Tensor) => flatten(pickRows(x, tf.slice(decisions.actor, [0, 1], [B, replies])));
  const embedded = embedAllTargets(online, along.encoded, now.actionTargets);
  const targeted = embedded && {
    active: rows(embedded.active),
    passive: rows(embedded.passive),
    target: rows(now.actionTargets),
  };
  const mask = tf.cast(rows(tf.cast(now.actionMask, "int32")), "bool");
  const reply = maskedArgMax(tryAll(online, prefixes(along.encoded, along.followed, decisions), replier, targeted).values, mask);

  // the same prefixes seen by θ⁻, and only that one reply
  const encoded = encode(target, now);
  const states = prefixes(encoded, follow(target, encoded, decisions), decisions);
  const U = target.table.shape[0]!;
  const fromTable = tf.expandDims(pickRow(tf.tile(tf.expandDims(target.table, 0), [B * replies, 1, 1]), clampTo(reply, U)), 1);
  const seen = embedAllTargets(target, encoded, now.actionTargets);
  if (!seen) return tf.reshape(tryCandidates(target, states, replier, { active: fromTable }).values, [B, replies]);
  const slot = tf.sub(reply, tf.scalar(U, "int32"));
  const isTargeted = tf.reshape(tf.greaterEqual(slot, tf.scalar(0, "int32")), [B * replies, 1, 1]);
  const active = tf.where(isTargeted, tf.expandDims(pickRow(rows(seen.active), slot), 1), fromTable);
  const passive = tf.expandDims(pickRow(rows(seen.passive), slot), 1);
  const entity = tf.where(tf.reshape(isTargeted, [B * replies]), pickRow(rows(now.actionTargets), slot), tf.scalar(-1, "int32"));
  const outcome = tryCandidates(target, states, replier, { active, passive, target: tf.expandDims(entity, 1) });
  return tf.reshape(outcome.values, [B, replies]);
}

/** The SE-states after positions 0 … n−2 of the stored decisions, as B·(n−1) states. */
function prefixes(encoded: Encoded, followed: Followed, decisions: Decisions): SequentialState {
  const [B, N, H] = encoded.x.shape as [number, number, number];
  const n = decisions.actor.shape[1]!;
  const count = tf.slice(followed.current, [0, 0, 0], [B, n - 1, N + 2 * n]);
  // index of the row that stands for each entity: Σ_rows current · [row's entity = e] · row
  const entityOfRow = tf.concat(
    [tf.tile(tf.reshape(tf.range(0, N, 1, "int32"), [1, N]), [B, 1]), decisions.actor, decisions.target],
    1,
  );
  const isEntity = tf.cast(tf.oneHot(entityOfRow, N), "float32"); // [B,N+2n,N]
  const row = tf.reshape(tf.range(0, N + 2 * n), [1, 1, N + 2 * n]);
  const index = tf.cast(tf.matMul(tf.mul(count, row), isEntity), "int32"); // [B,n−1,N]
  const flat = tf.reshape(index, [B, (n - 1) * N]);
  const alive = tf.tile(tf.expandDims(encoded.alive, 1), [1, n - 1, 1, 1]);
  return {
    x: tf.reshape(pickRows(followed.rows, flat), [B * (n - 1), N, H]),
    decided: tf.reshape(pickRows(followed.decided, flat), [B * (n - 1), N, 2 * H]),
    alive: tf.reshape(alive, [B * (n - 1), N, 1]),
  };
}

/** [B,K,…] → [B·K,…] */
function flatten(x: Tensor): Tensor {
  const [B, K, ...rest] = x.shape as [number, number, ...number[]];
  return tf.reshape(x, [B * K, ...rest]);
}

const clampTo = (index: Tensor, size: number): Tensor => tf.minimum(index, tf.scalar(size - 1, "int32"));
