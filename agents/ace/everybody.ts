/**
 * All agents asked at once: n·B situations, agent by agent, in the same SE-states.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { SequentialState, Situations } from "./candidates.js";

/** Agent i of sample b stands at i·B + b. */
export function everybody(B: number, n: number): Situations {
  return {
    sample: tf.tile(tf.range(0, B, 1, "int32"), [n]),
    actor: tf.reshape(tf.tile(tf.reshape(tf.range(0, n, 1, "int32"), [n, 1]), [1, B]), [n * B]),
  };
}

/** The SE-states of B samples, once for each of n agents. */
export function forEverybody({ before, decided }: SequentialState, n: number): SequentialState {
  const repeated = (rows: tf.Tensor) => tf.tile(rows, [n, 1, 1]);
  return { before: repeated(before), decided: { average: repeated(decided.average), maximum: repeated(decided.maximum) } };
}
