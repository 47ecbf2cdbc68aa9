/**
 * What becomes of an SE-state under each action that an agent could choose (ace-spec §3.1 step 5, §4.4). No gradients.
 *
 * Axes: `M` situations (one agent about to decide in one SE-state), `N` entities, `A` = `U` + `T` actions, `H` hidden.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { dense } from "../../src/tensor/layers.js";
import { type Encoded, mapPairs } from "./encoded.js";
import type { Halves } from "./halves.js";
import { mlp } from "./mlp.js";
import { decide, embedTargeted, type NetworkParameters, value } from "./network.js";
import { int, oneHot, pickRow } from "./select.js";

type Tensor = tf.Tensor;

/** One SE-state per situation. */
export type SequentialState = {
  /** [M,N,H] each entity's row as D sees it, before its first ReLU: what decisions add to a row can be added there. */
  before: Tensor;
  /** [M,N,H] each: D of the rows after all ReLUs, zero for the dead. */
  decided: Halves;
};

/** K actions that each situation's agent could choose. */
export type Candidates = {
  /** [M] int32, the agent that decides. */
  actor: Tensor;
  /** [M,1,1] 1 = it lives. */
  actorAlive: Tensor;
  /** [M,K,H] what each adds to the actor's row, as D sees it. */
  active: Tensor;
  /** Whom they act upon; absent where nobody. */
  target?: {
    /** [M,K'] int32, −1 = nobody, for the last K' ≤ K candidates; the others have no target. */
    entity: Tensor;
    /** [M,K',H] what each adds to its target's row, as D sees it. */
    passive: Tensor;
    /** [M,K',1] 1 = it has a target that lives and is not the actor itself. */
    other: Tensor;
  };
};

/** What becomes of the SE-state under each candidate. */
export type Outcome = {
  /** [M,K] V of the resulting SE-state. */
  values: Tensor;
  /** [M,1,H] the actor's row before, as D sees it. */
  actor: Tensor;
  /** [M,K',H] the targets' rows after. */
  target?: Tensor;
};

/** Which of the encoder's batch, which agent: one of each per situation. */
export type Situations = {
  /** [M] int32 */
  sample: Tensor;
  /** [M] int32 */
  actor: Tensor;
};

/** Rows of [R,H] by [M,…] int32, negative ones as row 0. */
const rowsAt = (table: Tensor, index: Tensor): Tensor => tf.gather(table, tf.maximum(index, int(0)));

/** What concerns the actors alone. */
function actorsOf(encoded: Encoded, { sample, actor }: Situations): { row: Tensor; actorAlive: Tensor } {
  const [B, N] = encoded.x.shape as [number, number, number];
  const row = tf.add(tf.mul(sample, int(N)), actor);
  return { row, actorAlive: tf.reshape(rowsAt(tf.reshape(encoded.alive, [B * N, 1]), row), [-1, 1, 1]) };
}

/** e_ij of entity `entity` [M,K] as seen by each situation's actor, projected into D's hidden layer: δ and π, [M,K,H] each. */
function targetedShifts(
  p: NetworkParameters,
  encoded: Encoded,
  situations: Situations,
  entity: Tensor,
): { active: Tensor; passive: Tensor } {
  const [B, N, H] = encoded.x.shape as [number, number, number];
  const [M, K] = entity.shape as [number, number];
  const { row } = actorsOf(encoded, situations);
  const someone = tf.maximum(entity, int(0));
  const pairRow = tf.reshape(tf.add(tf.expandDims(tf.mul(row, int(N)), 1), someone), [M * K]);
  const targetRow = tf.reshape(tf.add(tf.expandDims(tf.mul(situations.sample, int(N)), 1), someone), [M * K]);
  const pair = mapPairs(encoded.pairs, (features) => {
    const W = features.shape[3]!;
    return tf.reshape(tf.gather(tf.reshape(features, [B * N * N, W]), pairRow), [M, K, W]);
  });
  const x = tf.reshape(encoded.x, [B * N, H]);
  const target = tf.reshape(tf.gather(dense(x, { w: p.action!.target }), targetRow), [M, K, H]);
  const actor = tf.expandDims(tf.gather(dense(x, { w: p.action!.actor }), row), 1);
  const e = embedTargeted(p, pair, target, actor); // [M,K,2H]
  const shifts = tf.reshape(dense(tf.reshape(e, [M * K * 2, H]), { w: p.decision.hidden.w }), [M, K, 2 * H]);
  const [active, passive] = tf.split(shifts, 2, 2) as [Tensor, Tensor];
  return { active, passive };
}

/** [M,K,1] 1 = `entity` [M,K] is somebody alive other than the actor. */
function otherAlive(encoded: Encoded, { sample, actor }: Situations, entity: Tensor): Tensor {
  const [B, N] = encoded.x.shape as [number, number, number];
  const row = tf.add(tf.expandDims(tf.mul(sample, int(N)), 1), tf.maximum(entity, int(0)));
  const alive = rowsAt(tf.reshape(encoded.alive, [B * N, 1]), row); // [M,K,1]
  const other = tf.logicalAnd(tf.greaterEqual(entity, int(0)), tf.notEqual(entity, tf.expandDims(actor, 1)));
  return tf.mul(alive, tf.cast(tf.expandDims(other, 2), "float32"));
}

