import * as tf from "@tensorflow/tfjs";
import { zeros } from "../tensor/initialise.js";
import type { Linear } from "../tensor/layers.js";
import { HostArray, type Mapped } from "../tensor/tree.js";

type Tensor = tf.Tensor;

/** Gain and offset of a layer norm, [D] each. */
export type Norm = { gain: Tensor; offset: Tensor };

/** Added to the variance. */
const EPSILON = 1e-6;

/** Gain 1, offset 0. */
export function initNorm(width: number): Mapped<Norm, Tensor, HostArray> {
  return { gain: HostArray.float32(new Float32Array(width).fill(1), width), offset: zeros([width]) };
}

/** x − mean over the last axis. x [… , D] gives [… , D]. */
export const centre = (x: Tensor): Tensor => tf.sub(x, tf.mean(x, -1, true));

/** The linear layer of the same inputs whose results are {@link centre}d: that is done to the weights, which are fewer than the data. */
export const centreOutputs = ({ w, b }: Linear): Linear => ({ w: centre(w), b: centre(b) });

/**
 * x / √(mean x² + 1e-6) over the last axis: a layer norm of x whose mean is 0. In a pre-norm transformer nothing but norms sees the sums
 * that go from block to block, so these are kept centred by {@link centreOutputs}, and no norm has to take a mean away, forwards or
 * backwards (Jiang et al., 2023, "Pre-RMSNorm and Pre-CRMSNorm transformers"). x [… , D] gives [… , D].
 */
export const normalise: (x: Tensor) => Tensor = tf.customGrad((...args) => {
  const [x, save] = args as unknown as [Tensor, (saved: Tensor[]) => void];
  const scale = tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), EPSILON)); // [… ,1]
  const y = tf.mul(x, scale);
  save([y, scale]);
  // dx = (dy − y·mean(dy·y)) / √(mean x² + ε)
  const gradFunc = (dy: Tensor, saved: Tensor[]) => {
    const [normal, rate] = saved as [Tensor, Tensor];
    const along = tf.mul(normal, tf.mean(tf.mul(dy, normal), -1, true));
    return tf.mul(tf.sub(dy, along), rate);
  };
  return { value: y, gradFunc };
});

/** Layer norm (Ba, Kiros and Hinton, 2016) of x whose mean is 0: {@link normalise} · gain + offset. x [… , D] gives [… , D]. */
export const normOfCentred = (x: Tensor, { gain, offset }: Norm): Tensor => tf.add(tf.mul(normalise(x), gain), offset);

/**
 * The linear layer that does to {@link normalise}d data what `linear` does to the norm's: gain and offset are taken into the weights
 * [D, …] and the biases […], which are fewer than the data.
 */
export function foldNorm({ gain, offset }: Norm, { w, b }: Linear): Linear {
  const D = w.shape[0]!;
  const shift = tf.matMul(tf.reshape(offset, [1, D]), tf.reshape(w, [D, -1]));
  return { w: tf.mul(w, tf.reshape(gain, [D, ...w.shape.slice(1).map(() => 1)])), b: tf.add(b, tf.reshape(shift, b.shape)) };
}
