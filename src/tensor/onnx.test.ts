import * as ort from "onnxruntime-node";
import { expect, it } from "vitest";
import type { Graph, Value } from "./graph.js";
import { encodeOnnx } from "./onnx.js";

const float = (...shape: number[]): Value => ({ shape, type: "float32" });

/** Runs a graph of one-dimensional inputs. */
async function evaluate(graph: Graph, feeds: Record<string, number[]>): Promise<number[][]> {
  const { bytes, outputNames } = encodeOnnx(graph, "test");
  const session = await ort.InferenceSession.create(bytes);
  const given = Object.entries(feeds).map(([name, numbers]) => [name, new ort.Tensor("float32", Float32Array.from(numbers))]);
  const results = await session.run(Object.fromEntries(given));
  await session.release();
  return outputNames.map((name) => [...(results[name]!.data as Float32Array)]);
}

it("writes nodes, attributes and constants of every kind so that ONNX Runtime reads them", async () => {
  const [x, scaled, top, wide] = [float(3), float(3), float(2), float(2, 2)];
  const indices: Value = { shape: [2], type: "int64" };
  const graph: Graph = {
    inputs: [x],
    nodes: [
      { op: "LeakyRelu", inputs: [x], outputs: [scaled], attributes: { alpha: { float: 0.5 } } },
      {
        op: "TopK",
        inputs: [scaled, { shape: [1], type: "int64", constant: BigInt64Array.of(2n) }],
        outputs: [top, indices],
        attributes: { axis: { int: -1 }, largest: { int: 0 } },
      },
      {
        op: "Pad",
        inputs: [
          top,
          { shape: [2], type: "int64", constant: BigInt64Array.of(0n, 2n) },
          { shape: [], type: "float32", constant: Float32Array.of(9) },
        ],
        outputs: [float(4)],
        attributes: { mode: { text: "constant" } },
      },
    ],
    outputs: [],
  };
  const padded = graph.nodes[2]!.outputs[0]!;
  const reshaped = {
    op: "Reshape",
    inputs: [padded, { shape: [2], type: "int64" as const, constant: BigInt64Array.of(2n, 2n) }],
    outputs: [wide],
    attributes: {},
  };
  const turned = { op: "Transpose", inputs: [wide], outputs: [float(2, 2)], attributes: { perm: { ints: [1, 0] } } };
  const whole: Graph = { ...graph, nodes: [...graph.nodes, reshaped, turned], outputs: [turned.outputs[0]!] };
  expect(await evaluate(whole, { input0: [4, -6, 1] })).toEqual([[-3, 9, 1, 9]]);
});

it("gives inputs, constants and repeated values back as outputs of their own", async () => {
  const [x, y] = [float(2), float(2)];
  const constant: Value = { shape: [1], type: "float32", constant: Float32Array.of(7) };
  const graph: Graph = {
    inputs: [x],
    nodes: [{ op: "Neg", inputs: [x], outputs: [y], attributes: {} }],
    outputs: [y, x, y, constant],
  };
  expect(await evaluate(graph, { input0: [1, 2] })).toEqual([[-1, -2], [1, 2], [-1, -2], [7]]);
});

it("does not declare inputs that nothing reads", () => {
  const [x, unread] = [float(2), float(2)];
  expect(encodeOnnx({ inputs: [unread, x], nodes: [], outputs: [x] }, "test").inputNames).toEqual([undefined, "input1"]);
});
