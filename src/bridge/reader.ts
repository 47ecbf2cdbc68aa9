import { lastEntry } from "./msgpack.js";
import { aligned, type Dtype, decodeMessage, dtypeOf, dtypes, idBytes, type Message, type WireData } from "./protocol.js";

/** Headers that are remembered, and the longest of them: steps and resets have few lengths, and headers of steps are short. */
const mostKnown = 16;
const longestKnown = 16_384;

/** The key "id" and the tag of a number of four bytes. */
const idEnd = Buffer.from([0xa2, 0x69, 0x64, 0xce]);

interface Known {
  /** The length of the header and the header, without the bytes of its id. */
  readonly bytes: Buffer;
  readonly kind: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly arrays: readonly KnownArray[];
  /** Where the last array ends. */
  readonly end: number;
}

/** An array of a known header: its place in the frame, and how many numbers it has. */
export interface KnownArray {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly count: number;
}

/** A message whose header was known; what it holds is only made when somebody asks for it. */
export class KnownMessage implements Message {
  readonly kind: string;
  #fields: Message["fields"] | undefined;
  #arrays: Message["arrays"] | undefined;

  constructor(
    /** The same object for all messages whose headers differ in nothing but the id. */
    readonly layout: Omit<Known, "bytes" | "end">,
    private readonly frame: Uint8Array,
    readonly id: number,
  ) {
    this.kind = layout.kind;
  }

  /** Lists and maps are this message's own, which its reader may change. */
  get fields(): Message["fields"] {
    this.#fields ??= { ...(copyOf(this.layout.fields) as Message["fields"]), id: this.id };
    return this.#fields;
  }

  get arrays(): Message["arrays"] {
    this.#arrays ??= new Map(this.layout.arrays.map((array) => [array.name, { shape: array.shape, data: this.view(array) }]));
    return this.#arrays;
  }

  /** @param array of this message's layout. */
  view({ dtype, offset, count }: KnownArray): WireData {
    return new dtypes[dtype](this.frame.buffer as ArrayBuffer, this.frame.byteOffset + offset, count);
  }
}

/**
 * Reads the messages of one peer like {@link decodeMessage}, whose headers are mostly the one before with another id: such a one
 * is recognised by its bytes instead of being taken apart again. A frame that is too short for its arrays, and whatever else is
 * new, goes the long way, so that nothing is believed that has not been checked.
 */
export class MessageReader {
  readonly #known = new Map<number, Known>();

  /** @throws BatonError as {@link decodeMessage} does. */
  read(frame: Uint8Array): Message {
    const bytes = aligned(frame);
    if (bytes.length < 4) return decodeMessage(bytes);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const length = view.getUint32(0, true);
    const known = this.#known.get(length);
    if (known && known.end <= bytes.length && known.bytes.compare(bytes, 0, known.bytes.length) === 0) {
      return new KnownMessage(known, bytes, view.getUint32(4 + length - idBytes));
    }
    const message = decodeMessage(bytes);
    this.#remember(bytes, length, message);
    return message;
  }

  #remember(bytes: Uint8Array, length: number, { kind, fields, arrays }: Message): void {
    const end = 4 + length - idBytes;
    if (length > longestKnown || !endsWithId(bytes, end)) return;
    if (this.#known.size >= mostKnown && !this.#known.has(length)) this.#known.clear();
    const described = [...arrays].map(([name, { shape, data }]) => ({
      name,
      dtype: dtypeOf(data),
      shape,
      offset: data.byteOffset - bytes.byteOffset,
      count: data.length,
      end: data.byteOffset - bytes.byteOffset + data.byteLength,
    }));
    this.#known.set(length, {
      bytes: Buffer.from(bytes.subarray(0, end)),
      kind,
      fields: copyOf(fields) as Known["fields"],
      arrays: described,
      end: described.reduce((most, array) => Math.max(most, array.end), 4 + length),
    });
  }
}

/** Whether the last entry of a checked header is an id whose number is in the four bytes at `end`. */
function endsWithId(bytes: Uint8Array, end: number): boolean {
  if (end < 4 + idEnd.length || idEnd.compare(bytes, end - idEnd.length, end) !== 0) return false;
  const last = lastEntry(bytes.subarray(4, end + idBytes));
  // The same bytes may be a part of something longer.
  return last?.key === end - 4 - idEnd.length && last.value === end - 4 - 1;
}

function copyOf(value: unknown): unknown {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(copyOf);
  const copy: Record<string, unknown> = {};
  for (const key in value) copy[key] = copyOf((value as Record<string, unknown>)[key]);
  return copy;
}
