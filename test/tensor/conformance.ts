/**
 * What every device must do alike. The reference is the `js` device.
 *
 * @module
 */
import type { Tensor } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import type { Device } from "../../src/tensor/device.js";
import { valueAndGradTree } from "../../src/tensor/gradient.js";
import { type HostArray, type HostTree, leavesOf, specOf, type TensorTree } from "../../src/tensor/tree.js";
import type { Operation } from "./operations.js";

/** Tensors or arrays under the keys "0", "1", …. */
type Keyed<T> = Record<string, T>;

const keyed = <T>(values: readonly T[]): Keyed<T> => Object.fromEntries(values.map((value, i) => [`${i}`, value]));

/** A scalar that weighs every element of a result differently. */
function weighed(result: Tensor): Tensor {
  const weights = tf.cos(tf.range(1, result.size + 1)).reshape(result.shape);
  return tf.sum(tf.mul(result, weights));
}

/** The operation's results, and the gradient of their weighed sum by every float input. */
export function forwardAndGradient(operation: Operation): (inputs: Keyed<Tensor>) => TensorTree {
  return (inputs) => {
    const given = operation.inputs.map((_, i) => inputs[i]!);
    const evaluate = (tensors: Tensor[]): Tensor[] => [operation.run(...tensors)].flat();
    if (!operation.differentiable) return { results: keyed(evaluate(given)) };
    const floats = Object.fromEntries(Object.entries(inputs).filter(([, tensor]) => tensor.dtype === "float32"));
    const { gradients, auxiliary } = valueAndGradTree((params: Keyed<Tensor>) => {
      const results = evaluate(given.map((tensor, i) => params[i] ?? tensor));
      const parts = results.filter((result) => result.dtype === "float32").map(weighed);
      return { loss: tf.addN(parts), auxiliary: keyed(results) };
    }, floats);
    return { results: auxiliary, gradients };
  };
}

/** Runs a pure function once on `device`. */
export async function runOnce(
  device: Device,
  fn: (inputs: never) => TensorTree,
  inputs: HostTree,
  label: string,
): Promise<HostTree> {
  const compiled = await device.compile(fn as (inputs: TensorTree) => TensorTree, [specOf(inputs)], label);
  const result = await compiled.run([inputs]);
  compiled.dispose();
  return result;
}

export async function runOperation(device: Device, operation: Operation): Promise<HostTree> {
  return runOnce(device, forwardAndGradient(operation), keyed(operation.inputs), operation.name);
}

/** The first difference beyond `tolerance` (relative, with `floor` absolute) in a sentence, or undefined. Whole numbers and bools must be equal. */
export function difference(got: HostTree, want: HostTree, tolerance: number, floor = 1e-6): string | undefined {
  const [a, b] = [leavesOf<HostArray>(got), leavesOf<HostArray>(want)];
  if (a.length !== b.length) return `${a.length} arrays instead of ${b.length}`;
  for (const [k, { leaf, path }] of a.entries()) {
    const expected = b[k]!.leaf;
    if (leaf.dtype !== expected.dtype || `${leaf.shape}` !== `${expected.shape}`) {
      return `${path} is ${leaf.dtype}[${leaf.shape}], expected ${expected.dtype}[${expected.shape}]`;
    }
    for (let i = 0; i < leaf.data.length; i++) {
      const [x, y] = [leaf.data[i]!, expected.data[i]!];
      const allowed = leaf.dtype === "float32" ? tolerance * Math.abs(y) + floor : 0;
      if (!Object.is(x, y) && !(Math.abs(x - y) <= allowed)) return `${path}[${i}] is ${x}, expected ${y}`;
    }
  }
  return undefined;
}