/** What goes to the actor: δ, and π where it targets itself. */
function onActor(active: Tensor, passive: Tensor, actor: Tensor, entity: Tensor): Tensor {
  const self = tf.cast(tf.expandDims(tf.equal(entity, tf.expandDims(actor, 1)), 2), "float32");
  return tf.add(active, tf.mul(passive, self));
}

/** Every action of each situation's actor: the U untargeted first, then the T targeted. `actionTargets` [B,n,T]. */
export function allCandidates(p: NetworkParameters, encoded: Encoded, situations: Situations, actionTargets: Tensor): Candidates {
  const [U, H] = p.table.shape as [number, number];
  const M = situations.actor.shape[0]!;
  const { actor } = situations;
  const { actorAlive } = actorsOf(encoded, situations);
  const table = tf.tile(tf.reshape(dense(p.table, { w: p.decision.hidden.w }), [1, U, H]), [M, 1, 1]);
  const onHeld = p.held && heldCandidates(p, encoded, situations);
  if (!p.action) {
    const target = onHeld && { ...onHeld, other: otherAlive(encoded, situations, onHeld.entity) };
    return { actor, actorAlive, active: table, ...(target && { target }) };
  }
  const [B, n, T] = actionTargets.shape as [number, number, number];
  const agentRow = tf.add(tf.mul(situations.sample, int(n)), actor);
  const entity = tf.gather(tf.reshape(actionTargets, [B * n, T]), agentRow); // [M,T]
  const { active, passive } = targetedShifts(p, encoded, situations, entity);
  const all = onHeld
    ? { entity: tf.concat([onHeld.entity, entity], 1), passive: tf.concat([onHeld.passive, passive], 1) }
    : { entity, passive };
  return {
    actor,
    actorAlive,
    active: tf.concat([table, onActor(active, passive, actor, entity)], 1),
    target: { ...all, other: otherAlive(encoded, situations, all.entity) },
  };
}

/** What each untargeted action does to what the actor holds (ace-spec §3.2): entity [M,U], −1 = nothing, and π as D sees it [M,U,H]. */
function heldCandidates(p: NetworkParameters, encoded: Encoded, situations: Situations): { entity: Tensor; passive: Tensor } {
  const [U, H] = p.table.shape as [number, number];
  const [B, N] = encoded.x.shape as [number, number, number];
  const [, n] = encoded.held!.shape as [number, number];
  const M = situations.actor.shape[0]!;
  const agentRow = tf.add(tf.mul(situations.sample, int(n)), situations.actor);
  const entity = tf.tile(tf.expandDims(tf.gather(tf.reshape(encoded.held!, [B * n]), agentRow), 1), [1, U]);
  const x = tf.gather(tf.reshape(encoded.x, [B * N, H]), actorsOf(encoded, situations).row); // [M,H]
  const passive = dense(tf.reshape(mlp(x, p.held!), [M * U, H]), { w: p.decision.hidden.w });
  return { entity, passive: tf.reshape(passive, [M, U, H]) };
}

/** One given action [M] int32 of each situation's actor, K = 1. */
export function oneCandidate(
  p: NetworkParameters,
  encoded: Encoded,
  situations: Situations,
  actionTargets: Tensor,
  action: Tensor,
): Candidates {
  const [U, H] = p.table.shape as [number, number];
  const M = action.shape[0]!;
  const { actor } = situations;
  const { actorAlive } = actorsOf(encoded, situations);
  const table = dense(p.table, { w: p.decision.hidden.w });
  const clamped = tf.minimum(action, int(U - 1));
  const plain = tf.reshape(tf.gather(table, clamped), [M, 1, H]);
  const onHeld = p.held && chosenOf(heldCandidates(p, encoded, situations), clamped);
  if (!p.action) {
    const target = onHeld && { ...onHeld, other: otherAlive(encoded, situations, onHeld.entity) };
    return { actor, actorAlive, active: plain, ...(target && { target }) };
  }
  const [B, n, T] = actionTargets.shape as [number, number, number];
  const slot = tf.sub(action, int(U)); // negative: untargeted
  const isTargeted = tf.greaterEqual(slot, int(0));
  const cell = tf.add(tf.mul(tf.add(tf.mul(situations.sample, int(n)), actor), int(T)), tf.maximum(slot, int(0)));
  const chosen = tf.gather(tf.reshape(actionTargets, [B * n * T]), cell);
  const untargeted = onHeld ? tf.reshape(onHeld.entity, [M]) : tf.fill([M], -1, "int32");
  const entity = tf.expandDims(tf.where(isTargeted, chosen, untargeted), 1); // [M,1]
  const { active, passive } = targetedShifts(p, encoded, situations, entity);
  const aimed = tf.reshape(tf.cast(isTargeted, "float32"), [M, 1, 1]);
  const shift = tf.add(tf.mul(onActor(active, passive, actor, entity), aimed), tf.mul(plain, tf.sub(1, aimed)));
  const moved = onHeld ? tf.add(tf.mul(passive, aimed), tf.mul(onHeld.passive, tf.sub(1, aimed))) : passive;
  return { actor, actorAlive, active: shift, target: { entity, passive: moved, other: otherAlive(encoded, situations, entity) } };
}

