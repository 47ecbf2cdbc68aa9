import type { Tensor } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";

/** Parameters of a linear layer: w [in, out], b [out]. */
export type Linear = { w: Tensor; b: Tensor };

/** x·w + b over the last axis: `x` [… , in] gives [… , out], as one matrix product whatever the leading axes. Without `b`, x·w. */
export function dense(x: Tensor, { w, b }: { w: Tensor; b?: Tensor }): Tensor {
  const [inputs, outputs] = w.shape as [number, number];
  const rows = x.rank === 2 ? x : x.reshape([-1, inputs]);
  const product = tf.matMul(rows, w);
  const y = b ? tf.add(product, b) : product;
  return x.rank === 2 ? y : y.reshape([...x.shape.slice(0, -1), outputs]);
}
