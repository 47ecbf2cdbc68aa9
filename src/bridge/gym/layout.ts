import { BatonError } from "../../errors.js";
import type { Dtype, Message, WireArray, WireData } from "../protocol.js";
import { Box, Dict, Discrete, MultiBinary, MultiDiscrete, type Space, type SpaceValue, sizeOf, Tuple } from "./spaces.js";

const arrayTypes = { float32: Float32Array, float64: Float64Array, int32: Int32Array, int64: BigInt64Array, uint8: Uint8Array };

/** Flat buffers, one for each wire type that a space needs. */
export type Buffers = Partial<Record<Dtype, WireData>>;

/** A leaf of the space, or the nodes below a Dict or Tuple. */
type Node =
  | { readonly space: Space; readonly wire: Dtype; readonly offset: number; readonly size: number }
  | { readonly space: Dict; readonly inner: readonly (readonly [string, Node])[] }
  | { readonly space: Tuple; readonly inner: readonly (readonly [string, Node])[] };

/**
 * Where the values of K copies of a space lie in flat buffers: each leaf is [K, …shape], in the order of the space.
 * `Layout` in `envs/python/baton_host/spaces.py` is the same in Python.
 */
export class Layout {
  readonly #sizes: Partial<Record<Dtype, number>> = {};
  readonly #root: Node;

  constructor(
    space: Space,
    readonly copies: number,
  ) {
    this.#root = this.#place(space);
  }

  allocate(): Buffers {
    const entries = Object.entries(this.#sizes) as [Dtype, number][];
    return Object.fromEntries(entries.map(([wire, size]) => [wire, new arrayTypes[wire](size)]));
  }

  /** The buffers as arrays of a message. */
  arraysOf(buffers: Buffers): Record<string, WireArray> {
    return Object.fromEntries(Object.entries(buffers).map(([wire, data]) => [wire, { shape: [data.length], data }]));
  }

  /**
   * The buffers in an answer, whose arrays carry `prefix` before their names.
   *
   * @throws BatonError `incompatible` where one is missing or has another size.
   */
  buffersIn(answer: Message, prefix = ""): Buffers {
    const entries = (Object.entries(this.#sizes) as [Dtype, number][]).map(([wire, size]) => {
      const array = answer.arrays.get(prefix + wire);
      if (array?.data instanceof arrayTypes[wire] && array.data.length === size) return [wire, array.data];
      throw new BatonError("incompatible", `a host sent observations without the ${size} numbers of type ${wire}`, {
        hint: "is it a baton_host of this version?",
      });
    });
    return Object.fromEntries(entries) as Buffers;
  }

  /**
   * Puts one copy's value into the buffers.
   *
   * @param place how messages call the value.
   * @param partial entries of a Dict at the top may be left out: zeros stay in their place.
   * @throws BatonError `invalid-value` where it is no value of the space.
   */
  write(buffers: Buffers, copy: number, value: unknown, place: string, partial = false): void {
    writeNode(this.#root, buffers, value, place, (leaf) => [copy * leaf.size, leaf.size], partial);
  }

  /** Puts all copies' values, with their leading axis, into the buffers. */
  writeBatch(buffers: Buffers, values: unknown, place: string): void {
    writeNode(this.#root, buffers, values, place, (leaf) => [0, this.copies * leaf.size]);
  }

  /** One copy's value; arrays are views. */
  read(buffers: Buffers, copy: number): SpaceValue {
    return readNode(this.#root, buffers, (node) => [copy * node.size, node.size], true);
  }

  /** All copies' values, with their leading axis; arrays are views. */
  readBatch(buffers: Buffers): SpaceValue {
    return readNode(this.#root, buffers, (node) => [0, this.copies * node.size], false);
  }

  #place(space: Space): Node {
    if (space instanceof Dict) {
      return { space, inner: space.entries.map(([key, inner]) => [key, this.#place(inner)]) };
    }
    if (space instanceof Tuple) {
      return { space, inner: (space.spaces as readonly Space[]).map((inner, k) => [String(k), this.#place(inner)]) };
    }
    const wire = space instanceof Box ? space.wire : space instanceof MultiBinary ? "uint8" : "int32";
    const size = sizeOf(space.shape);
    const offset = this.#sizes[wire] ?? 0;
    this.#sizes[wire] = offset + this.copies * size;
    return { space, wire, offset, size };
  }
}

type Leaf = Extract<Node, { wire: Dtype }>;
type Part = (leaf: Leaf) => [start: number, length: number];

function readNode(node: Node, buffers: Buffers, part: Part, single: boolean): SpaceValue {
  if ("inner" in node) {
    const values = node.inner.map(([key, inner]) => [key, readNode(inner, buffers, part, single)] as const);
    return node.space instanceof Tuple ? values.map(([, value]) => value) : Object.fromEntries(values);
  }
  const [start, length] = part(node);
  const at = node.offset + start;
  const array = buffers[node.wire]!.subarray(at, at + length);
  return single && node.space instanceof Discrete ? Number(array[0]) : array;
}

function writeNode(node: Node, buffers: Buffers, value: unknown, place: string, part: Part, partial = false): void {
  if ("inner" in node) {
    if (typeof value !== "object" || value === null) throw misfit(place, value, node.space);
    for (const [key, inner] of node.inner) {
      const there = Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
      if (partial && there === undefined) continue;
      writeNode(inner, buffers, there, `${place}.${key}`, part);
    }
    return;
  }
  const [start, length] = part(node);
  const given = typeof value === "number" || typeof value === "bigint" ? [value] : value;
  if (!isArrayLike(given) || given.length !== length) throw misfit(place, value, node.space);
  const out = buffers[node.wire]!;
  for (let k = 0; k < length; k++) {
    const x = given[k];
    const at = node.offset + start + k;
    if (out instanceof BigInt64Array) {
      if (typeof x !== "bigint" && !Number.isInteger(x)) throw misfit(place, value, node.space);
      const whole = BigInt(x as bigint | number);
      out[at] = whole;
      if (out[at] !== whole) throw misfit(place, value, node.space);
    } else {
      // A number of the environment's own making may leave a Box; a choice that is none may not be made.
      const number = typeof x === "boolean" ? Number(x) : x;
      if (typeof number !== "number" || !fits(node.space, number, k % node.size)) throw misfit(place, value, node.space);
      out[at] = number;
      // What the bytes cannot hold would arrive as another number.
      if (!node.wire.startsWith("float") && out[at] !== number) throw misfit(place, value, node.space);
    }
  }
}

function fits(space: Space, x: number, k: number): boolean {
  if (space instanceof Discrete) return space.contains(x);
  if (space instanceof MultiDiscrete) {
    const start = space.start[k]!;
    return Number.isInteger(x) && x >= start && x < start + space.nvec[k]!;
  }
  if (space instanceof MultiBinary) return x === 0 || x === 1;
  return (space as Box).wire.startsWith("float") ? !Number.isNaN(x) : Number.isInteger(x);
}

function isArrayLike(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}

function misfit(place: string, value: unknown, space: Space): BatonError {
  const text = String(JSON.stringify(value, (_, x) => (typeof x === "bigint" ? Number(x) : ArrayBuffer.isView(x) ? `${x}` : x)));
  return new BatonError("invalid-value", `${place} is ${text.slice(0, 80)}, but must be a value of ${space}`);
}
