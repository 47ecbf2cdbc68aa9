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
import { decide, type Encoded, embedTargeted, type NetworkParameters, value } from "./network.js";
import { maskedArgMax, oneHot, pickRow, pickRows, UNAVAILABLE } from "./select.js";

type Tensor = tf.Tensor;

/** Who decides when, what, and on whom; arrays of positions. */
export type Decisions = {
  /** [B,n] int32 */
  actor: Tensor;
  /** [B,n] int32 */
  action: Tensor;
  /** [B,n] int32 target entity, −1 for untargeted actions. */
  target: Tensor;
};

/** Puts joint actions [B,n] (by agent) into the order of deciding. */
export function decisionsOf(actions: Tensor, order: Tensor, actionTargets: Tensor, U: number): Decisions {
  const action = pickRows(actions, order);
  const T = actionTargets.shape[2]!;
  if (T === 0) return { actor: order, action, target: tf.fill(order.shape, -1, "int32") };
  const [B, n] = order.shape as [number, number];
  const slot = tf.sub(action, tf.scalar(U, "int32")); // negative: untargeted
  const flat = tf.add(tf.mul(order, tf.scalar(T, "int32")), tf.maximum(slot, tf.scalar(0, "int32")));
  const entity = pickRows(tf.reshape(actionTargets, [B, n * T]), flat);
  const target = tf.where(tf.greaterEqual(slot, tf.scalar(0, "int32")), entity, tf.fill(order.shape, -1, "int32"));
  return { actor: order, action, target };
}

/** Lower-triangular ones [n,n]; `strict` leaves out the diagonal. */
function lowerTriangle(n: number, strict = false): Tensor {
  const at = tf.range(0, n, 1, "int32");
  const row = tf.expandDims(at, 1);
  const column = tf.expandDims(at, 0);
  return tf.cast(strict ? tf.greater(row, column) : tf.greaterEqual(row, column), "float32");
}

/** What each decision adds to its actor (δ) and to its target (π), [B,n,H] each. Differentiable. */
export function chosenEmbeddings(p: NetworkParameters, encoded: Encoded, d: Decisions): { active: Tensor; passive: Tensor } {
  const [B, N, H] = encoded.x.shape as [number, number, number];
  const n = d.actor.shape[1]!;
  const U = p.table.shape[0]!;
  const fromTable = dense(oneHot(d.action, U), { w: p.table }); // zero for targeted actions
  if (!p.action) return { active: fromTable, passive: tf.zerosLike(fromTable) };
  const targeted = tf.cast(tf.expandDims(tf.greaterEqual(d.target, tf.scalar(0, "int32")), 2), "float32"); // [B,n,1]
  const pairIndex = tf.add(tf.mul(d.actor, tf.scalar(N, "int32")), tf.maximum(d.target, tf.scalar(0, "int32")));
  const pair = tf.matMul(oneHot(pairIndex, N * N), tf.reshape(encoded.pairs, [B, N * N, 2 * H])); // [B,n,2H]
  const target = dense(tf.matMul(oneHot(d.target, N), encoded.x), { w: p.action.target });
  const actor = dense(tf.matMul(oneHot(d.actor, N), encoded.x), { w: p.action.actor });
  const e = embedTargeted(p, pair, target, actor);
  return { active: tf.reshape(tf.add(fromTable, tf.mul(e.active, targeted)), [B, n, H]), passive: tf.mul(e.passive, targeted) };
}

/** Every SE-state along one joint action, without a loop over agents. */
export type Followed = {
  /** [B, N+2n, H] all distinct rows: initial, after acting, after being acted upon. */
  rows: Tensor;
  /** [B, N+2n, 2H] D of the rows; those of the dead are zero. */
  decided: Tensor;
  /** [B, n, N+2n] 1 where the row is its entity's current one after position p. No gradient. */
  current: Tensor;
  /** [B, N, H] after everybody. */
  final: Tensor;
  /** [B, n, 2H] pooled after each position. */
  pooled: Tensor;
  /** [B, n] V after each position = Q of each decision. */
  values: Tensor;
};

/**
 * Teacher-forced roll-out (ace-spec §4.3): SE-states are prefix sums of the chosen embeddings, so all rows that ever occur
 * (N + 2n) are decided in one product. Differentiable in the parameters.
 */
