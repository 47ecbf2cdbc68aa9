/**
 * The encoder blocks: pre-norm transformer blocks (Vaswani et al. 2017; Xiong et al. 2020) as pure functions over parameter trees.
 * Written once, for everything that encodes tokens.
 *
 * Axes: `B` batch, `T` tokens, `D` width, `h` heads.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { xavierUniform, zeros } from "../tensor/initialise.js";
import { dense, type Linear } from "../tensor/layers.js";
import type { RandomStream } from "../tensor/random.js";
import { HostArray, type Mapped } from "../tensor/tree.js";

type Tensor = tf.Tensor;

/** Gain and offset [D]. */
export type Norm = { gain: Tensor; offset: Tensor };

/** Projections D→D; queries, keys and values in one matrix D→3D. */
export type Attention = { input: Linear; output: Linear };

/** x + Attention(Norm(x)), then x + MLP(Norm(x)). */
export type Block = { norm1: Norm; attention: Attention; norm2: Norm; hidden: Linear; output: Linear };

/** Blocks by number, "0", "1", …, and a last norm. */
export type Encoder = { blocks: { [index: string]: Block }; norm: Norm };

export interface EncoderShape {
  /** D, divisible by `heads`. */
  readonly width: number;
  readonly heads: number;
  readonly depth: number;
  /** Width of the MLP's hidden layer. */
  readonly mlp: number;
}

/** What tokens may know of one another. */
export interface AttentionOptions {
  /** [B,T,D] added to the tokens before the first block. */
  readonly positions?: Tensor;
  /** [B,T,T] bool: may row attend to column? A row that may attend to nothing takes nothing in. */
  readonly allow?: Tensor;
  /** [B,h,T,T] added to the attention's logits. */
  readonly bias?: Tensor;
}

/** Fresh parameters, as MAE initialises them: Xavier-uniform weights, zero biases, norms 1 and 0. */
export function initEncoder(rng: RandomStream, { width: D, depth, mlp }: EncoderShape): Mapped<Encoder, Tensor, HostArray> {
  const norm = () => ({ gain: HostArray.float32(new Float32Array(D).fill(1), D), offset: zeros([D]) });
  const block = () => ({
    norm1: norm(),
    attention: { input: xavierUniform(rng, D, 3 * D), output: xavierUniform(rng, D, D) },
    norm2: norm(),
    hidden: xavierUniform(rng, D, mlp),
    output: xavierUniform(rng, mlp, D),
  });
  const blocks = Object.fromEntries(Array.from({ length: depth }, (_, k) => [String(k), block()]));
  return { blocks, norm: norm() };
}

/** (x − mean) / √(variance + 1e-6) · gain + offset, over the last axis. */
export function layerNorm(x: Tensor, { gain, offset }: Norm): Tensor {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const variance = tf.mean(tf.square(centred), -1, true);
  return tf.add(tf.mul(tf.mul(centred, tf.rsqrt(tf.add(variance, 1e-6))), gain), offset);
}

/** x · Φ(x), exact. */
export const gelu = (x: Tensor): Tensor => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));

/** Value of a logit that must not count. */
const FORBIDDEN = -1e9;

/** softmax(q·kᵀ/√d + bias)·v over the allowed pairs, heads side by side. x [B,T,D] gives [B,T,D]. */
export function attend(p: Attention, x: Tensor, heads: number, { allow, bias }: AttentionOptions = {}): Tensor {
  const [B, T, D] = x.shape as [number, number, number];
  const d = D / heads;
  const parts = tf.split(dense(x, p.input), 3, 2) as [Tensor, Tensor, Tensor];
  const [q, k, v] = parts.map((part) => tf.transpose(tf.reshape(part, [B, T, heads, d]), [0, 2, 1, 3])) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  let logits = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(d)); // [B,h,T,T]
  if (bias) logits = tf.add(logits, bias);
  if (!allow) return merge(tf.matMul(tf.softmax(logits), v), p, [B, T, D]);
  const allowed = tf.cast(tf.expandDims(allow, 1), "float32"); // [B,1,T,T]
  const kept = tf.add(tf.mul(logits, allowed), tf.mul(tf.sub(1, allowed), FORBIDDEN));
  // rows without anything allowed would spread evenly over what is forbidden: they take in nothing instead
  const some = tf.max(allowed, 3, true);
  return merge(tf.matMul(tf.mul(tf.softmax(kept), some), v), p, [B, T, D]);
}

function merge(perHead: Tensor, p: Attention, shape: [number, number, number]): Tensor {
  return dense(tf.reshape(tf.transpose(perHead, [0, 2, 1, 3]), shape), p.output);
}

/** One pre-norm block, [B,T,D] → [B,T,D]. */
export function applyBlock(p: Block, x: Tensor, heads: number, options: AttentionOptions = {}): Tensor {
  const attended = tf.add(x, attend(p.attention, layerNorm(x, p.norm1), heads, options));
  const hidden = gelu(dense(layerNorm(attended, p.norm2), p.hidden));
  return tf.add(attended, dense(hidden, p.output));
}

/** The whole encoder: positions added, all blocks, the last norm. tokens [B,T,D] → [B,T,D]. */
export function encodeTokens(p: Encoder, tokens: Tensor, heads: number, options: AttentionOptions = {}): Tensor {
  let x = options.positions ? tf.add(tokens, options.positions) : tokens;
  const indices = Object.keys(p.blocks).sort((a, b) => Number(a) - Number(b));
  for (const index of indices) x = applyBlock(p.blocks[index]!, x, heads, options);
  return layerNorm(x, p.norm);
}
