/**
 * The wire format. `envs/python/baton_host/protocol.py` is the same file in Python, where the kinds of message are listed;
 * `test/bridge/vectors` proves that they agree. A message is one ZeroMQ frame:
 *
 *     [u32 little-endian length of the header][msgpack header][zeros up to a multiple of 8][raw little-endian arrays]
 *
 * The header is a map: `kind`, `version`, `arrays` = [[name, dtype, shape, offset], …] and the fields of that kind. Offsets
 * count from the first byte after the padding, are multiples of 8, and follow each other without gaps but padding. A request's
 * `id` and its answer's come last and always take the same bytes, so that the headers of one step and the next differ in nothing
 * else: `MessageReader` lives on that.
 *
 * @module
 */
import { Packr, Unpackr } from "msgpackr";
import { BatonError } from "../errors.js";
import { checkMsgpack } from "./msgpack.js";

export const PROTOCOL_VERSION = 1;

const maxHeaderBytes = 1 << 20;
const maxArrays = 64;
const maxDimensions = 8;

// Every platform that Node and zeromq are built for is little-endian, so these read and write the wire's bytes as they are.
export const dtypes = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
};

export type Dtype = keyof typeof dtypes;
export type WireData = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;

/** An array with its axes. */
export interface WireArray {
  readonly shape: readonly number[];
  readonly data: WireData;
}

export interface Message {
  readonly kind: string;
  /** The header without kind, version and arrays; nothing in it has been checked. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Views into the frame. */
  readonly arrays: ReadonlyMap<string, WireArray>;
}

const packr = new Packr({ useRecords: false, variableMapSize: true });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });

/** What stands for a number `id` while a header is packed: it takes a tag and four bytes, into which the id is written. */
const anyId = 0xffffffff;
/** Bytes of an id after its tag. */
export const idBytes = 4;

/** One frame; each array is copied once, into it. */
export function encodeMessage(
  kind: string,
  fields: Readonly<Record<string, unknown>>,
  arrays: Readonly<Record<string, WireArray>> = {},
): Uint8Array {
  let size = 0;
  const described = Object.entries(arrays).map(([name, { shape, data }]) => {
    const offset = size;
    size += padded(data.byteLength);
    return [name, dtypeOf(data), shape, offset];
  });
  const { id } = fields;
  const entries: Record<string, unknown> = { kind, version: PROTOCOL_VERSION, arrays: described };
  for (const name in fields) if (name !== "id" || typeof id !== "number") entries[name] = fields[name];
  if (typeof id === "number") entries.id = anyId;
  const header = packr.pack(entries);
  const start = padded(4 + header.length);
  const frame = new Uint8Array(start + size);
  const view = new DataView(frame.buffer);
  view.setUint32(0, header.length, true);
  frame.set(header, 4);
  if (typeof id === "number") view.setUint32(4 + header.length - idBytes, id);
  let offset = start;
  for (const { data } of Object.values(arrays)) {
    frame.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += padded(data.byteLength);
  }
  return frame;
}

/** A request that is made again and again, with another id and other numbers in its one array. */
export class RequestTemplate {
  readonly #frame: Uint8Array;
  readonly #idAt: number;
  readonly #dataAt: number;

