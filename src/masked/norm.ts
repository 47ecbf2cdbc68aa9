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

/** (x − mean) / √(variance + 1e-6) over the last axis, with a backward pass of few passes over the data. x [… , D] gives [… , D]. */
export const normalise: (x: Tensor) => Tensor = tf.customGrad((...args) => {
  const [x, save] = args as unknown as [Tensor, (saved: Tensor[]) => void];
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const scale = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), EPSILON)); // [… ,1]
  const y = tf.mul(centred, scale);
  save([y, scale]);
  // dx = (dy − mean(dy) − y·mean(dy·y)) / √(variance + ε)
  const gradFunc = (dy: Tensor, saved: Tensor[]) => {
    const [normal, rate] = saved as [Tensor, Tensor];
    const along = tf.mul(normal, tf.mean(tf.mul(dy, normal), -1, true));
    return tf.mul(tf.sub(tf.sub(dy, along), tf.mean(dy, -1, true)), rate);
  };
  return { value: y, gradFunc };
});

/** Layer norm (Ba, Kiros and Hinton, 2016): {@link normalise} · gain + offset. x [… , D] gives [… , D]. */
export const layerNorm = (x: Tensor, { gain, offset }: Norm): Tensor => tf.add(tf.mul(normalise(x), gain), offset);

/**
 * The linear layer that does to {@link normalise}d data what `linear` does to the norm's: gain and offset are taken into the weights
 * [D, …] and the biases […], which are fewer than the data.
 */
export function foldNorm({ gain, offset }: Norm, { w, b }: Linear): Linear {
  const D = w.shape[0]!;
  const shift = tf.matMul(tf.reshape(offset, [1, D]), tf.reshape(w, [D, -1]));
  return { w: tf.mul(w, tf.reshape(gain, [D, ...w.shape.slice(1).map(() => 1)])), b: tf.add(b, tf.reshape(shift, b.shape)) };
}
