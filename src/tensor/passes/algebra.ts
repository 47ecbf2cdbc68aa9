import type { Graph, GraphNode, Value } from "../graph.js";
import { broadcastShape, Substitution, sameShape, uniformNumber } from "../graph.js";
import { broadcasting, isElementwise } from "./operators.js";

/** What a node turns into: a value that is known already, or another node with the same output, which may need one more before it. */
type Rewrite = { readonly value: Value } | { readonly before?: GraphNode; readonly node: GraphNode };

/** What the rules may ask: which node made a value. */
type Producer = (value: Value) => GraphNode | undefined;

type Rule = (node: GraphNode, producer: Producer) => Rewrite | undefined;

/** x+0, x−0, x·1, x/1: x itself, or x expanded where the other side broadcasts it. */
const neutral: Rule = (node) => {
  const [a, b] = node.inputs;
  const output = node.outputs[0]!;
  const unit = node.op === "Add" || node.op === "Sub" ? 0 : node.op === "Mul" || node.op === "Div" ? 1 : undefined;
  if (unit === undefined || !a || !b) return undefined;
  const commutes = node.op === "Add" || node.op === "Mul";
  const rest = uniformNumber(b) === unit ? a : commutes && uniformNumber(a) === unit ? b : undefined;
  if (!rest) return undefined;
  if (sameShape(rest.shape, output.shape)) return { value: rest };
  const shape: Value = { shape: [output.shape.length], type: "int64", constant: BigInt64Array.from(output.shape, BigInt) };
  return { node: { op: "Expand", inputs: [rest, shape], outputs: [output], attributes: {} } };
};

/** A constant of one repeated number, or an Expand, gives way to what it repeats where the operator broadcasts by itself. */
const broadcastLate: Rule = (node, producer) => {
  if (!broadcasting.has(node.op)) return undefined;
  const output = node.outputs[0]!;
  const inputs = [...node.inputs];
  for (const [i, input] of inputs.entries()) {
    const smaller = unexpanded(input, producer);
    if (!smaller) continue;
    const shapes = inputs.map((other, j) => (j === i ? smaller.shape : other.shape));
    const shape = broadcastShape(...shapes);
    if (shape && sameShape(shape, output.shape)) inputs[i] = smaller;
  }
  if (inputs.every((input, i) => input === node.inputs[i])) return undefined;
  return { node: { ...node, inputs } };
};

function unexpanded(value: Value, producer: Producer): Value | undefined {
  if (value.constant) {
    const repeated = value.constant.length > 1 ? uniformNumber(value) : undefined;
    if (repeated === undefined) return undefined;
    return { shape: [], type: value.type, constant: value.constant.slice(0, 1) };
  }
  const made = producer(value);
  return made?.op === "Expand" ? made.inputs[0] : undefined;
}

/** Reshape of a reshape, and a reshape or cast that changes nothing. */
const reshapes: Rule = (node, producer) => {
  const [input, shape] = node.inputs;
  if (node.op === "Cast") return input!.type === node.outputs[0]!.type ? { value: input! } : undefined;
  if (node.op !== "Reshape") return undefined;
  if (sameShape(input!.shape, node.outputs[0]!.shape)) return { value: input! };
  const made = producer(input!);
  if (made?.op !== "Reshape") return undefined;
  const source = made.inputs[0]!;
  if (sameShape(source.shape, node.outputs[0]!.shape)) return { value: source };
  return { node: { ...node, inputs: [source, shape!] } };
};

/**
 * An element-wise operator on reshaped arrays works on the arrays before the reshape, which then follows it. That way a reshape moves on
 * until it meets one that undoes it, and a matrix product meets its activation.
 */
const reshapeLater: Rule = (node, producer) => {
  if (!isElementwise(node.op)) return undefined;
  const output = node.outputs[0]!;
  // a scalar stays one: it broadcasts against everything
  if (output.shape.length === 0) return undefined;
  // a reshape to a scalar broadcasts against the others and says nothing about their shape
  const whole = node.inputs.filter((input) => sameShape(input.shape, output.shape));
  const reshape = whole.map(producer).find((made) => made?.op === "Reshape");
  if (!reshape) return undefined;
  const source = reshape.inputs[0]!.shape;
  const inputs = node.inputs.map((input): Value | undefined => {
    const made = producer(input);
    if (input.shape.length === 0) return input;
    if (!sameShape(input.shape, output.shape)) return undefined;
    if (input.constant) return { ...input, shape: source };
    return made?.op === "Reshape" && sameShape(made.inputs[0]!.shape, source) ? made.inputs[0] : undefined;
  });
  if (inputs.some((input) => input === undefined)) return undefined;
  const early: Value = { shape: source, type: output.type };
  const shape: Value = { shape: [output.shape.length], type: "int64", constant: BigInt64Array.from(output.shape, BigInt) };
  return {
    before: { ...node, inputs: inputs as Value[], outputs: [early] },
    node: { op: "Reshape", inputs: [early, shape], outputs: [output], attributes: {} },
  };
};

/** Transpose of a transpose: one, or none. */
const transposes: Rule = (node, producer) => {
  if (node.op !== "Transpose") return undefined;
  const made = producer(node.inputs[0]!);
  if (made?.op !== "Transpose") return undefined;
  const [first, second] = [permutation(made), permutation(node)];
  const order = second.map((axis) => first[axis]!);
  if (order.every((axis, i) => axis === i)) return { value: made.inputs[0]! };
  return { node: { ...node, inputs: [made.inputs[0]!], attributes: { perm: { ints: order } } } };
};

function permutation(node: GraphNode): readonly number[] {
  const attribute = node.attributes.perm!;
  return "ints" in attribute ? attribute.ints : [];
}

const rules: readonly Rule[] = [neutral, broadcastLate, reshapes, transposes, reshapeLater];

/** Applies the rules above to every node until none fits, in one sweep from inputs to outputs. */
export function simplifyAlgebra(graph: Graph): Graph {
  const substitution = new Substitution();
  const producers = new Map<Value, GraphNode>();
  const nodes: GraphNode[] = [];
  const producer: Producer = (value) => producers.get(value);
  const append = (node: GraphNode) => {
    nodes.push(node);
    for (const output of node.outputs) producers.set(output, node);
  };

  for (const original of graph.nodes) {
    let node: GraphNode | undefined = substitution.apply(original);
    let rewrite: Rewrite | undefined;
    do {
      rewrite = firstRewrite(node, producer);
      if (rewrite && "node" in rewrite) {
        if (rewrite.before) append(rewrite.before);
        node = rewrite.node;
      }
    } while (rewrite && "node" in rewrite);
    if (rewrite) substitution.set(original.outputs[0]!, rewrite.value);
    else append(node);
  }
  return { inputs: graph.inputs, nodes, outputs: graph.outputs.map((value) => substitution.get(value)) };
}

function firstRewrite(node: GraphNode, producer: Producer): Rewrite | undefined {
  for (const rule of rules) {
    const rewrite = rule(node, producer);
    if (rewrite) return rewrite;
  }
  return undefined;
}