export function follow(p: NetworkParameters, encoded: Encoded, d: Decisions): Followed {
  const [, N] = encoded.x.shape as [number, number, number];
  const n = d.actor.shape[1]!;
  const { active, passive } = chosenEmbeddings(p, encoded, d);
  const actor = oneHot(d.actor, N); // [B,n,N]
  const target = oneHot(d.target, N); // zero rows where untargeted
  const upTo = lowerTriangle(n);

  // after position p:  actor's row  s_i + Σ_{q≤p} [j_q = i_p] π_q + δ_p
  const actedOn = tf.mul(tf.matMul(actor, target, false, true), upTo); // [B,n,n]
  const actorRows = tf.addN([tf.matMul(actor, encoded.x), tf.matMul(actedOn, passive), active]);
  // target's row  s_j + Σ_{q≤p} [j_q = j_p] π_q + Σ_{q≤p} [i_q = j_p] δ_q
  const sameTarget = tf.mul(tf.matMul(target, target, false, true), upTo);
  const targetActed = tf.mul(tf.matMul(target, actor, false, true), upTo);
  const targetRows = tf.addN([tf.matMul(target, encoded.x), tf.matMul(sameTarget, passive), tf.matMul(targetActed, active)]);
  const rows = tf.concat([encoded.x, actorRows, targetRows], 1);

  const aliveRows = tf.concat([encoded.alive, tf.matMul(actor, encoded.alive), tf.matMul(target, encoded.alive)], 1);
  const decided = tf.mul(decide(p, rows), aliveRows);
  const current = currentRows(actor, target);

  // mean = (1/N) Σ_e D_avg(x_e) ;  max = max_e D_max(x_e)   (D ≥ 0, so rows multiplied by 0 never win)
  const [average, maximum] = tf.split(decided, 2, 2) as [Tensor, Tensor];
  const mean = tf.div(tf.matMul(current, average), N);
  const max = tf.max(tf.mul(tf.expandDims(current, 3), tf.expandDims(maximum, 1)), 2);
  const pooled = tf.concat([mean, max], 2);
  const final = tf.addN([encoded.x, tf.matMul(actor, active, true), tf.matMul(target, passive, true)]);
  return { rows, decided, current, final, pooled, values: value(p, pooled) };
}

/**
 * Which row of [initial, actor, target] stands for each entity after position p: [B,n,N+2n] of 0 and 1.
 * A row written at q is current until a later decision touches its entity.
 */
function currentRows(actor: Tensor, target: Tensor): Tensor {
  const n = actor.shape[1]!;
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
  return tf.concat([untouched, unchangedSince(actor), tf.mul(unchangedSince(target), tf.expandDims(distinct, 1))], 2);
}

/** V after everybody has decided, [B]; only the final rows are evaluated. */
export function finalValue(p: NetworkParameters, encoded: Encoded, d: Decisions): Tensor {
  const [, N] = encoded.x.shape as [number, number, number];
  const { active, passive } = chosenEmbeddings(p, encoded, d);
  const x = tf.addN([encoded.x, tf.matMul(oneHot(d.actor, N), active, true), tf.matMul(oneHot(d.target, N), passive, true)]);
  const [average, maximum] = tf.split(tf.mul(decide(p, x), encoded.alive), 2, 2) as [Tensor, Tensor];
  return value(p, tf.concat([tf.mean(average, 1), tf.max(maximum, 1)], 1));
}

/** One SE-state per row of the batch: embeddings and their masked decision embeddings. */
export type SequentialState = {
  /** [B,N,H] */
  x: Tensor;
  /** [B,N,2H] D(x), zero for the dead. */
  decided: Tensor;
  /** [B,N,1] */
  alive: Tensor;
};

/** K ways for one agent to decide; without `target` nobody else is touched. */
export type Candidates = {
  /** [B,K,H] added to the actor. */
  active: Tensor;
  /** [B,K,H] added to the target. */
  passive?: Tensor;
  /** [B,K] int32, −1 = no target. */
  target?: Tensor;
};

/** What becomes of the SE-state under each candidate. */
export type Outcome = {
  /** [B,K] V of the resulting SE-state. */
  values: Tensor;
  /** The actor's new row [B,K,H] and its D [B,K,2H]. */
  actor: { row: Tensor; decided: Tensor };
  /** The target's, where candidates have targets other than the actor itself. */
  target?: { row: Tensor; decided: Tensor };
};

/**
 * V of the SE-state after each candidate of `actor` [B] int32, by incremental pooling (ace-spec §4.4): only the actor's and the
 * target's rows change, all others keep their D.
 */
