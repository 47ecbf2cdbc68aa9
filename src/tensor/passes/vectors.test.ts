import { describe, expect, it } from "vitest";
import type { Graph, GraphNode, Value } from "../graph.js";
import { removeDeadNodes } from "./dead.js";
import { joinVectors } from "./vectors.js";

const float = (...shape: number[]): Value => ({ shape, type: "float32" });
const scalar = (value: number): Value => ({ shape: [], type: "float32", constant: Float32Array.of(value) });
const node = (op: string, inputs: Value[], ...outputs: Value[]): GraphNode => ({ op, inputs, outputs, attributes: {} });
const simplified = (graph: Graph) => removeDeadNodes(joinVectors(graph));
const ops = (graph: Graph) => graph.nodes.map(({ op }) => op);

const sizes = [2, 3, 4, 5];
const [vector, half] = [float(14), scalar(0.5)];
const pieces = sizes.map((size) => float(size));
const split = node("Split", [vector], ...pieces);
const shape = (...dimensions: number[]): Value => ({
  shape: [dimensions.length],
  type: "int64",
  constant: BigInt64Array.from(dimensions, BigInt),
});

describe("joinVectors", () => {
  it("does once to the vector what was done to each of its pieces", () => {
    const scaled = sizes.map((size) => float(size));
    const roots = sizes.map((size) => float(size));
    const out = float(14);
    const nodes = [
      split,
      ...scaled.map((value, i) => node("Mul", [pieces[i]!, half], value)),
      ...roots.map((value, i) => node("Sqrt", [scaled[i]!], value)),
      node("Concat", roots, out),
    ];
    const graph = simplified({ inputs: [vector], nodes, outputs: [out] });
    expect(ops(graph)).toEqual(["Mul", "Sqrt"]);
    expect(graph.nodes[0]!.inputs).toEqual([vector, half]);
    expect(graph.outputs).toEqual([graph.nodes[1]!.outputs[0]]);
  });

  it("looks through reshapes, and lays other arrays end to end once", () => {
    const given = sizes.map((size) => float(size, 1));
    const sums = sizes.map((size) => float(size, 1));
    const [flat, twice] = [sizes.map((size) => float(size)), sizes.map((size) => float(size))];
    const shaped = sizes.map((size) => float(size, 1));
    const [first, second] = [float(14), float(14)];
    const nodes = [
      split,
      ...shaped.map((value, i) => node("Reshape", [pieces[i]!, shape(sizes[i]!, 1)], value)),
      ...sums.map((value, i) => node("Add", [shaped[i]!, given[i]!], value)),
      ...flat.map((value, i) => node("Reshape", [sums[i]!, shape(sizes[i]!)], value)),
      node("Concat", flat, first),
      ...twice.map((value, i) => node("Mul", [flat[i]!, half], value)),
      node("Concat", twice, second),
    ];
    const graph = simplified({ inputs: [vector, ...given], nodes, outputs: [first, second] });
    expect(ops(graph)).toEqual(["Reshape", "Reshape", "Reshape", "Reshape", "Concat", "Add", "Mul"]);
    expect(graph.nodes[5]!.inputs[0]).toBe(vector);
    expect(graph.nodes[6]!.inputs[0]).toBe(graph.nodes[5]!.outputs[0]);
  });

  it("sums the squares of all at once", () => {
    const given = sizes.map((size) => float(size, 2));
    const squares = sizes.map((size) => float(size, 2));
    const parts = sizes.map(() => float());
    const total = float();
    const nodes = [
      ...squares.map((value, i) => node("Mul", [given[i]!, given[i]!], value)),
      ...parts.map((value, i) => node("ReduceSum", [squares[i]!, shape(0, 1)], value)),
      node("Sum", parts, total),
    ];
    const graph = simplified({ inputs: given, nodes, outputs: [total] });
    expect(ops(graph).filter((op) => op !== "Reshape")).toEqual(["Concat", "Mul", "ReduceSum"]);
    expect(graph.outputs[0]!.shape).toEqual([]);
  });

  it("leaves the sum of a large array's squares to itself", () => {
    const rows = [...sizes, 40_000];
    const given = rows.map((size) => float(size));
    const squares = rows.map((size) => float(size));
    const parts = rows.map(() => float());
    const nodes = [
      ...squares.map((value, i) => node("Mul", [given[i]!, given[i]!], value)),
      ...parts.map((value, i) => node("ReduceSum", [squares[i]!, shape(0)], value)),
      node("Sum", parts, float()),
    ];
    const graph = simplified({ inputs: given, nodes, outputs: nodes.at(-1)!.outputs });
    expect(ops(graph)).toEqual(["Mul", "ReduceSum", "Concat", "Mul", "ReduceSum", "Sum"]);
    expect(graph.nodes[0]!.inputs[0]).toBe(given[4]);
    expect(graph.nodes[2]!.inputs).toEqual(given.slice(0, 4));
    expect(graph.nodes[5]!.inputs).toEqual([graph.nodes[1]!.outputs[0], graph.nodes[4]!.outputs[0]]);
  });

  it.each([
    ["pieces in another order", () => pieces.toReversed()],
    ["a piece missing", () => [...pieces.slice(0, 3), float(5)]],
  ])("does not take %s for the vector", (_, arrays) => {
    const out = float(14);
    const graph = simplified({ inputs: [vector], nodes: [split, node("Concat", arrays(), out)], outputs: [out] });
    expect(ops(graph)).toEqual(["Split", "Concat"]);
  });

  it("leaves operators alone that differ, broadcast, or read different numbers", () => {
    const variants: ((i: number, value: Value) => GraphNode)[] = [
      (i, value) => node(i === 2 ? "Sub" : "Add", [pieces[i]!, pieces[i]!], value),
      (i, value) => node("Add", [pieces[i]!, float(1)], value),
      (i, value) => node("Mul", [pieces[i]!, scalar(i)], value),
      (i, value) => node("Mul", [pieces[i]!, i === 0 ? half : pieces[i]!], value),
      (i, value) => node("Softmax", [pieces[i]!], value),
    ];
    for (const variant of variants) {
      const [values, out] = [sizes.map((size) => float(size)), float(14)];
      const nodes = [split, ...values.map((value, i) => variant(i, value)), node("Concat", values, out)];
      expect(simplified({ inputs: [vector], nodes, outputs: [out] }).nodes).toHaveLength(6);
    }
  });

  it("leaves numbers without an axis alone: what is made of them has the length of none", () => {
    const [given, made] = [
      [float(), ...pieces.slice(1)],
      [float(), ...sizes.slice(1).map((size) => float(size))],
    ];
    const flat = float(1);
    const nodes = [
      ...made.map((value, i) => node("Sqrt", [given[i]!], value)),
      node("Reshape", [made[0]!, shape(1)], flat),
      node("Concat", [flat, ...made.slice(1)], float(13)),
    ];
    expect(ops(simplified({ inputs: given, nodes, outputs: nodes.at(-1)!.outputs }))).toEqual(nodes.map(({ op }) => op));
  });
});
