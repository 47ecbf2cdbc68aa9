/**
 * How the cores are shared. Simulators have their own threads or processes (`--env-threads`), the learner and the actors take turns on
 * those that are left, and threads that have nothing to do sleep instead of spinning. A second thread must be woken for every operator,
 * which small networks pay for and do not get back: they run on one.
 *
 * @module
 */
import { availableParallelism } from "node:os";
import { type Graph, type GraphNode, sizeOf } from "./graph.js";

/** Floating-point operations of the matrix products in one run from which a second thread pays. */
export const parallelFrom = 4e9;

/** Floating-point operations of all matrix products in one run of `graph`. */
export const productFlops = (graph: Graph): number => graph.nodes.reduce((sum, node) => sum + flopsOf(node), 0);

function flopsOf({ op, inputs, outputs, attributes }: GraphNode): number {
  if (op !== "MatMul" && op !== "Gemm") return 0;
  const { transA } = attributes;
  const a = inputs[0]!.shape;
  const inner = transA && "int" in transA && transA.int === 1 ? a[0]! : a.at(-1)!;
  return 2 * sizeOf(outputs[0]!.shape) * inner;
}

/**
 * Threads for a graph of so many floating-point operations, where nobody has said how many: one if it is small, else one for each core
 * that simulators leave.
 */
export function automaticThreads(flops: number, simulatorThreads: number, cores = availableParallelism()): number {
  return flops < parallelFrom ? 1 : Math.max(1, cores - simulatorThreads);
}