  constructor(
    readonly kind: string,
    fields: Readonly<Record<string, unknown>>,
    name: string,
    array: WireArray,
  ) {
    this.#frame = encodeMessage(kind, { ...fields, id: 0 }, { [name]: array });
    const header = new DataView(this.#frame.buffer).getUint32(0, true);
    this.#idAt = 4 + header - idBytes;
    this.#dataAt = padded(4 + header);
  }

  /** @param data as long as the array that this was made with. */
  write(id: number, data: WireData): Uint8Array {
    const frame = Buffer.allocUnsafe(this.#frame.length);
    frame.set(this.#frame);
    const at = this.#idAt;
    frame[at] = id >>> 24;
    frame[at + 1] = id >>> 16;
    frame[at + 2] = id >>> 8;
    frame[at + 3] = id;
    frame.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), this.#dataAt);
    return frame;
  }
}

/**
 * Reads one frame. Every length and shape is checked before anything is made of it; arrays are views, not copies.
 *
 * @throws BatonError `incompatible` for another version of the protocol and for bytes that are no message.
 */
export function decodeMessage(frame: Uint8Array): Message {
  const bytes = aligned(frame);
  if (bytes.length < 4) throw garbage(`${bytes.length} bytes are too few for a message`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  if (length > maxHeaderBytes || length > bytes.length - 4) throw garbage(`its header claims ${length} of ${bytes.length} bytes`);
  const { kind, version, arrays: described, ...fields } = readHeader(bytes.subarray(4, 4 + length));
  if (typeof kind !== "string" || !isCount(version)) throw garbage("its header has no kind and version");
  if (version !== PROTOCOL_VERSION) throw otherVersion(version);
  if (!Array.isArray(described) || described.length > maxArrays) throw garbage("its header has no list of arrays");
  const start = padded(4 + length);
  const arrays = new Map<string, WireArray>();
  for (const entry of described) {
    const [name, array] = readArray(bytes, start, entry);
    if (arrays.has(name)) throw garbage(`it has two arrays "${name}"`);
    arrays.set(name, array);
  }
  return { kind, fields, arrays };
}

/** The name of an array's element type on the wire. */
export function dtypeOf(data: WireData): Dtype {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Float64Array) return "float64";
  if (data instanceof Int32Array) return "int32";
  return data instanceof BigInt64Array ? "int64" : "uint8";
}

/** Views need an aligned start. ZeroMQ's frames have one; anything else is copied once. */
export function aligned(frame: Uint8Array): Uint8Array {
  return frame.byteOffset % 8 === 0 ? frame : new Uint8Array(frame);
}

function readHeader(bytes: Uint8Array): Record<string, unknown> {
  let header: unknown;
  try {
    checkMsgpack(bytes);
    header = unpackr.unpack(bytes);
  } catch (error) {
    throw garbage(`its header is not msgpack (${error instanceof Error ? error.message : String(error)})`);
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) throw garbage("its header is no map");
  return header as Record<string, unknown>;
}

function readArray(bytes: Uint8Array, start: number, entry: unknown): [name: string, array: WireArray] {
  if (!Array.isArray(entry) || entry.length !== 4 || typeof entry[0] !== "string") {
    throw garbage("an array is not described by name, dtype, shape and offset");
  }
  const [name, dtype, shape, offset] = entry as [string, unknown, unknown, unknown];
  if (typeof dtype !== "string" || !Object.hasOwn(dtypes, dtype)) {
    throw garbage(`array "${name}" has the unknown dtype ${shorten(dtype)}`);
  }
  if (!Array.isArray(shape) || shape.length > maxDimensions || !shape.every(isCount)) {
    throw garbage(`array "${name}" has the impossible shape ${shorten(shape)}`);
  }
  const View = dtypes[dtype as Dtype];
  // At most 8 factors below 2³²: no overflow, and too large a product is never equal to a small one.
  const count = shape.reduce((product: number, size) => product * size, 1);
  const room = bytes.length - start;
  if (!isCount(offset) || offset % 8 !== 0 || offset + count * View.BYTES_PER_ELEMENT > room) {
    throw garbage(`array "${name}" [${shape}] at ${shorten(offset)} does not fit into ${Math.max(0, room)} bytes`);
  }
  return [name, { shape, data: new View(bytes.buffer as ArrayBuffer, bytes.byteOffset + start + offset, count) }];
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 0xffffffff;
}

function padded(size: number): number {
  return Math.ceil(size / 8) * 8;
}

function shorten(value: unknown): string {
  return String(JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? String(inner) : inner))).slice(0, 80);
}

function garbage(why: string): BatonError {
  return new BatonError("incompatible", `a peer sent something that is no bridge message: ${why}`, {
    hint: "is it a baton_host of this version?",
  });
}

function otherVersion(theirs: number): BatonError {
  const behind = theirs < PROTOCOL_VERSION ? "the host (the Python package baton_host)" : "Baton (the npm package baton-rl)";
  return new BatonError(
    "incompatible",
    `the host speaks version ${theirs} of the bridge protocol, this Baton version ${PROTOCOL_VERSION}`,
    { hint: `upgrade ${behind}` },
  );
}
