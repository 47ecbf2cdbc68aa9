/**
 * Gymnasium's fundamental spaces. Values are what JavaScript has for them: a number for Discrete, typed arrays (row-major) for Box,
 * MultiDiscrete and MultiBinary, objects and lists for Dict and Tuple.
 *
 * @module
 */
import { randomInt } from "node:crypto";
import { BatonError } from "../../errors.js";
import { RandomStream } from "../../tensor/random.js";
import type { Dtype, WireData } from "../protocol.js";

/** numpy's name of a Box's numbers. */
export type BoxDtype = Dtype | "float16" | "bool" | "int8" | "int16" | "uint16" | "uint32" | "uint64";

/** Any value of any space. */
export type SpaceValue = number | WireData | readonly SpaceValue[] | { readonly [key: string]: SpaceValue };

/** The numbers that a Box's dtype becomes: those of the nearest wire type that holds them all. */
export type BoxValue = WireData;

const wireDtypes: Readonly<Record<BoxDtype, Dtype>> = {
  float16: "float32",
  float32: "float32",
  float64: "float64",
  bool: "uint8",
  uint8: "uint8",
  int8: "int32",
  int16: "int32",
  uint16: "int32",
  int32: "int32",
  int64: "int64",
  uint32: "int64",
  uint64: "int64",
};

/** A set of values that knows how to draw from itself. */
export abstract class Space<T extends SpaceValue = SpaceValue> {
  /** Axes of a value; none for Discrete, Dict and Tuple. */
  abstract readonly shape: readonly number[];
  #random: RandomStream | undefined;

  /** Makes {@link sample} repeatable. The numbers are not those that Gymnasium draws with the same seed. */
  seed(seed: number): void {
    this.#random = RandomStream.from(seed, "space");
  }

  /** Draws a value: uniform where bounded, exponential or normal where not, as Gymnasium does. */
  abstract sample(): T;

  /** Says whether `value` is one of this space. */
  abstract contains(value: unknown): value is T;

  /** As Gymnasium prints it. */
  abstract toString(): string;

  protected get random(): RandomStream {
    this.#random ??= RandomStream.from(randomInt(2 ** 47), "space");
    return this.#random;
  }
}

/** Numbers between two bounds (inclusive, and infinite where there is none). */
export class Box<T extends BoxValue = BoxValue> extends Space<T> {
  readonly shape: readonly number[];
  readonly dtype: BoxDtype;
  /** What carries the numbers. */
  readonly wire: Dtype;
  /** One for each element. */
  readonly low: Float64Array;
  readonly high: Float64Array;

  constructor(
    low: number | ArrayLike<number>,
    high: number | ArrayLike<number>,
    shape: readonly number[],
    dtype: BoxDtype = "float32",
  ) {
    super();
    this.shape = shape;
    this.dtype = dtype;
    this.wire = wireDtypes[dtype];
    this.low = filled(low, sizeOf(shape));
    this.high = filled(high, sizeOf(shape));
  }

  sample(): T {
    const size = this.low.length;
    if (this.wire === "int64") return BigInt64Array.from({ length: size }, (_, k) => this.#wholeBig(k)) as WireData as T;
    const out = new { float32: Float32Array, float64: Float64Array, int32: Int32Array, uint8: Uint8Array }[this.wire](size);
    const real = this.wire.startsWith("float");
    for (let k = 0; k < size; k++) out[k] = real ? this.#real(k) : this.#whole(k);
    return out as WireData as T;
  }

  contains(value: unknown): value is T {
    if (!isArrayOf(this.wire, value) || value.length !== this.low.length) return false;
    for (let k = 0; k < value.length; k++) {
      const x = Number(value[k]);
      if (!(x >= this.low[k]! && x <= this.high[k]!)) return false;
    }
    return true;
  }

  toString(): string {
    return `Box(${range(this.low)}, ${range(this.high)}, (${this.shape}), ${this.dtype})`;
  }

  #real(k: number): number {
    const [low, high, random] = [this.low[k]!, this.high[k]!, this.random];
    if (low === Number.NEGATIVE_INFINITY && high === Number.POSITIVE_INFINITY) return random.normal();
    const exponential = () => -Math.log(1 - unit(random));
    if (low === Number.NEGATIVE_INFINITY) return high - exponential();
    if (high === Number.POSITIVE_INFINITY) return low + exponential();
    // Halves first: the difference of two large bounds may not be finite.
    const u = unit(random);
    return Math.min(high, Math.max(low, low * (1 - u) + high * u));
  }

