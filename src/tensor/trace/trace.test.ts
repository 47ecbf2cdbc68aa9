import * as tf from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import { BatonError } from "../../errors.js";
import { initialiseBackend } from "../backend.js";
import { valueAndGradTree } from "../gradient.js";
import type { ArraySpec } from "../tree.js";
import { trace } from "./trace.js";

const matrix: ArraySpec = { shape: [2, 3], dtype: "float32" };

/** The error of a trace, which must be one for the user. */
function failure(fn: (x: tf.Tensor) => tf.Tensor): BatonError {
  try {
    trace(fn, [matrix], "my function");
  } catch (error) {
    if (error instanceof BatonError) return error;
    throw error;
  }
  throw new Error("the trace succeeded");
}

/** Every message names the function and a line of this file. */
const here = /cannot compile "my function": .* \(at src\/tensor\/trace\/trace\.test\.ts:\d+:\d+\)/;

describe("trace", () => {
  it("records operators with the shapes and types of results", () => {
    const { graph, outputs } = trace((x: tf.Tensor) => ({ sum: tf.sum(tf.relu(x), 1), best: tf.argMax(x, 0) }), [matrix], "f");
    expect(graph.nodes.map(({ op }) => op)).toEqual(["Relu", "ReduceSum", "ArgMax", "Cast"]);
    expect(outputs).toEqual({ sum: { shape: [2], dtype: "float32" }, best: { shape: [3], dtype: "int32" } });
  });

  it("runs tfjs's gradients through", () => {
    const { graph } = trace((x: tf.Tensor) => tf.grad((v) => tf.sum(tf.square(v)))(x), [matrix], "f");
    expect(graph.outputs[0]!.shape).toEqual([2, 3]);
  });

  it("leaves tfjs's backend as it was, and no tensor, even after an error", async () => {
    await initialiseBackend("cpu");
    await tf.setBackend("cpu");
    const before = tf.memory().numTensors;
    trace((x: tf.Tensor) => tf.mul(x, 2), [matrix], "f");
    failure((x) => tf.mul(x, x.dataSync()[0]!));
    expect(tf.getBackend()).toBe("cpu");
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe("what cannot be traced says what, in which function and where", () => {
  it("an op without an ONNX form", () => {
    const error = failure((x) => tf.image.flipLeftRight(tf.reshape(x, [1, 2, 3, 1]) as tf.Tensor4D));
    expect(error.code).toBe("untraceable");
    expect(error.message).toMatch(here);
    expect(error.message).toContain("FlipLeftRight");
  });

  it.each([
    ["log1p", tf.log1p],
    ["expm1", tf.expm1],
    ["reciprocal", tf.reciprocal],
    ["softplus", tf.softplus],
    ["selu", tf.selu],
  ] as const)("%s of whole numbers, which devices round", (name, op) => {
    const error = failure((x) => op(tf.cast(x, "int32")));
    expect(error.message).toMatch(here);
    expect(error.message).toContain(`${name} of int32 tensors`);
    expect(error.hint).toBe("cast them to float32 first");
    expect(trace((x: tf.Tensor) => op(x), [matrix], "f").outputs).toEqual(matrix);
  });

  it("floorDiv of floats, whose type differs between devices", () => {
    const error = failure((x) => tf.floorDiv(x, 2));
    expect(error.message).toMatch(here);
    expect(error.message).toContain("floorDiv of float32 tensors");
    expect(error.hint).toBe("write tf.floor(tf.div(a, b))");
  });

  it("dataSync", () => {
    const error = failure((x) => tf.mul(x, x.dataSync()[0]!));
    expect(error.message).toMatch(here);
    expect(error.message).toContain("dataSync");
  });

  it("an op without a gradient, at the place of the op", () => {
    const error = failure((x) => tf.grad((v) => tf.sum(tf.topk(v, 2).values))(x));
    expect(error.message).toMatch(here);
    expect(error.message).toContain("TopK has no gradient");
  });

  it("a tensor from outside", async () => {
    await initialiseBackend("cpu");
    await tf.setBackend("cpu");
    const outside = tf.scalar(2);
    const error = failure((x) => tf.mul(x, outside));
    outside.dispose();
    expect(error.message).toMatch(here);
    expect(error.hint).toContain("argument");
  });

  it("a result that is not a tensor", () => {
    expect(failure(() => 3 as unknown as tf.Tensor).message).toContain("not a tensor");
  });

  it("numbers of constants may be read", () => {
    const { graph } = trace((x: tf.Tensor) => tf.mul(x, tf.tensor([5, 6]).dataSync()[1]!), [matrix], "f");
    expect(graph.nodes[0]!.inputs[1]!.constant![0]).toBe(6);
  });

  it("a mistake in shapes stays tfjs's own error", () => {
    expect(() => trace((x: tf.Tensor) => tf.reshape(x, [4]), [matrix], "f")).toThrow(/size/i);
  });

  it("a trace can follow one that failed inside of a gradient", () => {
    failure((x) => tf.grad((v) => tf.sum(tf.topk(v, 2).values))(x));
    const { graph } = trace(
      (x: tf.Tensor) => valueAndGradTree((v: tf.Tensor) => ({ loss: tf.sum(tf.square(v)), auxiliary: {} }), x).gradients,
      [matrix],
      "f",
    );
    expect(graph.outputs[0]!.shape).toEqual([2, 3]);
  });
});
