import * as tf from "@tensorflow/tfjs";
import type { ActTensors, StepTensors } from "../../src/agent.js";
import type { EnvironmentSpec } from "../../src/environment.js";
import { HostArray } from "../../src/tensor/tree.js";
import { available } from "../available.js";
import { inputsOf, logits, type NetworkParameters } from "./network.js";

type Tensor = tf.Tensor;

/** What E copies remember of their episodes; all zeros at the start of one. */
export type Memory = {
  /** [E,W−1,n,O+A] the steps before, the latest last; absent for W = 1. */
  past?: Tensor;
  /** [E] int32 steps since the episode began. */
  steps: Tensor;
  /** [E,n] int32 the action before: 0 = none, a+1. */
  previous: Tensor;
};

export function blankMemory({ agents: n, actions: A, observationSize: O }: EnvironmentSpec, window: number, copies: number) {
  const ints = (...shape: number[]) => HostArray.zeros({ shape, dtype: "int32" });
  return {
    ...(window > 1 && { past: HostArray.zeros({ shape: [copies, window - 1, n, O + A], dtype: "float32" }) }),
    steps: ints(copies),
    previous: ints(copies, n),
  };
}

/** The likeliest available action of each agent; nobody knows of the others' choices. `values` are log-probabilities. */
export function act(p: NetworkParameters, step: StepTensors, memory: Memory): ActTensors {
  const [E, n, A] = step.actionMask.shape as [number, number, number];
  const window = p.age.shape[0]!;
  const now = inputsOf(tf.expandDims(step.observations, 1), tf.expandDims(memory.previous, 1), A); // [E,1,n,O+A]
  const inputs = memory.past ? tf.concat([memory.past, now], 1) : now; // [E,W,n,O+A]
  const first = tf.sub(tf.scalar(window - 1, "int32"), memory.steps); // the place where the episode began
  const valid = tf.greaterEqual(tf.reshape(tf.range(0, window, 1, "int32"), [1, window]), tf.reshape(first, [E, 1]));
  const last = tf.reshape(tf.slice(logits(p, inputs, valid), [0, window - 1, 0, 0], [E, 1, n, A]), [E, n, A]);
  const values = available(tf.logSoftmax(available(last, step.actionMask)), step.actionMask);
  const actions = tf.cast(tf.argMax(values, 2), "int32");
  const kept = memory.past && { past: tf.slice(inputs, [0, 1, 0, 0], [E, window - 1, n, inputs.shape[3]!]) };
  return {
    actions,
    values,
    order: tf.tile(tf.reshape(tf.range(0, n, 1, "int32"), [1, n]), [E, 1]),
    memory: {
      ...kept,
      steps: tf.add(memory.steps, tf.scalar(1, "int32")),
      previous: tf.add(actions, tf.scalar(1, "int32")),
    },
  };
}
