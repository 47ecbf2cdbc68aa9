import type { PureFunction, Signature } from "./device.js";
import { type GraphNode, sizeOf } from "./graph.js";
import { optimise } from "./passes/index.js";
import { trace } from "./trace/trace.js";

/** Multiplications and additions of a matrix product: 2·M·N·K. */
function product({ op, inputs, outputs, attributes }: GraphNode): number {
  if (op !== "MatMul" && op !== "Gemm") return 0;
  const left = inputs[0]!.shape;
  const transposed = op === "Gemm" && "transA" in attributes && (attributes.transA as { int?: number }).int === 1;
  return 2 * sizeOf(outputs[0]!.shape) * left.at(transposed ? -2 : -1)!;
}

/** Floating-point operations of the matrix products of one run, as compiled; what else it computes is not counted. */
export function matrixOperations(fn: PureFunction, signature: Signature, label: string): number {
  return optimise(trace(fn, signature, label).graph).nodes.reduce((sum, node) => sum + product(node), 0);
}
