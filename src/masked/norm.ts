import * as tf from "@tensorflow/tfjs";
import { zeros } from "../tensor/initialise.js";
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

/** (x − mean) / √(variance + 1e-6) · gain + offset over the last axis (Ba, Kiros and Hinton, 2016). x [… , D] gives [… , D]. */
export function layerNorm(x: Tensor, { gain, offset }: Norm): Tensor {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const variance = tf.mean(tf.square(centred), -1, true);
  return tf.add(tf.mul(tf.mul(centred, tf.rsqrt(tf.add(variance, EPSILON))), gain), offset);
}
