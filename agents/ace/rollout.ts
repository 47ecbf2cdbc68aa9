/**
 * The agents decide one after another (ace-spec §1): a_p = choose(V(s_{a_1:p−1}, ·)). No gradients.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { available } from "../available.js";
import { allCandidates, type Candidates, decideMasked, type Outcome, type SequentialState, tryCandidates } from "./candidates.js";
import type { Encoded } from "./encoded.js";
import { beforeDeciding, type NetworkParameters } from "./network.js";
import { int, maskedArgMax, oneHot, pickRow, pickRows } from "./select.js";

type Tensor = tf.Tensor;

/** Chooses at one position: Q [B,A] of the actor's actions, its mask [B,A] bool, the actor [B] → actions [B] int32. */
export type Chooser = (values: Tensor, mask: Tensor, actor: Tensor) => Tensor;

/** a = argmax over the available actions. */
export const greedy: Chooser = (values, mask) => maskedArgMax(values, mask);

/** What a roll-out reads of a time step besides its encoding. */
export type RollOutStep = { actionMask: Tensor; actionTargets: Tensor };

/** What a roll-out decides, by agent. */
export type RolledOut = {
  /** [B,n] int32 */
  actions: Tensor;
  /** [B,n,A] Q when the agent decided, unavailable −1e9. */
  values: Tensor;
};

/**
 * Lets the agents decide one after another in `order` [B,n] int32. One encoder pass and one pass over all candidates of all positions,
 * then n light steps.
 */
export function rollOut(
  p: NetworkParameters,
  encoded: Encoded,
  step: RollOutStep,
  order: Tensor,
  choose: Chooser = greedy,
): RolledOut {
  const [B, n, A] = step.actionMask.shape as [number, number, number];
  const sample = tf.tile(tf.range(0, B, 1, "int32"), [n]);
  const actor = tf.reshape(tf.transpose(order), [n * B]); // by position
  const positions = byPosition(allCandidates(p, encoded, { sample, actor }, step.actionTargets), n);
  const agentRow = tf.add(tf.mul(sample, int(n)), actor);
  const masks = tf.gather(tf.reshape(tf.cast(step.actionMask, "int32"), [B * n, A]), agentRow);
  const legal = tf.split(tf.cast(masks, "bool"), n, 0);
  const before = beforeDeciding(p, encoded.x);
  let state: SequentialState = { before, decided: decideMasked(p, before, encoded.alive) };
  const actions: Tensor[] = [];
  const values: Tensor[] = [];
  for (const [position, candidates] of positions.entries()) {
    const outcome = tryCandidates(p, state, candidates);
    const mask = legal[position]!;
    const action = choose(outcome.values, mask, candidates.actor);
    actions.push(action);
    values.push(available(outcome.values, mask));
    if (position < n - 1) state = commit(p, state, candidates, outcome, action);
  }
  const positionOf = tf.cast(tf.argMax(oneHot(order, n), 1), "int32"); // [B,n] when each agent decided
  return { actions: pickRows(tf.stack(actions, 1), positionOf), values: pickRows(tf.stack(values, 1), positionOf) };
}

/** The candidates of n·B situations, position by position. */
function byPosition({ actor, actorAlive, active, target }: Candidates, n: number): Candidates[] {
  const parts = (x: Tensor): Tensor[] => tf.split(x, n, 0);
  const [actors, alive, actives] = [parts(actor), parts(actorAlive), parts(active)];
  const targets = target && [parts(target.entity), parts(target.passive), parts(target.other)];
  return actors.map((of, k) => ({
    actor: of,
    actorAlive: alive[k]!,
    active: actives[k]!,
    ...(targets ? { target: { entity: targets[0]![k]!, passive: targets[1]![k]!, other: targets[2]![k]! } } : {}),
  }));
}

/** The SE-state after `action` [B]: the actor's and the target's rows are replaced. */
export function commit(
  p: NetworkParameters,
  s: SequentialState,
  c: Candidates,
  outcome: Outcome,
  action: Tensor,
): SequentialState {
  const [B, N] = s.before.shape as [number, number, number];
  const entity = tf.expandDims(tf.range(0, N, 1, "int32"), 0); // [1,N]
  const isActor = tf.cast(tf.equal(entity, tf.expandDims(c.actor, 1)), "int32"); // [B,N]
  // rows of [s, actor's, target's]: entity e keeps row e unless it is one of the two
  let index = tf.add(tf.tile(entity, [B, 1]), tf.mul(isActor, tf.sub(int(N), entity)));
  const rows = [tf.add(tf.squeeze(outcome.actor, [1]), pickRow(c.active, action))];
  const alive = [tf.reshape(c.actorAlive, [B, 1])];
  if (c.target) {
    const slot = tf.sub(action, int(c.active.shape[1]! - c.target.entity.shape[1]!));
    const chosen = tf.expandDims(pickRow(c.target.entity, slot), 1); // [B,1]
    const targeted = tf.greaterEqual(tf.expandDims(slot, 1), int(0));
    const isTarget = tf.mul(tf.cast(tf.logicalAnd(tf.equal(entity, chosen), targeted), "int32"), tf.sub(int(1), isActor));
    // one who targets itself already has its row, which includes what it receives
    index = tf.add(index, tf.mul(isTarget, tf.sub(int(N + 1), entity)));
    rows.push(pickRow(outcome.target!, slot));
    alive.push(pickRow(c.target.other, slot));
  }
  const before = tf.stack(rows, 1); // [B,1 or 2,H]
  const decided = decideMasked(p, before, tf.stack(alive, 1));
  const replaced = (old: Tensor, changed: Tensor) => pickRows(tf.concat([old, changed], 1), index);
  return {
    before: replaced(s.before, before),
    decided: {
      average: replaced(s.decided.average, decided.average),
      maximum: replaced(s.decided.maximum, decided.maximum),
    },
  };
}
