import type { Graph, GraphNode, Value } from "../graph.js";
import { Substitution } from "../graph.js";

/** Constants larger than this are told apart by identity: comparing them would cost more than it saves. */
const largestCompared = 4096;

/** Equal for constants of the same type, shape and bytes. */
function constantKey(value: Value): string | undefined {
  const data = value.constant!;
  if (data.length > largestCompared) return undefined;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return `${value.type}[${value.shape}]${Buffer.from(bytes).toString("latin1")}`;
}

/** Nodes that do the same to the same values become one; so do equal constants. Every operator is a pure function. */
export function mergeCommonSubexpressions(graph: Graph): Graph {
  const substitution = new Substitution();
  const identities = new Map<Value, number>();
  const constants = new Map<string, Value>();
  const seen = new Map<string, GraphNode>();

  const canonical = (value: Value): Value => {
    const current = substitution.get(value);
    if (!current.constant || identities.has(current)) return current;
    const key = constantKey(current);
    if (key === undefined) return current;
    const known = constants.get(key);
    if (!known) constants.set(key, current);
    else if (known !== current) substitution.set(current, known);
    return known ?? current;
  };
  const identity = (value: Value): number => {
    const id = identities.get(value) ?? identities.size;
    identities.set(value, id);
    return id;
  };

  const nodes: GraphNode[] = [];
  for (const original of graph.nodes) {
    const inputs = original.inputs.map(canonical);
    const node = { ...original, inputs };
    const key = `${node.op}(${inputs.map(identity)})${node.outputs.length}${JSON.stringify(node.attributes)}`;
    const known = seen.get(key);
    if (known) {
      for (const [i, output] of node.outputs.entries()) substitution.set(output, known.outputs[i]!);
    } else {
      seen.set(key, node);
      nodes.push(node);
    }
  }
  return { inputs: graph.inputs, nodes, outputs: graph.outputs.map(canonical) };
}
