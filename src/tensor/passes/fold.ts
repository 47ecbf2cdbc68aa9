import type { ConstantData, ElementType, Graph, GraphNode, Value } from "../graph.js";
import { Substitution, sizeOf } from "../graph.js";

/** Operators on constants of at most this many elements are computed while compiling. */
const largestFolded = 64;

const binaryFunctions: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Max: Math.max,
  Min: Math.min,
};

const unaryFunctions: Readonly<Record<string, (x: number) => number>> = {
  Neg: (x) => -x,
  Sqrt: Math.sqrt,
  Reciprocal: (x) => 1 / x,
  Abs: Math.abs,
};

function allocate(type: ElementType, size: number): ConstantData {
  if (type === "float32") return new Float32Array(size);
  if (type === "int32") return new Int32Array(size);
  return type === "int64" ? new BigInt64Array(size) : new Uint8Array(size);
}

/** `f` of every element; int32 division truncates as ONNX's does, and float32 rounds once. */
function filled(output: Value, f: (i: number) => number): Value {
  const data = allocate(output.type, sizeOf(output.shape));
  for (let i = 0; i < data.length; i++) data[i] = f(i);
  return { shape: output.shape, type: output.type, constant: data };
}

/** The constant that `node` computes, or undefined where this pass does not know. */
function evaluate(node: GraphNode): Value | undefined {
  const output = node.outputs[0]!;
  const [a, b] = node.inputs;
  if (!a?.constant || node.inputs.some((value) => !value.constant)) return undefined;
  if (node.op === "Reshape") return { ...a, shape: output.shape };
  if (output.type === "int64" || a.type === "int64" || sizeOf(output.shape) > largestFolded) return undefined;
  if (node.op === "Cast") {
    if (output.type === "bool") return filled(output, (i) => (a.constant![i] ? 1 : 0));
    return filled(output, (i) => Number(a.constant![i]));
  }
  const unary = unaryFunctions[node.op];
  if (unary && node.inputs.length === 1) return filled(output, (i) => unary(Number(a.constant![i])));
  const binary = binaryFunctions[node.op];
  if (!binary || !b || node.inputs.length !== 2) return undefined;
  const size = sizeOf(output.shape);
  const at = (value: Value, i: number) => Number(value.constant![value.constant!.length === 1 ? 0 : i]);
  if (![a, b].every((value) => value.constant!.length === 1 || value.constant!.length === size)) return undefined;
  return filled(output, (i) => binary(at(a, i), at(b, i)));
}

/** Computes small operators of constants: casts, reshapes, and arithmetic on scalars or equal shapes. */
export function foldConstants(graph: Graph): Graph {
  const substitution = new Substitution();
  const nodes: GraphNode[] = [];
  for (const original of graph.nodes) {
    const node = substitution.apply(original);
    const value = node.outputs.length === 1 ? evaluate(node) : undefined;
    if (value) substitution.set(original.outputs[0]!, value);
    else nodes.push(node);
  }
  return { inputs: graph.inputs, nodes, outputs: graph.outputs.map((value) => substitution.get(value)) };
}
