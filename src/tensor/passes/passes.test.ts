import { describe, expect, it } from "vitest";
import type { Attributes, Graph, GraphNode, Value } from "../graph.js";
import { simplifyAlgebra } from "./algebra.js";
import { mergeCommonSubexpressions } from "./common.js";
import { removeDeadNodes } from "./dead.js";
import { foldConstants } from "./fold.js";
import { optimise } from "./index.js";

const float = (...shape: number[]): Value => ({ shape, type: "float32" });
const constant = (shape: number[], ...numbers: number[]): Value => ({
  shape,
  type: "float32",
  constant: Float32Array.from(numbers),
});
const int64 = (...numbers: number[]): Value => ({
  shape: [numbers.length],
  type: "int64",
  constant: BigInt64Array.from(numbers, BigInt),
});
const node = (op: string, inputs: Value[], output: Value, attributes: Attributes = {}): GraphNode => ({
  op,
  inputs,
  outputs: [output],
  attributes,
});
const ops = (graph: Graph) => graph.nodes.map(({ op }) => op);

const x = float(2, 3);
const y = float(2, 3);

describe("removeDeadNodes", () => {
  it("keeps what the outputs need, in order, and nothing else", () => {
    const [a, b, c] = [float(2, 3), float(2, 3), float(2, 3)];
    const nodes = [node("Exp", [x], a), node("Log", [x], b), node("Neg", [a], c)];
    expect(ops(removeDeadNodes({ inputs: [x], nodes, outputs: [c] }))).toEqual(["Exp", "Neg"]);
  });

  it("keeps a node of which one output is read", () => {
    const [a, b] = [float(1, 3), float(1, 3)];
    const split: GraphNode = { op: "Split", inputs: [x], outputs: [a, b], attributes: {} };
    expect(ops(removeDeadNodes({ inputs: [x], nodes: [split], outputs: [b] }))).toEqual(["Split"]);
  });
});

describe("mergeCommonSubexpressions", () => {
  it("merges equal chains, with equal constants", () => {
    const [a, b, c, d, e] = [x, x, x, x, x].map(() => float(2, 3)) as [Value, Value, Value, Value, Value];
    const nodes = [
      node("Mul", [x, constant([], 2)], a),
      node("Exp", [a], b),
      node("Mul", [x, constant([], 2)], c),
      node("Exp", [c], d),
      node("Add", [b, d], e),
    ];
    const merged = mergeCommonSubexpressions({ inputs: [x], nodes, outputs: [e, d] });
    expect(ops(merged)).toEqual(["Mul", "Exp", "Add"]);
    expect(merged.nodes[2]!.inputs).toEqual([b, b]);
    expect(merged.outputs).toEqual([e, b]);
  });

  it("tells apart attributes, constants, their shapes and types, and the order of inputs", () => {
    const axis = (int: number): Attributes => ({ axis: { int } });
    const nodes = [
      node("Softmax", [x], float(2, 3), axis(0)),
      node("Softmax", [x], float(2, 3), axis(1)),
      node("Add", [x, constant([], 1)], float(2, 3)),
      node("Add", [x, constant([1], 1)], float(2, 3)),
      node("Add", [x, constant([], 2)], float(2, 3)),
      node("Sub", [x, y], float(2, 3)),
      node("Sub", [y, x], float(2, 3)),
    ];
    const graph = { inputs: [x, y], nodes, outputs: nodes.map(({ outputs }) => outputs[0]!) };
    expect(mergeCommonSubexpressions(graph).nodes).toHaveLength(nodes.length);
  });

  it("takes a node that reads one constant twice", () => {
    const c = constant([], 3);
    const graph = { inputs: [], nodes: [node("Mul", [c, c], float())], outputs: [c] };
    expect(mergeCommonSubexpressions(graph).nodes[0]!.inputs).toEqual([c, c]);
  });
});

describe("foldConstants", () => {
  it("computes chains of scalars and casts", () => {
    const [a, b] = [float(), float()];
    const whole: Value = { shape: [], type: "int32" };
    const nodes = [
      node("Add", [constant([], 1.5), constant([], 2)], a),
      node("Sqrt", [constant([], 16)], b),
      node("Cast", [a], whole, { to: { int: 6 } }),
    ];
    const folded = foldConstants({ inputs: [], nodes, outputs: [b, whole] });
    expect(folded.nodes).toEqual([]);
    expect(folded.outputs.map(({ constant: data }) => data![0])).toEqual([4, 3]);
  });

  it("reshapes a constant of any size and leaves what depends on inputs", () => {
    const big = constant([10, 10], ...new Array<number>(100).fill(2));
    const [flat, sum] = [float(100), float(2, 3)];
    const nodes = [node("Reshape", [big, int64(100)], flat), node("Add", [x, constant([], 1)], sum)];
    const folded = foldConstants({ inputs: [x], nodes, outputs: [flat, sum] });
    expect(ops(folded)).toEqual(["Add"]);
    expect(folded.outputs[0]).toMatchObject({ shape: [100], constant: big.constant });
  });
});

