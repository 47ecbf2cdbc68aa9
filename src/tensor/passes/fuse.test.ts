import { describe, expect, it } from "vitest";
import type { GraphNode, Value } from "../graph.js";
import { fuseForCpu } from "./fuse.js";

const float = (...shape: number[]): Value => ({ shape, type: "float32" });
const axes = (...of: number[]): Value => ({ shape: [of.length], type: "int64", constant: BigInt64Array.from(of, BigInt) });
const zero: Value = { shape: [], type: "float32", constant: Float32Array.of(0) };
const node = (op: string, inputs: Value[], output: Value): GraphNode => ({ op, inputs, outputs: [output], attributes: {} });
const fused = (...nodes: GraphNode[]) => fuseForCpu({ inputs: [], nodes, outputs: [nodes.at(-1)!.outputs[0]!] }).nodes;

describe("fuseForCpu", () => {
  it("sums rows by a product with ones, keeping the output", () => {
    const [x, sum] = [float(64, 32), float(32)];
    const [product, reshape] = fused(node("ReduceSum", [x, axes(0)], sum));
    expect([product!.op, reshape!.op]).toEqual(["MatMul", "Reshape"]);
    expect(product!.inputs[0]!.shape).toEqual([1, 64]);
    expect(product!.inputs[0]!.constant).toEqual(new Float32Array(64).fill(1));
    expect(product!.inputs[1]).toBe(x);
    expect(reshape!.outputs[0]).toBe(sum);
  });

  it.each([
    ["another axis", float(64, 32), axes(1), float(64)],
    ["both axes", float(64, 32), axes(0, 1), float()],
    ["three axes", float(64, 32, 2), axes(0), float(32, 2)],
    ["few numbers", float(3, 4), axes(0), float(4)],
    ["whole numbers", { ...float(64, 32), type: "int32" as const }, axes(0), { ...float(32), type: "int32" as const }],
  ])("leaves sums over %s", (_, x, over, output) => {
    expect(fused(node("ReduceSum", [x, over], output)).map(({ op }) => op)).toEqual(["ReduceSum"]);
  });

  it("asks of a ReLU's output only whether it is zero, also through a reshape", () => {
    const [x, y, z, sign] = [float(2, 3), float(2, 3), float(6), { ...float(6), type: "bool" as const }];
    const nodes = fused(node("Relu", [x], y), node("Reshape", [y, axes(6)], z), node("Greater", [z, zero], sign));
    expect(nodes.at(-1)).toMatchObject({ op: "Cast", inputs: [z], outputs: [sign], attributes: { to: { int: 9 } } });
    expect(fused(node("Greater", [x, zero], sign))[0]!.op).toBe("Greater");
    const one: Value = { ...zero, constant: Float32Array.of(1) };
    expect(fused(node("Relu", [x], y), node("Greater", [y, one], sign))[1]!.op).toBe("Greater");
    const zeros: Value = { ...float(4, 2, 3), constant: new Float32Array(24) };
    const wider = { ...float(4, 2, 3), type: "bool" as const };
    expect(fused(node("Relu", [x], y), node("Greater", [y, zeros], wider))[1]!.op).toBe("Greater");
  });

  it("multiplies a column by a row element by element", () => {
    expect(fused(node("MatMul", [float(5, 3, 1), float(5, 1, 4)], float(5, 3, 4)))[0]!.op).toBe("Mul");
    expect(fused(node("MatMul", [float(5, 3, 2), float(5, 2, 4)], float(5, 3, 4)))[0]!.op).toBe("MatMul");
  });
});
