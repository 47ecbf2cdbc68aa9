/**
 * Spaces as a host describes them; `envs/python/baton_host/spaces.py` writes what is read here.
 *
 * @module
 */
import { BatonError } from "../../errors.js";
import { formatValue } from "../../validation.js";
import { Box, type BoxDtype, Dict, Discrete, MultiBinary, MultiDiscrete, type Space, Tuple } from "./spaces.js";

/** More elements in one leaf than any space has. */
const maxElements = 2 ** 28;
const maxDepth = 16;

/**
 * Makes a space of its description. Nothing in the description is trusted.
 *
 * @param bounds numbers that the description refers to by their place.
 * @throws BatonError `incompatible`.
 */
export function readSpace(description: unknown, bounds: Float64Array, depth = 0): Space {
  if (!isRecord(description) || depth > maxDepth) throw malformed(description);
  const { type, shape, spaces, dtype } = description;
  if (type === "Dict" && Array.isArray(spaces)) {
    const entries = spaces.map((entry: unknown): [string, Space] => {
      if (!Array.isArray(entry) || typeof entry[0] !== "string") throw malformed(description);
      return [entry[0], readSpace(entry[1], bounds, depth + 1)];
    });
    const keys = entries.map(([key]) => key);
    return new Dict(Object.fromEntries(entries), keys);
  }
  if (type === "Tuple" && Array.isArray(spaces)) return new Tuple(spaces.map((inner) => readSpace(inner, bounds, depth + 1)));
  if (type === "Discrete") {
    const { n, start } = description;
    if (!isCount(n) || n === 0 || !Number.isInteger(start)) throw malformed(description);
    return new Discrete(n, start as number);
  }
  if (!Array.isArray(shape) || !shape.every(isCount) || shape.reduce((a: number, b: number) => a * b, 1) > maxElements) {
    throw malformed(description);
  }
  const size = shape.reduce((a: number, b: number) => a * b, 1);
  const numbers = (value: unknown): number | Float64Array => {
    if (typeof value === "number") return value;
    const offset = isRecord(value) ? value.offset : undefined;
    if (!isCount(offset) || offset + size > bounds.length) throw malformed(description);
    return bounds.subarray(offset, offset + size);
  };
  if (type === "MultiBinary") return new MultiBinary(shape);
  if (type === "MultiDiscrete") return new MultiDiscrete(numbers(description.nvec), shape, numbers(description.start));
  if (type === "Box" && isBoxDtype(dtype)) return new Box(numbers(description.low), numbers(description.high), shape, dtype);
  throw malformed(description);
}

const boxDtypes: readonly BoxDtype[] = [
  ...(["float16", "float32", "float64", "bool", "uint8", "uint16", "uint32", "uint64"] as const),
  ...(["int8", "int16", "int32", "int64"] as const),
];

function isBoxDtype(value: unknown): value is BoxDtype {
  return (boxDtypes as readonly unknown[]).includes(value);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function malformed(description: unknown): BatonError {
  return new BatonError("incompatible", `a host describes a space that is none: ${formatValue(description)}`, {
    hint: "is it a baton_host of this version?",
  });
}
