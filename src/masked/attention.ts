/**
 * Multi-head self-attention (Vaswani et al., 2017). The shapes of the parameters say how many heads there are.
 *
 * Axes: `B` batch, `T` tokens, `D` width, `h` heads, `d` = D/h.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { xavierUniform, zeros } from "../tensor/initialise.js";
import { dense, type Linear } from "../tensor/layers.js";
import type { RandomStream } from "../tensor/random.js";
import { HostArray, type Mapped } from "../tensor/tree.js";

type Tensor = tf.Tensor;

export type Attention = {
  /** Queries, keys and values, in this order: w [D,3,h,d], b [3,h,d]. */
  input: Linear;
  /** w [D,D], b [D] */
  output: Linear;
};

/** What tokens may know of one another. */
export interface AttentionOptions {
  /** bool, [B,T,T] or anything that broadcasts to it: may the token of the row attend to that of the column? */
  readonly allow?: Tensor;
  /** [B,h,T,T] or anything that broadcasts to it, finite: added to the logits before the softmax. */
  readonly bias?: Tensor;
  /** How many tokens, the last ones, attend at all; the others are only looked at. All unless given. */
  readonly asking?: number;
}

/** Added to a logit that must not count: large enough that its exponential is 0, small enough that no sum of it overflows. */
const FORBIDDEN = -1e9;

/** As MAE initialises a fused projection: Xavier-uniform over D inputs and 3D outputs, biases 0. */
export function initAttention(rng: RandomStream, width: number, heads: number): Mapped<Attention, Tensor, HostArray> {
  const perHead = width / heads;
  const { w } = xavierUniform(rng, width, 3 * width);
  return {
    input: { w: new HostArray(w.data, [width, 3, heads, perHead], "float32"), b: zeros([3, heads, perHead]) },
    output: xavierUniform(rng, width, width),
  };
}

/**
 * Who attends to whom and what they find there, per head: weights [B,h,T,T] (n rows where only n tokens ask) that sum to 1 in each row, and
 * values [B·h,T,d], still without their bias.
 *
 * Tokens come first in the arrays in between: then a head of every sequence is a matrix with rows of one stride, which a product takes
 * as it is, and nothing but the input is moved.
 */
function weightsAndValues(p: Attention, x: Tensor, options: AttentionOptions): { weights: Tensor; values: Tensor } {
  const { allow, bias, asking } = options;
  const [B, T, D] = x.shape as [number, number, number];
  const n = asking ?? T;
  const [, , h, d] = p.input.w.shape as [number, number, number, number];
  const byToken = x.transpose([1, 0, 2]); // [T,B,D]
  const weightOf = tf.unstack(p.input.w.reshape([D, 3, D]), 1);
  const biasOf = tf.unstack(p.input.b.reshape([3, D]), 0);
  // What a key's bias adds to a logit is the same for all keys: softmax does not see it. The values' comes after the weighted mean.
  const biases = [biasOf[0], undefined, undefined];
  const [q, k, v] = weightOf.map((w, i) => {
    const tokens = i === 0 && n < T ? tf.slice(byToken, [T - n, 0, 0], [n, B, D]) : byToken;
    const projected = dense(tokens, { w, ...(biases[i] && { b: biases[i] }) });
    return projected.reshape([-1, B * h, d]).transpose([1, 0, 2]); // [B·h,T,d], queries [B·h,n,d]
  }) as [Tensor, Tensor, Tensor];
  const logits = tf.matMul(tf.mul(q, 1 / Math.sqrt(d)), k, false, true).reshape([B, h, n, T]);
  const extra = additive(allow, bias);
  return { weights: tf.softmax(extra ? tf.add(logits, lastRows(extra, n)) : logits), values: v };
}

/** What is added to the logits, the same for all blocks of an encoder, so that it is computed once when compiled. */
function additive(allow: Tensor | undefined, bias: Tensor | undefined): Tensor | undefined {
  if (!allow) return bias;
  const forbidden = tf.mul(tf.cast(tf.logicalNot(allow), "float32"), FORBIDDEN); // [… ,T,T]
  const acrossHeads = allow.rank < 3 ? forbidden : tf.expandDims(forbidden, 1); // [B,1,T,T]
  return bias ? tf.add(bias, acrossHeads) : acrossHeads;
}

/** The last `count` rows of matrices [… ,T,·]; one row that stands for all is left as it is. */
function lastRows(x: Tensor, count: number): Tensor {
  const rows = x.shape[x.rank - 2]!;
  if (rows === 1 || rows === count) return x;
  const from = x.shape.map((_, axis) => (axis === x.rank - 2 ? rows - count : 0));
  return tf.slice(
    x,
    from,
    x.shape.map((size, axis) => (axis === x.rank - 2 ? count : size)),
  );
}

/** 1 for each of the last `count` tokens that may attend to something, [… ,count,1]. */
const attentive = (allow: Tensor, count: number): Tensor => lastRows(tf.cast(tf.any(allow, -1, true), "float32"), count);

/**
 * The weights of {@link attend}, [B,h,T,T]: rows sum to 1, and to 0 where a token may attend to nothing.
 */
export function attentionWeights(p: Attention, x: Tensor, options: AttentionOptions = {}): Tensor {
  const { weights } = weightsAndValues(p, x, options);
  if (!options.allow) return weights;
  const some = attentive(options.allow, weights.shape[2]!);
  return tf.mul(weights, some.rank < 3 ? some : tf.expandDims(some, 1));
}

/** The output layer of values to which their bias was not added: a weighted mean of biased values is one of bare values, plus the bias. */
function withValueBias({ input, output }: Attention): Linear {
  const D = input.w.shape[0]!;
  const bias = tf.slice(input.b.reshape([3, D]), [2, 0], [1, D]);
  return { w: output.w, b: tf.add(output.b, tf.squeeze(tf.matMul(bias, output.w), [0])) };
}

/**
 * softmax(q·kᵀ/√d + bias)·v over the allowed pairs, heads side by side, projected. A token that may attend to nothing gets zeros (and
 * sends no gradient back). Tokens that nobody may attend to must still be finite.
 *
 * @param x [B,T,D]
 * @returns [B,T,D], or [B,n,D] of the last n tokens where only they ask.
 */
export function attend(p: Attention, x: Tensor, options: AttentionOptions = {}): Tensor {
  const { weights, values } = weightsAndValues(p, x, options);
  const [B, h, n, T] = weights.shape as [number, number, number, number];
  const heads = tf.matMul(weights.reshape([B * h, n, T]), values).reshape([B, h, n, values.shape[2]!]);
  const y = dense(heads.transpose([0, 2, 1, 3]).reshape([B, n, x.shape[2]!]), withValueBias(p));
  return options.allow ? tf.mul(y, attentive(options.allow, n)) : y;
}
