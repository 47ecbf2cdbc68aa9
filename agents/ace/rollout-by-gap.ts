/**
 * A roll-out whose order is not given but found: the next to decide is the agent with the largest value gap, the one whose choice matters
 * most now. Every agent that has not decided is asked at every position, so this costs (n+1)/2 times {@link rollOut}. No gradients.
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
  const samples = tf.range(0, B, 1, "int32");
  const ofSituations = (agents: Tensor) => tf.reshape(tf.add(tf.mul(agents, int(B)), samples), [-1]);
  /** [m,B] who has not decided, in the order of agents; their candidates and masks, m·B of each. */
  let undecided: Tensor = tf.reshape(situations.actor, [n, B]);
  let [open, legal]: [Candidates, Tensor] = [candidates, masks];
  const [order, actions, values]: [Tensor[], Tensor[], Tensor[]] = [[], [], []];
  for (let m = n; m > 0; m--) {
    const outcomes = tryCandidates(p, forEverybody(state, m), open);
    const place = tf.cast(tf.argMax(tf.reshape(valueGap(outcomes.values, legal), [m, B]), 0), "int32"); // [B]
    const own = ofRows(ofSituations(place), open, outcomes);
    const mask = tf.cast(tf.gather(tf.cast(legal, "int32"), ofSituations(place)), "bool");
    const action = choose(own.outcome.values, mask, own.candidates.actor);
    order.push(own.candidates.actor);
    actions.push(action);
    values.push(available(own.outcome.values, mask));
    if (m === 1) break;
    state = commit(p, state, own.candidates, own.outcome, action);
    // whoever stood behind the one that decided moves up
    const places = tf.reshape(tf.range(0, m - 1, 1, "int32"), [m - 1, 1]);
    const from = (first: number) => tf.slice(undecided, [first, 0], [m - 1, B]);
    undecided = tf.where(tf.less(places, place), from(0), from(1));
    const rows = ofSituations(undecided);
    open = candidatesOf(rows, candidates);
    legal = tf.cast(tf.gather(tf.cast(masks, "int32"), rows), "bool");
  }
  const decided = tf.stack(order, 1); // [B,n]
  const positionOf = tf.cast(tf.argMax(oneHot(decided, n), 1), "int32");
  return {
    actions: pickRows(tf.stack(actions, 1), positionOf),
    values: pickRows(tf.stack(values, 1), positionOf),
    order: decided,
  };
}

/** Candidates of the situations `rows` among all. */
function candidatesOf(rows: Tensor, { actor, actorAlive, active, target }: Candidates): Candidates {
  const take = (x: Tensor) => tf.gather(x, rows);
  return {
    actor: take(actor),
    actorAlive: take(actorAlive),
    active: take(active),
    ...(target && { target: { entity: take(target.entity), passive: take(target.passive), other: take(target.other) } }),
  };
}

/** The same with what became of them. */
function ofRows(rows: Tensor, candidates: Candidates, o: Outcome): { candidates: Candidates; outcome: Outcome } {
  const take = (x: Tensor) => tf.gather(x, rows);
  return {
    candidates: candidatesOf(rows, candidates),
    outcome: { values: take(o.values), actor: take(o.actor), ...(o.target && { target: take(o.target) }) },
  };
}
