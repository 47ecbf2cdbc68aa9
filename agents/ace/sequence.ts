/**
 * The sequentially expanded MDP (paper, section "SE-MDP"; ace-spec §1, §3.1 step 5, §4): n agents decide in turn, each decision
 * adds embeddings to its actor and its target, and Q_i(s_{a_1:i−1}, a_i) = V(s_{a_1:i}).
 *
 * Positions p = 0 … n−1 count decisions; `order[b,p]` is the agent that decides there.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { dense } from "../../src/tensor/layers.js";
import { type Encoded, mapPairs } from "./encoded.js";
import { type Halves, maximumOfLiving } from "./halves.js";
import { mlp } from "./mlp.js";
import { beforeDeciding, decide, embedTargeted, type NetworkParameters, value } from "./network.js";
import { oneHot, pickRows, takeRows } from "./select.js";

type Tensor = tf.Tensor;

/** Who decides when, what, and on whom; arrays of positions. */
export type Decisions = {
  /** [B,n] int32 */
  actor: Tensor;
  /** [B,n] int32 */
  action: Tensor;
  /** [B,n] int32 target entity: what is held for untargeted actions of its holder, −1 for those of others. */
  target: Tensor;
};

/** Puts joint actions [B,n] (by agent) into the order of deciding. */
export function decisionsOf(
  actions: Tensor,
  order: Tensor,
  { actionTargets, held }: { actionTargets: Tensor; held?: Tensor },
  U: number,
): Decisions {
  const action = pickRows(actions, order);
  const T = actionTargets.shape[2]!;
  const untargeted = held ? pickRows(held, order) : tf.fill(order.shape, -1, "int32");
  if (T === 0) return { actor: order, action, target: untargeted };
  const [B, n] = order.shape as [number, number];
  const slot = tf.sub(action, tf.scalar(U, "int32")); // negative: untargeted
  const flat = tf.add(tf.mul(order, tf.scalar(T, "int32")), tf.maximum(slot, tf.scalar(0, "int32")));
  const entity = pickRows(tf.reshape(actionTargets, [B, n * T]), flat);
  const target = tf.where(tf.greaterEqual(slot, tf.scalar(0, "int32")), entity, untargeted);
  return { actor: order, action, target };
}

/** Lower-triangular ones [n,n]. */
function lowerTriangle(n: number): Tensor {
  const at = tf.range(0, n, 1, "int32");
  return tf.cast(tf.greaterEqual(tf.expandDims(at, 1), tf.expandDims(at, 0)), "float32");
}

/** What each decision adds to its actor (δ) and to its target (π), [B,n,H] each. Differentiable. */
export function chosenEmbeddings(p: NetworkParameters, encoded: Encoded, d: Decisions): { active: Tensor; passive: Tensor } {
  const [B, N] = encoded.x.shape as [number, number, number];
  const U = p.table.shape[0]!;
  const fromTable = dense(oneHot(d.action, U), { w: p.table }); // zero for targeted actions
  const onHeld = p.held && passiveOnHeld(p, encoded, d);
  if (!p.action) return { active: fromTable, passive: onHeld ?? tf.zerosLike(fromTable) };
  const targeted = tf.cast(tf.expandDims(tf.greaterEqual(d.action, tf.scalar(U, "int32")), 2), "float32"); // [B,n,1]
  const entity = tf.maximum(d.target, tf.scalar(0, "int32")); // somebody, where there is no target: masked in the end
  const pairIndex = tf.add(tf.mul(d.actor, tf.scalar(N, "int32")), entity);
  const pair = mapPairs(encoded.pairs, (x) => takeRows(tf.reshape(x, [B, N * N, x.shape[3]!]), pairIndex)); // [B,n,·]
  const target = dense(takeRows(encoded.x, entity), { w: p.action.target });
  const actor = dense(takeRows(encoded.x, d.actor), { w: p.action.actor });
  const e = tf.mul(embedTargeted(p, pair, target, actor), targeted); // [B,n,2H]
  const [active, passive] = tf.split(e, 2, 2) as [Tensor, Tensor];
  return { active: tf.add(fromTable, active), passive: onHeld ? tf.add(passive, onHeld) : passive };
}

/** π of untargeted actions on what their actor holds (ace-spec §3.2): MLP2(H→H→U·H)(s_i), the part of the action; [B,n,H]. */
function passiveOnHeld(p: NetworkParameters, encoded: Encoded, d: Decisions): Tensor {
  const [B, n] = d.actor.shape as [number, number];
  const [U, H] = p.table.shape as [number, number];
  const all = tf.reshape(mlp(takeRows(encoded.x, d.actor), p.held!), [B, n, U, H]);
  const holds = tf.cast(tf.greaterEqual(d.target, tf.scalar(0, "int32")), "float32"); // [B,n]
  const chosen = tf.mul(oneHot(d.action, U), tf.expandDims(holds, 2)); // zero for targeted actions and empty hands
  return tf.sum(tf.mul(all, tf.expandDims(chosen, 3)), 2);
}

/** Every SE-state along one joint action, without a loop over agents. */
export type Followed = {
  /** [B,N+2n,H] all distinct rows (initial, after acting, after being acted upon) as D sees them, before its first ReLU. */
  before: Tensor;
  /** [B,N+2n,H] each: D of the rows. */
  decided: Halves;
  /** [B,n,N] int32: the row that stands for each entity after position p. No gradient. */
  current: Tensor;
  /** [B,N,H] after everybody. */
  final: Tensor;
  /** [B,n,H] each: pooled after each position. */
  pooled: { mean: Tensor; max: Tensor };
  /** [B,n] V after each position = Q of each decision. */
  values: Tensor;
};

