import * as tf from "@tensorflow/tfjs";
import { xavierUniform } from "../tensor/initialise.js";
import { dense, type Linear } from "../tensor/layers.js";
import type { RandomStream } from "../tensor/random.js";
import type { HostArray, Mapped } from "../tensor/tree.js";
import { type Attention, type AttentionOptions, attend, initAttention } from "./attention.js";
import { centreOutputs, foldNorm, initNorm, type Norm, normalise } from "./norm.js";

type Tensor = tf.Tensor;

/** Linear D→M, GELU, linear M→D. */
export type Mlp = { hidden: Linear; output: Linear };

/** A pre-norm transformer block (Xiong et al., 2020). */
export type Block = { norm1: Norm; attention: Attention; norm2: Norm; mlp: Mlp };

/**
 * t·(1 + erf t): what GELU is but for two factors, √2·gelu(√2·t), in as few passes over the data as there are. The backward pass shares
 * 1 + erf t with the forward one.
 */
const scaledGelu: (t: Tensor) => Tensor = tf.customGrad((...args) => {
  const [t, save] = args as unknown as [Tensor, (saved: Tensor[]) => void];
  const rise = tf.add(tf.erf(t), 1);
  save([t, rise]);
  const gradFunc = (dy: Tensor, saved: Tensor[]) => {
    const [root, risen] = saved as [Tensor, Tensor];
    // d/dt = 1 + erf t + t·2/√π·exp(−t²)
    const slope = tf.exp(tf.sub(Math.log(2 / Math.sqrt(Math.PI)), tf.square(root)));
    return tf.mul(dy, tf.add(risen, tf.mul(root, slope)));
  };
  return { value: tf.mul(t, rise), gradFunc };
});

/** x·Φ(x), with the exact distribution function of the normal (Hendrycks and Gimpel, 2016). */
export const gelu = (x: Tensor): Tensor => tf.mul(scaledGelu(tf.mul(x, Math.SQRT1_2)), Math.SQRT1_2);

/** dense(gelu(dense(x, hidden)), output) with GELU's two factors taken into the weights, which are fewer than the data. */
function geluMlp(x: Tensor, hidden: Linear, output: Linear): Tensor {
  const scaled = { w: tf.mul(hidden.w, Math.SQRT1_2), b: tf.mul(hidden.b, Math.SQRT1_2) };
  return dense(scaledGelu(dense(x, scaled)), { w: tf.mul(output.w, Math.SQRT1_2), b: output.b });
}

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

/**
 * x + Attention(Norm(x)), then x + MLP(Norm(x)), both less their mean over D, which no norm sees. x [B,T,D], whose mean over D is 0,
 * gives [B,T,D] whose mean is 0, or [B,n,D] of the last n tokens where only they ask.
 *
 * @param branches [2,B], where given: factors of the two branches for each sample, 0 where a sample passes over one.
 */
export function applyBlock(p: Block, x: Tensor, options: AttentionOptions = {}, branches?: Tensor): Tensor {
  const [B] = x.shape as [number];
  const factors = branches && tf.unstack(branches.reshape([2, B, 1, 1]));
  const scaled = (y: Tensor, which: 0 | 1) => (factors ? tf.mul(y, factors[which]!) : y);
  const attention = { input: foldNorm(p.norm1, p.attention.input), output: centreOutputs(p.attention.output) };
  const attended = tf.add(lastTokens(x, options.asking), scaled(attend(attention, normalise(x), options), 0));
  const hidden = foldNorm(p.norm2, p.mlp.hidden);
  return tf.add(attended, scaled(geluMlp(normalise(attended), hidden, centreOutputs(p.mlp.output)), 1));
}

/** The last `count` tokens of x [B,T,D]; all unless given. */
export function lastTokens(x: Tensor, count?: number): Tensor {
  const [B, T, D] = x.shape as [number, number, number];
  return count === undefined || count === T ? x : tf.slice(x, [0, T - count, 0], [B, count, D]);
}
