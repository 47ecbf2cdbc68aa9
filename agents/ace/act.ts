import * as tf from "@tensorflow/tfjs";
import type { ActTensors } from "../../src/agent.js";
import type { RandomStream } from "../../src/tensor/random.js";
import { HostArray } from "../../src/tensor/tree.js";
import type { SeenStep } from "./held.js";
import { encode, type NetworkParameters } from "./network.js";
import { type Chooser, rollOut } from "./rollout.js";
import { rollOutByGap } from "./rollout-by-gap.js";
import { maskedArgMax, pickRow } from "./select.js";
import type { AceSettings } from "./settings.js";

type Tensor = tf.Tensor;

/** Random numbers of one call of `act`. */
export type Exploration = {
  /** [E,n] bool: this agent acts at random. */
  explore: Tensor;
  /** [E,n,A] in [0,1): the available action with the largest is the random one, i.e. uniform over the available. */
  scores: Tensor;
  /** [E,n] int32: who decides at each position. */
  order: Tensor;
};

/** ε-greedy along the roll-out, per agent and independent (ace-spec §5): later agents see what earlier ones really do. */
export function act(p: NetworkParameters, step: SeenStep, exploration: Exploration, kind: OrderKind): ActTensors {
  const explore = tf.cast(exploration.explore, "int32");
  const choose: Chooser = (values, mask, actor) => {
    const random = maskedArgMax(pickRow(exploration.scores, actor), mask);
    return tf.where(tf.cast(pickRow(explore, actor), "bool"), random, maskedArgMax(values, mask));
  };
  if (kind === "gap") return rollOutByGap(p, encode(p, step), step, choose);
  const { actions, values } = rollOut(p, encode(p, step), step, exploration.order, choose);
  return { actions, values, order: tf.clone(exploration.order) };
}

export type OrderKind = AceSettings["order"];

/** Orders of deciding for `rows` rows: one random permutation for all, one each, or 0 … n−1 (also where the order is not drawn). */
export function drawOrder(rng: RandomStream, rows: number, n: number, kind: OrderKind): HostArray {
  const order = new Int32Array(rows * n);
  for (let row = 0; row < rows; row++) {
    if (kind === "shuffle-sample" || (kind === "shuffle" && row === 0)) rng.permutation(order, row * n, n);
    else if (kind === "shuffle") order.copyWithin(row * n, 0, n);
    else for (let i = 0; i < n; i++) order[row * n + i] = i;
  }
  return HostArray.int32(order, rows, n);
}