export function tryCandidates(p: NetworkParameters, s: SequentialState, actor: Tensor, c: Candidates): Outcome {
  const N = s.x.shape[1]!;
  const isActor = tf.expandDims(oneHot(actor, N), 2); // [B,N,1]
  const others = tf.mul(s.decided, tf.sub(1, isActor)); // [B,N,2H] the actor's row taken out
  const [othersAverage, othersMaximum] = tf.split(others, 2, 2) as [Tensor, Tensor];
  const sum = tf.sum(othersAverage, 1, true); // [B,1,H]
  const actorAlive = tf.expandDims(pickRow(s.alive, actor), 1); // [B,1,1]
  const acted = tf.add(tf.expandDims(pickRow(s.x, actor), 1), c.active); // [B,K,H]
  // z = [ (Σ_e D_avg) / N ; max_e D_max ]
  const pooledValue = (sumOfOthers: Tensor, maxOfOthers: Tensor, actorDecided: Tensor) => {
    const [average, maximum] = tf.split(actorDecided, 2, 2) as [Tensor, Tensor];
    const z = tf.concat([tf.div(tf.add(sumOfOthers, average), N), tf.maximum(maxOfOthers, maximum)], 2);
    return value(p, z);
  };
  if (!c.target || !c.passive) {
    const decided = tf.mul(decide(p, acted), actorAlive);
    return { values: pooledValue(sum, tf.max(othersMaximum, 1, true), decided), actor: { row: acted, decided } };
  }
  const onSelf = tf.equal(c.target, tf.expandDims(actor, 1)); // [B,K]
  const onOther = tf.logicalAnd(tf.greaterEqual(c.target, tf.scalar(0, "int32")), tf.logicalNot(onSelf));
  const isOther = tf.expandDims(onOther, 2); // [B,K,1]
  const other = tf.cast(isOther, "float32");
  const actorRow = tf.add(acted, tf.mul(c.passive, tf.cast(tf.expandDims(onSelf, 2), "float32")));
  const targetRow = tf.add(pickRows(s.x, c.target), c.passive);
  const [actorRaw, targetRaw] = tf.split(decide(p, tf.concat([actorRow, targetRow], 1)), 2, 1) as [Tensor, Tensor];
  const actorDecided = tf.mul(actorRaw, actorAlive);
  const targetDecided = tf.mul(targetRaw, tf.mul(pickRows(s.alive, c.target), other));
  const [targetAverage, targetMaximum] = tf.split(targetDecided, 2, 2) as [Tensor, Tensor];
  const { whole, without } = leaveOneOutMaximum(othersMaximum);
  const maxOfOthers = tf.maximum(tf.where(isOther, pickRows(without, c.target), whole), targetMaximum);
  const sumOfOthers = tf.add(tf.sub(sum, tf.mul(pickRows(othersAverage, c.target), other)), targetAverage);
  return {
    values: pooledValue(sumOfOthers, maxOfOthers, actorDecided),
    actor: { row: actorRow, decided: actorDecided },
    target: { row: targetRow, decided: targetDecided },
  };
}

/** Maximum over entities of non-negative [B,N,H]: over all [B,1,H], and over all but each one [B,N,H] (second largest where it alone is largest). */
function leaveOneOutMaximum(x: Tensor): { whole: Tensor; without: Tensor } {
  const whole = tf.max(x, 1, true);
  const isLargest = tf.equal(x, whole);
  const holders = tf.sum(tf.cast(isLargest, "float32"), 1, true);
  const second = tf.max(tf.where(isLargest, tf.zerosLike(x), x), 1, true);
  const alone = tf.logicalAnd(isLargest, tf.equal(holders, 1));
  return { whole, without: tf.where(alone, second, whole) };
}

/** Embeddings of every targeted action of every agent, [B,n,T,H] each; undefined when actions have no targets. No gradient needed. */
export function embedAllTargets(
  p: NetworkParameters,
  encoded: Encoded,
  actionTargets: Tensor,
): { active: Tensor; passive: Tensor } | undefined {
  if (!p.action) return undefined;
  const [B, N, H] = encoded.x.shape as [number, number, number];
  const [, n, T] = actionTargets.shape as [number, number, number];
  const rowOfAgent = tf.mul(tf.range(0, n, 1, "int32"), tf.scalar(N, "int32"));
  const entity = tf.maximum(actionTargets, tf.scalar(0, "int32"));
  const pairIndex = tf.add(entity, tf.reshape(rowOfAgent, [1, n, 1]));
  const pair = pickRows(tf.reshape(encoded.pairs, [B, N * N, 2 * H]), tf.reshape(pairIndex, [B, n * T]));
  const target = pickRows(dense(encoded.x, { w: p.action.target }), tf.reshape(entity, [B, n * T]));
  const actor = tf.expandDims(tf.slice(dense(encoded.x, { w: p.action.actor }), [0, 0, 0], [B, n, H]), 2);
  return embedTargeted(p, tf.reshape(pair, [B, n, T, 2 * H]), tf.reshape(target, [B, n, T, H]), actor);
}

/** One actor's targeted candidates, a row of {@link embedAllTargets}. */
export type TargetedCandidates = { active: Tensor; passive: Tensor; target: Tensor };