describe("simplifyAlgebra", () => {
  const simplified = (nodes: GraphNode[], output: Value) => simplifyAlgebra({ inputs: [x, y], nodes, outputs: [output] });

  it.each([
    ["Add", 0],
    ["Sub", 0],
    ["Mul", 1],
    ["Div", 1],
  ])("drops %s with %d", (op, unit) => {
    const out = float(2, 3);
    const graph = simplified([node(op, [x, constant([], unit)], out)], out);
    expect(graph.nodes).toEqual([]);
    expect(graph.outputs).toEqual([x]);
  });

  it("keeps 0−x, 1/x and x·0", () => {
    for (const [op, a, b] of [
      ["Sub", constant([], 0), x],
      ["Div", constant([], 1), x],
      ["Mul", x, constant([], 0)],
    ] as const) {
      const out = float(2, 3);
      expect(ops(simplified([node(op, [a, b], out)], out))).toEqual([op]);
    }
  });

  it("turns x times ones of a larger shape into an Expand, and drops that where the reader broadcasts", () => {
    const row = float(1, 3);
    const [wide, sum] = [float(2, 3), float(2, 3)];
    const spread = node("Mul", [row, constant([2, 3], 1, 1, 1, 1, 1, 1)], wide);
    expect(ops(simplified([spread], wide))).toEqual(["Expand"]);
    const graph = optimise({ inputs: [row, x], nodes: [spread, node("Add", [wide, x], sum)], outputs: [sum] });
    expect(ops(graph)).toEqual(["Add"]);
    expect(graph.nodes[0]!.inputs).toEqual([row, x]);
  });

  it("keeps an Expand that gives the result its shape", () => {
    const row = float(1, 3);
    const [wide, out] = [float(2, 3), float(2, 3)];
    const nodes = [node("Expand", [row, int64(2, 3)], wide), node("Exp", [wide], out)];
    expect(simplifyAlgebra({ inputs: [row], nodes, outputs: [out] }).nodes).toHaveLength(2);
  });

  it("joins reshapes, and drops those that lead back", () => {
    const [a, b, c] = [float(6), float(3, 2), float(2, 3)];
    const there = [node("Reshape", [x, int64(6)], a), node("Reshape", [a, int64(3, 2)], b)];
    expect(simplified(there, b).nodes.at(-1)!.inputs[0]).toBe(x);
    expect(simplified([...there, node("Reshape", [b, int64(2, 3)], c)], c).outputs).toEqual([x]);
  });

  it("moves a reshape behind element-wise operators until it meets its inverse", () => {
    const [flat, active, scaled, back] = [float(6), float(6), float(6), float(2, 3)];
    const nodes = [
      node("Reshape", [x, int64(6)], flat),
      node("Relu", [flat], active),
      node("Mul", [active, constant([], 3)], scaled),
      node("Reshape", [scaled, int64(2, 3)], back),
    ];
    const graph = optimise({ inputs: [x], nodes, outputs: [back] });
    expect(ops(graph)).toEqual(["Relu", "Mul"]);
    expect(graph.outputs[0]!.shape).toEqual([2, 3]);
  });

  it("moves no reshape where the operator broadcasts, or where shapes before it differ", () => {
    const z = float(3, 2);
    const [flat, other, out] = [float(6), float(6), float(6)];
    const both = [node("Reshape", [x, int64(6)], flat), node("Reshape", [z, int64(6)], other), node("Add", [flat, other], out)];
    expect(ops(simplifyAlgebra({ inputs: [x, z], nodes: both, outputs: [out] }))).toEqual(["Reshape", "Reshape", "Add"]);
    const wide = float(4, 6);
    const broadcast = [both[0]!, node("Add", [flat, wide], float(4, 6))];
    expect(ops(simplifyAlgebra({ inputs: [x, wide], nodes: broadcast, outputs: broadcast[1]!.outputs as Value[] }))).toEqual([
      "Reshape",
      "Add",
    ]);
  });

  it("takes no reshape to a scalar for the shape of the others", () => {
    const [one, scalar, out] = [float(1), float(), float(6)];
    const numbers = constant([6], 1, 2, 3, 4, 5, 6);
    const nodes = [node("Reshape", [one, int64()], scalar), node("Add", [scalar, numbers], out)];
    const simple = simplifyAlgebra({ inputs: [one], nodes, outputs: [out] });
    for (const { inputs } of simple.nodes) expect(inputs.filter((v) => v.constant?.length === 6 && v.shape[0] !== 6)).toEqual([]);
    expect(ops(simple)).toEqual(["Reshape", "Add"]);
  });

  it("joins transposes, and drops a pair that undoes itself", () => {
    const perm = (...ints: number[]): Attributes => ({ perm: { ints } });
    const cube = float(2, 3, 4);
    const [a, b, c] = [float(4, 2, 3), float(3, 4, 2), float(2, 3, 4)];
    const first = node("Transpose", [cube], a, perm(2, 0, 1));
    const joined = simplified([first, node("Transpose", [a], b, perm(2, 0, 1))], b).nodes.at(-1)!;
    expect([joined.inputs[0], joined.attributes]).toEqual([cube, perm(1, 2, 0)]);
    expect(simplified([first, node("Transpose", [a], c, perm(1, 2, 0))], c).outputs).toEqual([cube]);
  });
});
