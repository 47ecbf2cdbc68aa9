import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { initialiseBackend, withBackend } from "./backend.js";
import { valueAndGradTree } from "./gradient.js";
import { RandomStream } from "./random.js";

/** Runs `body` on the reference backend and gives its numbers; nothing may stay behind. */
function numbers(body: () => tf.Tensor[]): number[][] {
  return withBackend("cpu", () => {
    const before = tf.memory().numTensors;
    const result = tf.tidy(() => body().map((tensor) => [...tensor.dataSync()]));
    expect(tf.memory().numTensors).toBe(before);
    return result;
  });
}

beforeAll(async () => {
  expect(await initialiseBackend("cpu")).toBe(true);
});

describe("valueAndGradTree", () => {
  it("gives value, auxiliary outputs and a gradient for every leaf", () => {
    const [value, middle, da, db, dc] = numbers(() => {
      const params = { a: tf.tensor([1, 2]), deep: { b: tf.tensor([3, 4]) }, unused: tf.tensor([5]) };
      const out = valueAndGradTree((p: typeof params) => {
        const product = tf.mul(p.a, p.deep.b);
        return { loss: tf.sum(tf.square(product)), auxiliary: { product } };
      }, params);
      return [out.value, out.auxiliary.product, out.gradients.a, out.gradients.deep.b, out.gradients.unused];
    });
    expect(value).toEqual([9 + 64]);
    expect(middle).toEqual([3, 8]);
    expect(da).toEqual([18, 64]);
    expect(db).toEqual([6, 32]);
    expect(dc).toEqual([0]);
  });

  it("takes what the function closes over as constant", () => {
    const [gradient] = numbers(() => {
      const x = tf.tensor([3]);
      const target = tf.mul(x, 2);
      return [valueAndGradTree((p: tf.Tensor) => ({ loss: tf.sum(tf.mul(p, target)), auxiliary: {} }), x).gradients];
    });
    expect(gradient).toEqual([6]);
  });

  it("refuses a loss that is not a scalar", () => {
    const run = () =>
      numbers(() => [valueAndGradTree((p: tf.Tensor) => ({ loss: p, auxiliary: {} }), tf.tensor([1, 2])).gradients]);
    expect(run).toThrow("the loss has shape [2], expected a scalar");
  });
});

/** Functions whose gradient is Baton's own, and two of tfjs's for comparison. */
const functions: { name: string; shape: number[]; fn: (x: tf.Tensor) => tf.Tensor }[] = [
  { name: "matMul with a shared matrix", shape: [5, 4], fn: (x) => tf.matMul(tf.cos(tf.range(0, 30)).reshape([2, 3, 5]), x) },
  { name: "matMul with a shared left side", shape: [4, 5], fn: (x) => tf.matMul(x, tf.cos(tf.range(0, 30)).reshape([2, 5, 3])) },
  { name: "tile", shape: [1, 3, 2], fn: (x) => tf.tile(x, [4, 1, 2]) },
  { name: "gather", shape: [4, 2], fn: (x) => tf.gather(x, tf.tensor1d([3, 0, 3], "int32")) },
  {
    name: "gather in batches",
    shape: [2, 3, 2],
    fn: (x) =>
      tf.gather(
        x,
        tf.tensor2d(
          [
            [2, 2],
            [0, 1],
          ],
          [2, 2],
          "int32",
        ) as unknown as tf.Tensor1D,
        1,
        1,
      ),
  },
  { name: "cumsum", shape: [3, 4], fn: (x) => tf.cumsum(x, 0, true) },
  { name: "maximum with a row", shape: [4], fn: (x) => tf.maximum(x, tf.sin(tf.range(0, 12)).reshape([3, 4])) },
  {
    name: "squaredDifference with a column",
    shape: [3, 1],
    fn: (x) => tf.squaredDifference(tf.sin(tf.range(0, 12)).reshape([3, 4]), x),
  },
  { name: "prod", shape: [2, 3, 2], fn: (x) => tf.prod(x, [1]) },
  { name: "softmax", shape: [3, 4], fn: (x) => tf.softmax(x) },
  { name: "tanh", shape: [5], fn: (x) => tf.tanh(x) },
];

describe("gradients equal finite differences", () => {
  it.each(functions)("$name", ({ shape, fn }) => {
    const rng = RandomStream.from(3, "differences");
    const at = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 2 * rng.uniform() - 1);
    const loss = (x: tf.Tensor) => {
      const y = fn(x);
      return tf.sum(tf.mul(y, tf.cos(tf.range(1, y.size + 1)).reshape(y.shape)));
    };
    const [gradient] = numbers(() => [
      valueAndGradTree((x: tf.Tensor) => ({ loss: loss(x), auxiliary: {} }), tf.tensor(at, shape)).gradients,
    ]);
    const h = 1e-2;
    const shifted = (i: number, by: number) => numbers(() => [loss(tf.tensor(at.with(i, at[i]! + by), shape))])[0]![0]!;
    for (let i = 0; i < at.length; i++) {
      expect(gradient![i]).toBeCloseTo((shifted(i, h) - shifted(i, -h)) / (2 * h), 2);
    }
  });
});
