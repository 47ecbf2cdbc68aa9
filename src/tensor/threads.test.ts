import * as tf from "@tensorflow/tfjs";
import { expect, it } from "vitest";
import { automaticThreads, parallelFrom, productFlops } from "./threads.js";
import { trace } from "./trace/trace.js";

it("counts two operations for each term of a product, whatever is transposed", () => {
  const fn = (a: tf.Tensor, b: tf.Tensor) => ({
    plain: tf.matMul(a, b),
    transposed: tf.matMul(a, a, true),
    batched: tf.matMul(tf.reshape(a, [2, 3, 5]), tf.reshape(a, [2, 5, 3])),
  });
  const { graph } = trace(
    fn,
    [
      { shape: [6, 5], dtype: "float32" },
      { shape: [5, 7], dtype: "float32" },
    ],
    "products",
  );
  expect(productFlops(graph)).toBe(2 * (6 * 5 * 7 + 5 * 6 * 5 + 2 * 3 * 5 * 3));
});

it("small graphs get one thread, large ones the cores that simulators leave", () => {
  expect(automaticThreads(parallelFrom / 2, 0, 16)).toBe(1);
  expect(automaticThreads(parallelFrom, 0, 16)).toBe(16);
  expect(automaticThreads(parallelFrom, 4, 16)).toBe(12);
  expect(automaticThreads(parallelFrom, 8, 2)).toBe(1);
});