  #whole(k: number): number {
    return Math.min(this.high[k]!, Math.floor(this.low[k]! + unit(this.random) * (this.high[k]! - this.low[k]! + 1)));
  }

  #wholeBig(k: number): bigint {
    const drawn = BigInt(this.#whole(k));
    const most = 2n ** 63n - 1n;
    return drawn > most ? most : drawn < -most ? -most : drawn;
  }
}

/** One whole number in `start … start+n−1`. */
export class Discrete extends Space<number> {
  readonly shape = [];

  constructor(
    readonly n: number,
    readonly start = 0,
  ) {
    super();
  }

  /** @param mask for each number whether it may be drawn; where none may, `start` is, as in Gymnasium. */
  sample(mask?: ArrayLike<number | boolean>): number {
    if (!mask) return this.start + this.random.integer(this.n);
    const allowed = Array.from({ length: this.n }, (_, k) => k).filter((k) => mask[k]);
    return this.start + (allowed[this.random.integer(allowed.length)] ?? 0);
  }

  contains(value: unknown): value is number {
    return Number.isInteger(value) && (value as number) >= this.start && (value as number) < this.start + this.n;
  }

  toString(): string {
    return `Discrete(${this.n}${this.start === 0 ? "" : `, start=${this.start}`})`;
  }
}

/** Whole numbers, each with a range of its own: `start[i] … start[i]+nvec[i]−1`. */
export class MultiDiscrete extends Space<Int32Array> {
  readonly shape: readonly number[];
  readonly nvec: Float64Array;
  readonly start: Float64Array;

  constructor(nvec: number | ArrayLike<number>, shape?: readonly number[], start: number | ArrayLike<number> = 0) {
    super();
    this.shape = shape ?? [typeof nvec === "number" ? 1 : nvec.length];
    this.nvec = filled(nvec, sizeOf(this.shape));
    this.start = filled(start, sizeOf(this.shape));
  }

  sample(): Int32Array {
    return Int32Array.from(this.nvec, (n, k) => this.start[k]! + this.random.integer(n));
  }

  contains(value: unknown): value is Int32Array {
    if (!isArrayOf("int32", value) || value.length !== this.nvec.length) return false;
    return this.nvec.every((n, k) => Number(value[k]) >= this.start[k]! && Number(value[k]) < this.start[k]! + n);
  }

  toString(): string {
    return `MultiDiscrete([${this.nvec}]${this.start.some((x) => x !== 0) ? `, start=[${this.start}]` : ""})`;
  }
}

/** Zeros and ones. */
export class MultiBinary extends Space<Uint8Array> {
  readonly shape: readonly number[];

  constructor(n: number | readonly number[]) {
    super();
    this.shape = typeof n === "number" ? [n] : n;
  }

  sample(): Uint8Array {
    return Uint8Array.from({ length: sizeOf(this.shape) }, () => this.random.integer(2));
  }

  contains(value: unknown): value is Uint8Array {
    return isArrayOf("uint8", value) && value.length === sizeOf(this.shape) && (value as Uint8Array).every((x) => x <= 1);
  }

  toString(): string {
    return `MultiBinary(${this.shape.length === 1 ? this.shape[0] : `[${this.shape}]`})`;
  }
}

/** Named values, in an object, in an order of their own: objects put keys that are whole numbers first. */
export class Dict<T extends { readonly [key: string]: SpaceValue } = { readonly [key: string]: SpaceValue }> extends Space<T> {
  readonly shape = [];

  constructor(
    readonly spaces: { readonly [K in keyof T & string]: Space<T[K]> },
    private readonly keys: readonly string[] = Object.keys(spaces),
  ) {
    super();
  }

