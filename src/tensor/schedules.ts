import type { Tensor } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";

/** A number that depends on the updates done so far: a pure function of that scalar. */
export type Schedule = (step: Tensor) => Tensor;

export interface RampOptions {
  /** Value at update 0. */
  readonly from: number;
  /** Value from update `updates` on. */
  readonly to: number;
  /** Length of the ramp; 0 gives `to` at once. */
  readonly updates: number;
}

export function constant(value: number): Schedule {
  return () => tf.scalar(value);
}

/** Share of the ramp that is behind, from 0 to 1. */
function progress(step: Tensor, updates: number): Tensor {
  if (updates === 0) return tf.scalar(1);
  return tf.clipByValue(tf.div(tf.cast(step, "float32"), updates), 0, 1);
}

/** `schedule`, times a straight rise to 1 over the first `updates`; as it is where that is 0. */
export function warmedUp(schedule: Schedule, updates: number): Schedule {
  if (updates === 0) return schedule;
  return (step) => tf.mul(schedule(step), tf.minimum(tf.div(tf.add(tf.cast(step, "float32"), 1), updates), 1));
}

/** A straight line. */
export function linear({ from, to, updates }: RampOptions): Schedule {
  return (step) => tf.add(tf.mul(progress(step, updates), to - from), from);
}

/** Half a cosine wave (Loshchilov and Hutter, 2017): to + (from − to)·(1 + cos(π·progress))/2. */
export function cosine({ from, to, updates }: RampOptions): Schedule {
  return (step) => {
    const wave = tf.add(tf.cos(tf.mul(progress(step, updates), Math.PI)), 1);
    return tf.add(tf.mul(wave, (from - to) / 2), to);
  };
}