/** The outcomes of all actions of `actor` [B]: values [B,A] and actor rows with untargeted actions first, target rows [B,T,·]. */
export function tryAll(p: NetworkParameters, s: SequentialState, actor: Tensor, targeted?: TargetedCandidates): Outcome {
  const B = s.x.shape[0]!;
  const [U, H] = p.table.shape as [number, number];
  const plain = tryCandidates(p, s, actor, { active: tf.tile(tf.reshape(p.table, [1, U, H]), [B, 1, 1]) });
  if (!targeted) return plain;
  const aimed = tryCandidates(p, s, actor, targeted);
  return {
    values: tf.concat([plain.values, aimed.values], 1),
    actor: {
      row: tf.concat([plain.actor.row, aimed.actor.row], 1),
      decided: tf.concat([plain.actor.decided, aimed.actor.decided], 1),
    },
    ...(aimed.target ? { target: aimed.target } : {}),
  };
}

/** Chooses at one position: Q [B,A] of the actor's actions, its mask [B,A] bool, the actor [B] → actions [B] int32. */
export type Chooser = (values: Tensor, mask: Tensor, actor: Tensor) => Tensor;

/** a = argmax over the available actions. */
export const greedy: Chooser = (values, mask) => maskedArgMax(values, mask);

/** What a roll-out decides, by agent. */
export type RolledOut = {
  /** [B,n] int32 */
  actions: Tensor;
  /** [B,n,A] Q when the agent decided, unavailable −1e9. */
  values: Tensor;
};

/**
 * Lets the agents decide one after another in `order` [B,n] int32 (ace-spec §1): a_p = choose(V(s_{a_1:p−1}, ·)).
 * One encoder pass, then n light steps. Not for gradients.
 */
export function rollOut(
  p: NetworkParameters,
  encoded: Encoded,
  step: { actionMask: Tensor; actionTargets: Tensor },
  order: Tensor,
  choose: Chooser = greedy,
): RolledOut {
  const B = encoded.x.shape[0]!;
  const n = step.actionMask.shape[1]!;
  const embedded = embedAllTargets(p, encoded, step.actionTargets);
  let state: SequentialState = {
    x: encoded.x,
    decided: tf.mul(decide(p, encoded.x), encoded.alive),
    alive: encoded.alive,
  };
  const actions: Tensor[] = [];
  const values: Tensor[] = [];
  for (let position = 0; position < n; position++) {
    const actor = tf.reshape(tf.slice(order, [0, position], [B, 1]), [B]);
    const available = tf.cast(pickRow(tf.cast(step.actionMask, "int32"), actor), "bool");
    const targeted = embedded && {
      active: pickRow(embedded.active, actor),
      passive: pickRow(embedded.passive, actor),
      target: pickRow(step.actionTargets, actor),
    };
    const outcome = tryAll(p, state, actor, targeted);
    const action = choose(outcome.values, available, actor);
    actions.push(action);
    values.push(tf.where(available, outcome.values, UNAVAILABLE));
    if (position < n - 1) state = commit(p, state, actor, action, outcome, targeted?.target);
  }
  const positionOf = tf.cast(tf.argMax(oneHot(order, n), 1), "int32"); // [B,n] when each agent decided
  return { actions: pickRows(tf.stack(actions, 1), positionOf), values: pickRows(tf.stack(values, 1), positionOf) };
}

/** The SE-state after `action` [B]: the actor's and the target's rows are replaced by those that the candidate already had. */
function commit(
  p: NetworkParameters,
  s: SequentialState,
  actor: Tensor,
  action: Tensor,
  outcome: Outcome,
  targets: Tensor | undefined,
): SequentialState {
  const N = s.x.shape[1]!;
  const U = p.table.shape[0]!;
  const replace = (rows: Tensor, where: Tensor, row: Tensor) => tf.where(where, tf.expandDims(row, 1), rows);
  const isActor = tf.cast(tf.expandDims(oneHot(actor, N), 2), "bool"); // [B,N,1]
  let x = replace(s.x, isActor, pickRow(outcome.actor.row, action));
  let decided = replace(s.decided, isActor, pickRow(outcome.actor.decided, action));
  if (outcome.target && targets) {
    const slot = tf.sub(action, tf.scalar(U, "int32"));
    const targeted = tf.expandDims(tf.greaterEqual(slot, tf.scalar(0, "int32")), 1); // [B,1]
    const isTarget = tf.cast(oneHot(pickRow(targets, slot), N), "bool");
    // one who targets itself already has its row, which includes what it receives
    const changed = tf.logicalAnd(tf.logicalAnd(tf.expandDims(isTarget, 2), tf.expandDims(targeted, 2)), tf.logicalNot(isActor));
    x = replace(x, changed, pickRow(outcome.target.row, slot));
    decided = replace(decided, changed, pickRow(outcome.target.decided, slot));
  }
  return { x, decided, alive: s.alive };
}