  /** Keys and their spaces, in order. */
  get entries(): (readonly [key: string, space: Space])[] {
    const spaces: Readonly<Record<string, Space>> = this.spaces;
    return this.keys.map((key) => [key, spaces[key]!] as const);
  }

  override seed(seed: number): void {
    seedAll(
      this.entries.map(([, space]) => space),
      seed,
    );
  }

  sample(): T {
    return Object.fromEntries(this.entries.map(([key, space]) => [key, space.sample()])) as T;
  }

  contains(value: unknown): value is T {
    if (typeof value !== "object" || value === null) return false;
    const { entries } = this;
    const values = value as { readonly [key: string]: unknown };
    return Object.keys(values).length === entries.length && entries.every(([key, space]) => space.contains(values[key]));
  }

  toString(): string {
    const inner = this.entries.map(([key, space]) => `'${key}': ${space}`);
    return `Dict(${inner.join(", ")})`;
  }
}

/** Values in an order, in a list. */
export class Tuple<T extends readonly SpaceValue[] = readonly SpaceValue[]> extends Space<T> {
  readonly shape = [];

  constructor(readonly spaces: { readonly [K in keyof T]: Space<T[K]> }) {
    super();
  }

  override seed(seed: number): void {
    seedAll(this.spaces as readonly Space[], seed);
  }

  sample(): T {
    return (this.spaces as readonly Space[]).map((space) => space.sample()) as unknown as T;
  }

  contains(value: unknown): value is T {
    const spaces = this.spaces as readonly Space[];
    return Array.isArray(value) && value.length === spaces.length && spaces.every((space, k) => space.contains(value[k]));
  }

  toString(): string {
    return `Tuple(${(this.spaces as readonly Space[]).join(", ")})`;
  }
}

/** What holds `copies` values of a space at once: leaves get a leading axis. A Discrete becomes a MultiDiscrete. */
export function batchSpace(space: Space, copies: number): Space {
  const repeat = (values: Float64Array) => Array.from({ length: copies }, () => [...values]).flat();
  if (space instanceof Box) return new Box(repeat(space.low), repeat(space.high), [copies, ...space.shape], space.dtype);
  if (space instanceof Discrete) return new MultiDiscrete(space.n, [copies], space.start);
  if (space instanceof MultiDiscrete) return new MultiDiscrete(repeat(space.nvec), [copies, ...space.shape], repeat(space.start));
  if (space instanceof MultiBinary) return new MultiBinary([copies, ...space.shape]);
  if (space instanceof Tuple) return new Tuple((space.spaces as readonly Space[]).map((inner) => batchSpace(inner, copies)));
  const { entries } = space as Dict;
  const keys = entries.map(([key]) => key);
  return new Dict(Object.fromEntries(entries.map(([key, inner]) => [key, batchSpace(inner, copies)])), keys);
}

/** The number of elements of an array with these axes. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

const arrayTypes = { float32: Float32Array, float64: Float64Array, int32: Int32Array, int64: BigInt64Array, uint8: Uint8Array };

function isArrayOf(wire: Dtype, value: unknown): value is WireData {
  return value instanceof arrayTypes[wire];
}

function filled(values: number | ArrayLike<number>, size: number): Float64Array {
  if (typeof values === "number") return new Float64Array(size).fill(values);
  if (values.length === size) return Float64Array.from(values);
  throw new BatonError("invalid-value", `a space of ${size} elements is given ${values.length} bounds`);
}

/** Uniform in [0, 1) with 48 random bits. */
function unit(random: RandomStream): number {
  return random.uniform() + random.uniform() / 0x1000000;
}

function seedAll(spaces: readonly Space[], seed: number): void {
  const random = RandomStream.from(seed, "spaces");
  for (const space of spaces) space.seed(random.uint32());
}

function range(bounds: Float64Array): string {
  const first = bounds[0];
  if (first !== undefined && bounds.every((bound) => bound === first)) return String(first);
  return `[${[...bounds.subarray(0, 8)].join(", ")}${bounds.length > 8 ? ", …" : ""}]`;
}
