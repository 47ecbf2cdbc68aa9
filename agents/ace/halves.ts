/** Layers of two heads whose results are pooled over entities, one by the mean, one by the maximum. */
import * as tf from "@tensorflow/tfjs";
import { dense, type Linear } from "../../src/tensor/layers.js";

type Tensor = tf.Tensor;

/**
 * What two heads make of the same hidden layer. Both are pooled over entities, one by the mean, one by the maximum. ReLU follows both,
 * but since it commutes with the maximum, it is applied to the maximum of few instead of to all.
 */
export type Halves = {
  /** […,H] after the ReLU. */
  average: Tensor;
  /** […,H] before the ReLU. */
  maximum: Tensor;
};

/** The two heads of a layer of 2H outputs, as two products: their results are never in one array, so nothing has to be split. */
export function halves(hidden: Tensor, { w, b }: Linear): Halves {
  const [wAverage, wMaximum] = tf.split(w, 2, 1) as [Tensor, Tensor];
  const [bAverage, bMaximum] = tf.split(b, 2, 0) as [Tensor, Tensor];
  return {
    average: tf.relu(dense(hidden, { w: wAverage, b: bAverage })),
    maximum: dense(hidden, { w: wMaximum, b: bMaximum }),
  };
}

/** concat(a/divisor, b)·w + bias for a layer of 2H inputs, without the concatenation, and divided in the weights. */
export function joined(a: Tensor, b: Tensor, { w, b: bias }: Linear, divisor = 1): Tensor {
  const [top, bottom] = tf.split(w, 2, 0) as [Tensor, Tensor];
  return tf.add(dense(a, { w: tf.div(top, divisor), b: bias }), dense(b, { w: bottom }));
}

/** Far below every activation: what is added to a row that must not win a maximum. */
const ABSENT = -1e9;

/** 0 for the living, far below zero for the dead; `alive` is 1 or 0. */
const absent = (alive: Tensor): Tensor => tf.mul(tf.sub(1, alive), ABSENT);

/** ReLU(max over axis `axis` of the living rows of `x`); `alive` broadcasts to x, and the dead count as 0. */
export const maximumOfLiving = (x: Tensor, alive: Tensor, axis: number): Tensor =>
  tf.relu(tf.max(tf.add(x, absent(alive)), axis));
