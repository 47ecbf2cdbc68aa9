import type { Tensor } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import type { TensorTree } from "./tree.js";
import { zipTrees } from "./tree.js";

/** target + rate·(online − target) for every leaf: a slow copy of `online` (Polyak averaging), at rate 1 the copy itself. */
export function polyak<P extends TensorTree>(target: P, online: P, rate: number): P {
  if (rate === 1) return online;
  return zipTrees<Tensor, Tensor, Tensor>(target, online, (t, o) => tf.add(tf.mul(t, 1 - rate), tf.mul(o, rate))) as P;
}
