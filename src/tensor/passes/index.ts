import type { Graph } from "../graph.js";
import { simplifyAlgebra } from "./algebra.js";
import { mergeCommonSubexpressions } from "./common.js";
import { removeDeadNodes } from "./dead.js";
import { foldConstants } from "./fold.js";
import { fuseForCpu } from "./fuse.js";
import { joinVectors } from "./vectors.js";

/** A pass takes a graph and returns one that computes the same. */
export type Pass = (graph: Graph) => Graph;

/** In the order they run. */
export const passes: readonly Pass[] = [
  removeDeadNodes,
  mergeCommonSubexpressions,
  foldConstants,
  simplifyAlgebra,
  mergeCommonSubexpressions,
  joinVectors,
  removeDeadNodes,
];

/** In the order they run after those above, for ONNX Runtime's CPU provider. */
export const cpuPasses: readonly Pass[] = [fuseForCpu, removeDeadNodes, mergeCommonSubexpressions];

/** Applies every pass once. */
export function optimise(graph: Graph, more: readonly Pass[] = []): Graph {
  return [...passes, ...more].reduce((current, pass) => pass(current), graph);
}
