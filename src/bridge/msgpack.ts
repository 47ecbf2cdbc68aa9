/**
 * Looks over msgpack bytes before they are unpacked: unpackers allocate what a length claims, so each claim must be covered by
 * bytes that are really there.
 *
 * @module
 */

/** The header's own map, a list in it, a list or map in that, …: more than any message has. */
const maxDepth = 16;

/** Bytes after the tag of each kind of scalar; tags that are not here are handled by their own rules or refused. */
const scalarSizes = new Map([
  [0xc0, 0], // nil
  [0xc2, 0], // false
  [0xc3, 0], // true
  [0xca, 4], // float32
  [0xcb, 8], // float64
  [0xcc, 1],
  [0xcd, 2],
  [0xce, 4],
  [0xcf, 8], // uint8 … uint64
  [0xd0, 1],
  [0xd1, 2],
  [0xd2, 4],
  [0xd3, 8], // int8 … int64
]);

/** Tags of byte strings, texts, lists and maps with a written length: how long that is, and how many bytes or values one counts. */
const sizedTags = new Map<number, { readonly digits: number; readonly unit: "bytes" | "values" | "pairs" }>([
  [0xc4, { digits: 1, unit: "bytes" }],
  [0xc5, { digits: 2, unit: "bytes" }],
  [0xc6, { digits: 4, unit: "bytes" }],
  [0xd9, { digits: 1, unit: "bytes" }],
  [0xda, { digits: 2, unit: "bytes" }],
  [0xdb, { digits: 4, unit: "bytes" }],
  [0xdc, { digits: 2, unit: "values" }],
  [0xdd, { digits: 4, unit: "values" }],
  [0xde, { digits: 2, unit: "pairs" }],
  [0xdf, { digits: 4, unit: "pairs" }],
]);

/**
 * Checks that `bytes` are exactly one msgpack value of the plain kinds (no extension types) whose every length fits.
 *
 * @throws RangeError that says what does not.
 */
export function checkMsgpack(bytes: Uint8Array): void {
  const end = walk(bytes, 0, 0);
  if (end !== bytes.length) throw new RangeError(`${bytes.length - end} bytes follow its end`);
}

/**
 * Where the last key of checked `bytes` begins, and its value; undefined for anything but a small map with something in it.
 */
export function lastEntry(bytes: Uint8Array): { readonly key: number; readonly value: number } | undefined {
  const pairs = (bytes[0] ?? 0) - 0x80;
  if (pairs < 1 || pairs > 15) return undefined;
  let key = 1;
  for (let k = 1; k < pairs; k++) key = walk(bytes, walk(bytes, key, 1), 1);
  return { key, value: walk(bytes, key, 1) };
}

/** Returns where the value that begins at `at` ends. */
function walk(bytes: Uint8Array, at: number, depth: number): number {
  const tag = bytes[at];
  if (tag === undefined) throw new RangeError("it ends in the middle");
  if (depth > maxDepth) throw new RangeError(`it is nested deeper than ${maxDepth}`);
  if (tag < 0x80 || tag >= 0xe0) return at + 1; // small integers
  if (tag < 0x90) return walkValues(bytes, at + 1, 2 * (tag & 0x0f), depth);
  if (tag < 0xa0) return walkValues(bytes, at + 1, tag & 0x0f, depth);
  if (tag < 0xc0) return skip(bytes, at + 1, tag & 0x1f);
  const scalar = scalarSizes.get(tag);
  if (scalar !== undefined) return skip(bytes, at + 1, scalar);
  const sized = sizedTags.get(tag);
  if (!sized) throw new RangeError(`it has the type 0x${tag.toString(16)}, which no message uses`);
  const start = skip(bytes, at + 1, sized.digits);
  let length = 0;
  for (let k = at + 1; k < start; k++) length = length * 256 + bytes[k]!;
  if (sized.unit === "bytes") return skip(bytes, start, length);
  return walkValues(bytes, start, sized.unit === "pairs" ? 2 * length : length, depth);
}

function walkValues(bytes: Uint8Array, start: number, count: number, depth: number): number {
  // Each value takes a byte at least.
  let at = start;
  skip(bytes, at, count);
  for (let k = 0; k < count; k++) at = walk(bytes, at, depth + 1);
  return at;
}

function skip(bytes: Uint8Array, at: number, length: number): number {
  if (length > bytes.length - at) throw new RangeError(`it claims ${length} where ${bytes.length - at} bytes are left`);
  return at + length;
}