/** One of U candidates in each situation: entity [M,1] and passive [M,1,H]. */
const chosenOf = ({ entity, passive }: { entity: Tensor; passive: Tensor }, action: Tensor) => ({
  entity: tf.expandDims(pickRow(entity, action), 1),
  passive: tf.expandDims(pickRow(passive, action), 1),
});

/** D of rows, after all ReLUs; rows whose `mask` is 0 become 0. */
export function decideMasked(p: NetworkParameters, before: Tensor, mask: Tensor): Halves {
  const { average, maximum } = decide(p, before);
  return { average: tf.mul(average, mask), maximum: tf.mul(tf.relu(maximum), mask) };
}

/**
 * V of the SE-state after each candidate, by incremental pooling (ace-spec §4.4): only the actor's and the target's rows change, all
 * others keep their D.
 *
 * Where a maximum is taken with rows that are 0 or more, D's last ReLU is left out: a maximum with 0 is one.
 */
export function tryCandidates(p: NetworkParameters, s: SequentialState, c: Candidates): Outcome {
  const [M, N, H] = s.before.shape as [number, number, number];
  const K = c.active.shape[1]!;
  const first = tf.mul(tf.range(0, M, 1, "int32"), int(N)); // [M] row of entity 0
  const rowOf = (rows: Tensor) => tf.expandDims(tf.gather(tf.reshape(rows, [M * N, H]), tf.add(first, c.actor)), 1); // [M,1,H]
  const actor = rowOf(s.before);
  // over all but the actor: Σ_e D_avg, max_e D_max
  const sum = tf.sub(tf.sum(s.decided.average, 1, true), rowOf(s.decided.average)); // [M,1,H]
  const maxima = tf.mul(s.decided.maximum, tf.sub(1, tf.expandDims(oneHot(c.actor, N), 2)));
  const whole = tf.max(maxima, 1, true); // [M,1,H]
  const ofActor = decide(p, tf.add(actor, c.active)); // [M,K,H]
  // z = [ (Σ_e D_avg) / N ; max_e D_max ] with the actor's new row
  const valuesWith = (sums: Tensor, largest: Tensor) => {
    const z = tf.add(sums, tf.mul(ofActor.average, c.actorAlive));
    return value(p, z, tf.maximum(largest, tf.mul(ofActor.maximum, c.actorAlive)), N); // [M,K]
  };
  if (!c.target) return { values: valuesWith(sum, whole), actor };
  const { entity, passive, other } = c.target;
  const T = entity.shape[1]!;
  const targetRow = tf.reshape(tf.add(tf.expandDims(first, 1), tf.maximum(entity, int(0))), [M * T]);
  const rowsOf = (rows: Tensor) => tf.reshape(tf.gather(tf.reshape(rows, [M * N, H]), targetRow), [M, T, H]);
  const target = tf.add(rowsOf(s.before), passive); // [M,T,H]
  const ofTarget = decide(p, target);
  // the target's row is exchanged, where there is one
  const sums = tf.add(tf.mul(tf.sub(ofTarget.average, rowsOf(s.decided.average)), other), sum);
  const { holds, loss } = holdersOfMaximum(maxima, whole);
  const remaining = tf.add(tf.mul(rowsOf(holds), tf.mul(loss, other)), whole);
  const maximums = tf.maximum(remaining, tf.mul(ofTarget.maximum, other));
  // untargeted candidates leave the others as they are
  const all = (ofUntargeted: Tensor, ofTargeted: Tensor) =>
    K === T ? ofTargeted : tf.concat([tf.tile(ofUntargeted, [1, K - T, 1]), ofTargeted], 1);
  return { values: valuesWith(all(sum, sums), all(whole, maximums)), actor, target };
}

/**
 * Of non-negative x [M,N,H] and its maximum over entities `whole` [M,1,H]: who holds the maximum, 1 or 0 [M,N,H], and by how much it
 * changes without one of them, ≤ 0 [M,1,H]: down to the second largest, or not at all where several hold it.
 */
function holdersOfMaximum(x: Tensor, whole: Tensor): { holds: Tensor; loss: Tensor } {
  const holds = tf.cast(tf.equal(x, whole), "float32");
  const second = tf.max(tf.sub(x, tf.mul(holds, whole)), 1, true);
  const alone = tf.cast(tf.equal(tf.sum(holds, 1, true), 1), "float32");
  return { holds, loss: tf.mul(tf.sub(second, whole), alone) };
}
