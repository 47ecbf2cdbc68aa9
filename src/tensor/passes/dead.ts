import type { Graph, Value } from "../graph.js";

/** Removes nodes whose outputs nobody reads. */
export function removeDeadNodes(graph: Graph): Graph {
  const needed = new Set<Value>(graph.outputs);
  const nodes = [];
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i]!;
    if (!node.outputs.some((value) => needed.has(value))) continue;
    for (const value of node.inputs) needed.add(value);
    nodes.push(node);
  }
  return { ...graph, nodes: nodes.reverse() };
}
