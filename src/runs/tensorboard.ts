import protobuf from "protobufjs";

/*
 * TensorBoard's event files: Event messages (tensorflow/core/util/event.proto) in TFRecord frames: a 64-bit little-endian length,
 * the length's masked CRC-32C, the message, its masked CRC-32C.
 */

const polynomial = 0x82f63b78; // CRC-32C (Castagnoli), reflected
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? polynomial : 0);
  return crc;
});

/** CRC-32C (RFC 3720, appendix B.4), unsigned. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ table[(crc ^ byte) & 0xff]!;
  return (crc ^ 0xffffffff) >>> 0;
}

/** The checksum as TFRecord stores it: rotated right by 15 bits plus a constant. */
export function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

const eventType = protobuf.Root.fromJSON({
  nested: {
    Event: {
      fields: {
        wallTime: { type: "double", id: 1 },
        step: { type: "int64", id: 2 },
        fileVersion: { type: "string", id: 3 },
        summary: { type: "Summary", id: 5 },
      },
    },
    Summary: { fields: { value: { rule: "repeated", type: "Value", id: 1 } } },
    Value: { fields: { tag: { type: "string", id: 1 }, simpleValue: { type: "float", id: 2 } } },
  },
}).lookupType("Event");

/** The part of TensorBoard's Event that Baton writes. */
export interface EventRecord {
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly step?: number;
  /** First record of each file: "brain.Event:2". */
  readonly fileVersion?: string;
  readonly summary?: { readonly value: readonly { readonly tag: string; readonly simpleValue: number }[] };
}

export const fileVersion = "brain.Event:2";

function frame(message: Uint8Array): Uint8Array {
  const out = Buffer.alloc(message.byteLength + 16);
  out.writeBigUInt64LE(BigInt(message.byteLength), 0);
  out.writeUInt32LE(maskedCrc(out.subarray(0, 8)), 8);
  out.set(message, 12);
  out.writeUInt32LE(maskedCrc(message), 12 + message.byteLength);
  return out;
}

/** One event, framed: append it to the file. */
export function encodeEvent(record: EventRecord): Uint8Array {
  return frame(eventType.encode(eventType.fromObject(record)).finish());
}

/** The events of a file and where each ends, up to the first torn or damaged one. */
export function decodeEvents(file: Buffer): { record: EventRecord; end: number }[] {
  const out: { record: EventRecord; end: number }[] = [];
  let offset = 0;
  while (offset + 16 <= file.byteLength) {
    const length = Number(file.readBigUInt64LE(offset));
    const end = offset + 16 + length;
    if (file.readUInt32LE(offset + 8) !== maskedCrc(file.subarray(offset, offset + 8)) || end > file.byteLength) break;
    const message = file.subarray(offset + 12, end - 4);
    if (file.readUInt32LE(end - 4) !== maskedCrc(message)) break;
    const record = eventType.toObject(eventType.decode(message), { longs: Number }) as EventRecord;
    out.push({ record, end });
    offset = end;
  }
  return out;
}
