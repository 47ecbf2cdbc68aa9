import type { Tensor } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import type { TensorTree } from "./tree.js";
import { leavesOf, mapTree } from "./tree.js";

/** √(Σ g²) over every leaf, a scalar. */
export function globalNorm(gradients: TensorTree): Tensor {
  return tf.sqrt(tf.addN(leavesOf<Tensor>(gradients).map(({ leaf }) => tf.sum(tf.square(leaf)))));
}

/** Scales all gradients alike so that their global norm is at most `maximum`; `norm` is the one before. The factor is PyTorch's. */
export function clipByGlobalNorm<G extends TensorTree>(gradients: G, maximum: number): { gradients: G; norm: Tensor } {
  const norm = globalNorm(gradients);
  const factor = tf.minimum(tf.div(maximum, tf.add(norm, 1e-6)), 1);
  return { gradients: mapTree<Tensor, Tensor>(gradients, (g) => tf.mul(g, factor)) as G, norm };
}
