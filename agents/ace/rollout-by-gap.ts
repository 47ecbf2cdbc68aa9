/**
 * A roll-out whose order is not given but found: the next to decide is the agent with the largest value gap, the one whose choice matters
 * most now. Every agent that has not decided is asked at every position, so this costs n times {@link rollOut}. No gradients.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { available } from "../available.js";
import { allCandidates, type Candidates, decideMasked, type Outcome, type SequentialState, tryCandidates } from "./candidates.js";
import type { Encoded } from "./encoded.js";
import { everybody, forEverybody } from "./everybody.js";
import { beforeDeciding, type NetworkParameters } from "./network.js";
import { type Chooser, commit, greedy, type RolledOut, type RollOutStep } from "./rollout.js";
import { int, oneHot, pickRows } from "./select.js";

type Tensor = tf.Tensor;

/** Best minus mean value of the available actions: values [M,A] and mask [M,A] bool give [M]; 0 when there is nothing to choose. */
export function valueGap(values: Tensor, mask: Tensor): Tensor {
  const choices = tf.cast(mask, "float32");
  const best = tf.max(available(values, mask), 1);
  return tf.sub(best, tf.div(tf.sum(tf.mul(values, choices), 1), tf.sum(choices, 1)));
}

/** @param choose what the agent whose turn it is decides. */
export function rollOutByGap(
  p: NetworkParameters,
  encoded: Encoded,
  step: RollOutStep,
  choose: Chooser = greedy,
): RolledOut & { order: Tensor } {
  const [B, n, A] = step.actionMask.shape as [number, number, number];
  const situations = everybody(B, n);
  const candidates = allCandidates(p, encoded, situations, step.actionTargets);
  const agentRow = tf.add(tf.mul(situations.sample, int(n)), situations.actor);
  const masks = tf.cast(tf.gather(tf.reshape(tf.cast(step.actionMask, "int32"), [B * n, A]), agentRow), "bool"); // [n·B,A]
  const before = beforeDeciding(p, encoded.x);
  let state: SequentialState = { before, decided: decideMasked(p, before, encoded.alive) };
  let undecided: Tensor = tf.ones([B, n]);
  const [order, actions, values]: [Tensor[], Tensor[], Tensor[]] = [[], [], []];
  for (let position = 0; position < n; position++) {
    const outcomes = tryCandidates(p, forEverybody(state, n), candidates);
    const gaps = tf.transpose(tf.reshape(valueGap(outcomes.values, masks), [n, B])); // [B,n]
    const next = tf.cast(tf.argMax(tf.where(tf.cast(undecided, "bool"), gaps, -1), 1), "int32"); // [B]; gaps are ≥ 0
    const row = tf.add(tf.mul(next, int(B)), tf.range(0, B, 1, "int32"));
    const own = ofRows(row, candidates, outcomes);
    const mask = tf.cast(tf.gather(tf.cast(masks, "int32"), row), "bool");
    const action = choose(own.outcome.values, mask, next);
    order.push(next);
    actions.push(action);
    values.push(available(own.outcome.values, mask));
    undecided = tf.mul(undecided, tf.sub(1, oneHot(next, n)));
    if (position < n - 1) state = commit(p, state, own.candidates, own.outcome, action);
  }
  const decided = tf.stack(order, 1); // [B,n]
  const positionOf = tf.cast(tf.argMax(oneHot(decided, n), 1), "int32");
  return {
    actions: pickRows(tf.stack(actions, 1), positionOf),
    values: pickRows(tf.stack(values, 1), positionOf),
    order: decided,
  };
}

/** Candidates and outcomes of the situations `row` [B] among all n·B. */
function ofRows(row: Tensor, c: Candidates, o: Outcome): { candidates: Candidates; outcome: Outcome } {
  const take = (x: Tensor) => tf.gather(x, row);
  return {
    candidates: {
      actor: take(c.actor),
      actorAlive: take(c.actorAlive),
      active: take(c.active),
      ...(c.target && {
        target: { entity: take(c.target.entity), passive: take(c.target.passive), other: take(c.target.other) },
      }),
    },
    outcome: { values: take(o.values), actor: take(o.actor), ...(o.target && { target: take(o.target) }) },
  };
}
