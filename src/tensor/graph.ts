import type { DType } from "./tree.js";

/** Element types inside a graph: those of tfjs tensors, and two that only ONNX operators ask for. */
export type ElementType = DType | "int64" | "uint8";

export type ConstantData = Float32Array | Int32Array | Uint8Array | BigInt64Array;

/** An edge of the graph, compared by identity. With `constant` it is known before the graph runs. */
export interface Value {
  readonly shape: readonly number[];
  readonly type: ElementType;
  readonly constant?: ConstantData;
}

export type Attribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly ints: readonly number[] }
  | { readonly text: string };

export type Attributes = { readonly [name: string]: Attribute };

/** One ONNX operator with its edges. */
export interface GraphNode {
  /** ONNX operator type, opset 18. */
  readonly op: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly attributes: Attributes;
}

/** A traced function: `nodes` in an order in which they can run. */
export interface Graph {
  readonly inputs: readonly Value[];
  readonly nodes: readonly GraphNode[];
  readonly outputs: readonly Value[];
}

/** Numbers from which on an array is large: a pass over it costs far more than that an operator is called. */
export const largeSize = 32_768;

export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const dimension of shape) size *= dimension;
  return size;
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dimension, i) => dimension === b[i]);
}

/** The numpy broadcast of several shapes, or undefined where they do not fit. */
export function broadcastShape(...shapes: (readonly number[])[]): number[] | undefined {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  const out = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    for (let i = 0; i < shape.length; i++) {
      const at = rank - shape.length + i;
      if (shape[i] === out[at] || shape[i] === 1) continue;
      if (out[at] !== 1) return undefined;
      out[at] = shape[i]!;
    }
  }
  return out;
}

/** Tracks every value that `graph` mentions through `replaced`, repeatedly: a pass records `old → new` and goes on. */
export class Substitution {
  readonly #replaced = new Map<Value, Value>();

  set(from: Value, to: Value): void {
    this.#replaced.set(from, to);
  }

  get(value: Value): Value {
    let current = value;
    for (let next = this.#replaced.get(current); next; next = this.#replaced.get(current)) current = next;
    return current;
  }

  /** `node` with its inputs replaced; the same object when nothing changes. */
  apply(node: GraphNode): GraphNode {
    const inputs = node.inputs.map((value) => this.get(value));
    return inputs.every((value, i) => value === node.inputs[i]) ? node : { ...node, inputs };
  }
}

/** The number that every element of a constant equals, or undefined where they differ or the value is not constant. */
export function uniformNumber(value: Value): number | undefined {
  const data = value.constant;
  if (!data || data.length === 0) return undefined;
  const first = data[0]!;
  for (let i = 1; i < data.length; i++) if (data[i] !== first) return undefined;
  return Number(first);
}
