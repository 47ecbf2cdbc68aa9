import * as tf from "@tensorflow/tfjs";
import { xavierUniform } from "../tensor/initialise.js";
import { dense, type Linear } from "../tensor/layers.js";
import type { RandomStream } from "../tensor/random.js";
import type { HostArray, Mapped } from "../tensor/tree.js";
import { type Attention, type AttentionOptions, attend, initAttention } from "./attention.js";
import { initNorm, layerNorm, type Norm } from "./norm.js";

type Tensor = tf.Tensor;

/** Linear D→M, GELU, linear M→D. */
export type Mlp = { hidden: Linear; output: Linear };

/** A pre-norm transformer block (Xiong et al., 2020). */
export type Block = { norm1: Norm; attention: Attention; norm2: Norm; mlp: Mlp };

/** x·Φ(x), with the exact distribution function of the normal (Hendrycks and Gimpel, 2016). */
export const gelu = (x: Tensor): Tensor => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));

/**
 * @param width D
 * @param hidden M, width of the MLP's hidden layer.
 */
export function initBlock(rng: RandomStream, width: number, heads: number, hidden: number): Mapped<Block, Tensor, HostArray> {
  return {
    norm1: initNorm(width),
    attention: initAttention(rng, width, heads),
    norm2: initNorm(width),
    mlp: { hidden: xavierUniform(rng, width, hidden), output: xavierUniform(rng, hidden, width) },
  };
}

/** x + Attention(Norm(x)), then x + MLP(Norm(x)). x [B,T,D] gives [B,T,D]. */
export function applyBlock(p: Block, x: Tensor, options: AttentionOptions = {}): Tensor {
  const attended = tf.add(x, attend(p.attention, layerNorm(x, p.norm1), options));
  const hidden = gelu(dense(layerNorm(attended, p.norm2), p.mlp.hidden));
  return tf.add(attended, dense(hidden, p.mlp.output));
}