/**
 * Teacher-forced roll-out (ace-spec §4.3): SE-states are prefix sums of the chosen embeddings, so all rows that ever occur
 * (N + 2n) are decided in one product. Differentiable in the parameters.
 */
export function follow(p: NetworkParameters, encoded: Encoded, d: Decisions): Followed {
  const [B, N, H] = encoded.x.shape as [number, number, number];
  const n = d.actor.shape[1]!;
  const { active, passive } = chosenEmbeddings(p, encoded, d);
  const actor = oneHot(d.actor, N); // [B,n,N]
  const target = oneHot(d.target, N); // zero rows where untargeted
  const upTo = lowerTriangle(n);

  // after position p:  actor's row  s_i + Σ_{q≤p} [j_q = i_p] π_q + δ_p
  const actedOn = tf.mul(tf.matMul(actor, target, false, true), upTo); // [B,n,n]
  const actorRows = tf.addN([takeRows(encoded.x, d.actor), tf.matMul(actedOn, passive), active]);
  // target's row  s_j + Σ_{q≤p} [j_q = j_p] π_q + Σ_{q≤p} [i_q = j_p] δ_q; that of an untargeted action never stands for anybody
  const sameTarget = tf.mul(tf.matMul(target, target, false, true), upTo);
  const targetActed = tf.mul(tf.matMul(target, actor, false, true), upTo);
  const targetOf = takeRows(encoded.x, tf.maximum(d.target, tf.scalar(0, "int32")));
  const targetRows = tf.addN([targetOf, tf.matMul(sameTarget, passive), tf.matMul(targetActed, active)]);
  const before = beforeDeciding(p, tf.concat([encoded.x, actorRows, targetRows], 1));
  const decided = decide(p, before);

  // mean = (1/N) Σ_e m_e D_avg(x_e) ;  max = max_e m_e D_max(x_e)
  const { weights, current } = currentRows(actor, target);
  const alive = tf.reshape(encoded.alive, [B, 1, N]);
  const aliveRows = tf.concat([alive, tf.matMul(alive, actor, false, true), tf.matMul(alive, target, false, true)], 2); // [B,1,N+2n]
  const mean = tf.matMul(tf.mul(weights, tf.div(aliveRows, N)), decided.average);
  const rows = takeRows(decided.maximum, tf.reshape(current, [B, n * N]));
  const max = maximumOfLiving(tf.reshape(rows, [B, n, N, H]), tf.reshape(encoded.alive, [B, 1, N, 1]), 2);
  const final = tf.addN([encoded.x, tf.matMul(actor, active, true), tf.matMul(target, passive, true)]);
  return { before, decided, current, final, pooled: { mean, max }, values: value(p, mean, max) };
}

/**
 * Which row of [initial, actor, target] stands for each entity after position p: as weights [B,n,N+2n] of 0 and 1, and as indices
 * [B,n,N]. A row written at q is current until a later decision touches its entity.
 */
function currentRows(actor: Tensor, target: Tensor): { weights: Tensor; current: Tensor } {
  const [B, n, N] = actor.shape as [number, number, number];
  const upTo = lowerTriangle(n);
  const touches = tf.cumsum(tf.add(actor, target), 1); // [B,n,N] how often e was touched up to p
  const untouched = tf.cast(tf.equal(touches, 0), "float32");
  const unchangedSince = (entity: Tensor) => {
    const count = tf.matMul(touches, entity, false, true); // [B,p,q] touches of q's entity up to p
    const own = tf.sum(tf.mul(touches, entity), 2); // [B,q] up to q itself
    return tf.mul(tf.cast(tf.equal(count, tf.expandDims(own, 1)), "float32"), upTo);
  };
  // one who targets itself is represented by its actor row
  const distinct = tf.sub(tf.sum(target, 2), tf.sum(tf.mul(actor, target), 2)); // [B,n]
  const targetWeights = tf.mul(unchangedSince(target), tf.expandDims(distinct, 1));
  const weights = tf.concat([untouched, unchangedSince(actor), targetWeights], 2);
  const entities = tf.concat([tf.tile(tf.expandDims(tf.eye(N), 0), [B, 1, 1]), actor, target], 1); // [B,N+2n,N]
  const ids = tf.reshape(tf.range(0, N + 2 * n), [1, 1, N + 2 * n]);
  return { weights, current: tf.cast(tf.matMul(tf.mul(weights, ids), entities), "int32") };
}

/** V after everybody has decided, [B]; only the final rows are evaluated. */
export function finalValue(p: NetworkParameters, encoded: Encoded, d: Decisions): Tensor {
  const [B, N, H] = encoded.x.shape as [number, number, number];
  const { active, passive } = chosenEmbeddings(p, encoded, d);
  const x = tf.addN([encoded.x, tf.matMul(oneHot(d.actor, N), active, true), tf.matMul(oneHot(d.target, N), passive, true)]);
  const decided = decide(p, beforeDeciding(p, x));
  const share = tf.reshape(tf.div(encoded.alive, N), [B, 1, N]);
  const mean = tf.reshape(tf.matMul(share, decided.average), [B, H]);
  return value(p, mean, maximumOfLiving(decided.maximum, encoded.alive, 1));
}
