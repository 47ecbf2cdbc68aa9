import * as tf from "@tensorflow/tfjs";
import type { ActTensors, StepTensors } from "../../src/agent.js";
import { available } from "../available.js";
import { actionValues, type NetworkParameters } from "./network.js";

type Tensor = tf.Tensor;

/** Random numbers of one call of `act`: explore [E,n] bool, scores [E,n,A] in [0,1). */
export type Exploration = { explore: Tensor; scores: Tensor };

/** ε-greedy, every agent by itself. */
export function act(p: NetworkParameters, step: StepTensors, exploration: Exploration): ActTensors {
  const values = available(actionValues(p, step.observations), step.actionMask);
  const random = tf.argMax(available(exploration.scores, step.actionMask), 2);
  const actions = tf.cast(tf.where(exploration.explore, random, tf.argMax(values, 2)), "int32");
  const [E, n] = actions.shape as [number, number];
  return { actions, values, order: tf.tile(tf.reshape(tf.range(0, n, 1, "int32"), [1, n]), [E, 1]) };
}
