import { readdirSync, readFileSync } from "node:fs";
import { pack } from "msgpackr";
import { describe, expect, it } from "vitest";
import { decodeMessage, encodeMessage, type Message } from "./protocol.js";
import { MessageReader } from "./reader.js";

const timestep = (id: number, infos: Record<string, unknown>[], ...numbers: number[]) =>
  encodeMessage("timestep", { id, infos }, { reward: { shape: [numbers.length], data: Float32Array.from(numbers) } });

/** A message whose header is these bytes, without arrays. */
function framed(header: Record<string, unknown>): Uint8Array {
  const packed = pack({ version: 1, arrays: [], ...header });
  const frame = new Uint8Array(8 * Math.ceil((4 + packed.length) / 8));
  new DataView(frame.buffer).setUint32(0, packed.length, true);
  frame.set(packed, 4);
  return frame;
}

/** With all that is only made when somebody asks. */
function read(reader: MessageReader, frame: Uint8Array): Message {
  const { kind, fields, arrays } = reader.read(frame);
  return { kind, fields, arrays };
}

describe("MessageReader", () => {
  it("tells like messages apart", () => {
    const reader = new MessageReader();
    for (const [id, numbers] of [
      [1, [5, 6]],
      [2, [7, 8]],
      [70_000, [9, 1]],
      [0xffffffff, [0, 3]],
    ] as const) {
      for (const infos of [
        [{}, {}],
        [{ won: true }, {}],
        [{ won: false }, {}],
      ]) {
        const message = reader.read(timestep(id, infos, ...numbers));
        expect(message).toMatchObject({ kind: "timestep", fields: { id, infos } });
        expect(message.arrays.get("reward")).toEqual({ shape: [2], data: Float32Array.from(numbers) });
      }
    }
  });

  it("makes views into the frame that it reads", () => {
    const reader = new MessageReader();
    for (const id of [1, 2]) {
      const frame = timestep(id, [], 1);
      expect(reader.read(frame).arrays.get("reward")!.data.buffer).toBe(frame.buffer);
    }
  });

  it("refuses a known header without its array", () => {
    const reader = new MessageReader();
    reader.read(timestep(1, [], 1, 2, 3));
    const frame = timestep(2, [], 1, 2, 3);
    expect(() => reader.read(frame.slice(0, -8))).toThrow(/does not fit into/);
    expect(() => reader.read(frame.slice(0, 20))).toThrow(/its header claims/);
  });

  it("gives each message lists and maps of its own", () => {
    const reader = new MessageReader();
    for (const id of [1, 2, 3]) {
      const infos = reader.read(timestep(id, [{}, { lives: 3 }])).fields.infos as Record<string, unknown>[];
      expect(infos).toEqual([{}, { lives: 3 }]);
      infos[0]!.seen = true;
    }
  });

  // What looks like an id at the end: texts and names that end in its bytes.
  it.each([
    ["a text", (id: number) => ({ kind: "hello", id, who: Buffer.from(`\xa2id\xce${bigEndian(id)}`, "latin1") })],
    ["a kind", (id: number) => ({ id, kind: `x\xa2id${bigEndian(id)}` })],
    ["another name", (id: number) => ({ kind: "hello", id, "\u00a2id": id })],
    ["an index", (id: number) => ({ kind: "hello", id, 5: Buffer.from(`\xa2id\xce${bigEndian(id)}`, "latin1") })],
  ])("takes %s that ends like an id for what it is", (_, header) => {
    const reader = new MessageReader();
    for (const id of [0x41424344, 0x45464748, 0x41424348]) {
      const frame = framed(header(id));
      expect(read(reader, frame)).toEqual(decodeMessage(frame));
    }
  });

  it("reads every vector the second time as the first time", () => {
    const folder = new URL("../../test/bridge/vectors/", import.meta.url);
    const reader = new MessageReader();
    for (const file of readdirSync(folder).filter((name) => name.endsWith(".bin") && !name.startsWith("bad-"))) {
      const bytes = Uint8Array.from(readFileSync(new URL(file, folder)));
      expect(read(reader, bytes)).toEqual(decodeMessage(bytes));
      expect(read(reader, bytes)).toEqual(decodeMessage(bytes));
    }
  });
});

function bigEndian(id: number): string {
  return Buffer.from([id >>> 24, (id >>> 16) & 255, (id >>> 8) & 255, id & 255]).toString("latin1");
}
