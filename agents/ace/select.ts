/** Picking rows by computed indices. */
import * as tf from "@tensorflow/tfjs";
import { available } from "../available.js";

type Tensor = tf.Tensor;

export const int = (value: number): Tensor => tf.scalar(value, "int32");

/** `rows[b, index[b,k]]`: rows [B,M,H] and index [B,K] int32 ≥ 0 give [B,K,H]. Differentiable: the gradient is a product per sample. */
export const takeRows = (rows: Tensor, index: Tensor): Tensor => tf.gather(rows, index, 1, 1);

/**
 * `rows[b, index[b,k]]`: rows [B,M,…] and index [B,K] int32 give [B,K,…]. Negative indices pick row 0 (mask the result). Not for
 * gradients ({@link takeRows} is).
 */
export function pickRows(rows: Tensor, index: Tensor): Tensor {
  const [B, M, ...rest] = rows.shape as [number, number, ...number[]];
  const K = index.shape[1]!;
  const start = tf.mul(tf.range(0, B, 1, "int32"), tf.scalar(M, "int32"));
  const flat = tf.add(tf.maximum(index, tf.scalar(0, "int32")), tf.expandDims(start, 1));
  return tf.reshape(tf.gather(tf.reshape(rows, [B * M, -1]), tf.reshape(flat, [B * K])), [B, K, ...rest]);
}

/** `rows[b, index[b]]`: rows [B,M,…] and index [B] int32 give [B,…]. */
export function pickRow(rows: Tensor, index: Tensor): Tensor {
  const picked = pickRows(rows, tf.expandDims(index, 1));
  return tf.reshape(picked, [picked.shape[0]!, ...picked.shape.slice(2)]);
}

/** Index as float one-hot, […] → […,depth]; −1 gives a row of zeros. */
export function oneHot(index: Tensor, depth: number): Tensor {
  // tfjs refuses a depth of 1, which a team of one alone in its world has
  const hot = depth > 1 ? tf.oneHot(tf.cast(index, "int32"), depth) : tf.equal(tf.expandDims(index, -1), tf.scalar(0, "int32"));
  return tf.cast(hot, "float32");
}

/** Best available action: values [B,A] and mask [B,A] bool give [B] int32. */
export const maskedArgMax = (values: Tensor, mask: Tensor): Tensor => tf.cast(tf.argMax(available(values, mask), -1), "int32");
