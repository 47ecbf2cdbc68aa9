import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BatonError } from "../errors.js";
import { decodeMessage, dtypeOf, encodeMessage, RequestTemplate, type WireArray, type WireData } from "./protocol.js";

// The same vectors as in envs/python/tests/test_protocol.py.
interface Vectors {
  readonly good: readonly {
    readonly file: string;
    readonly kind: string;
    readonly fields: Record<string, unknown>;
    readonly arrays: readonly { name: string; dtype: string; shape: number[]; values: number[] }[];
  }[];
  readonly bad: readonly { readonly file: string; readonly says: string }[];
}

const folder = new URL("../../test/bridge/vectors/", import.meta.url);
const bytesOf = (file: string) => Uint8Array.from(readFileSync(new URL(file, folder)));
const { good, bad } = JSON.parse(readFileSync(new URL("expected.json", folder), "utf8")) as Vectors;

const makers: Record<string, (values: number[]) => WireData> = {
  float32: (values) => Float32Array.from(values),
  float64: (values) => Float64Array.from(values),
  int32: (values) => Int32Array.from(values),
  int64: (values) => BigInt64Array.from(values, BigInt),
  uint8: (values) => Uint8Array.from(values),
};

function errorOf(call: () => unknown): BatonError {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(BatonError);
    return error as BatonError;
  }
  throw new Error("nothing was thrown");
}

describe("RequestTemplate", () => {
  it("writes what encodeMessage would, into frames of their own", () => {
    const shape = [3, 1];
    const template = new RequestTemplate("step", { first: 2 }, "actions", { shape, data: new Int32Array(3) });
    const requests = [1, 255, 65_536, 0xffffffff].map((id) => ({ id, data: Int32Array.of(id % 7, -1, 9) }));
    const written = requests.map(({ id, data }) => template.write(id, data));
    for (const [k, { id, data }] of requests.entries()) {
      expect(Uint8Array.from(written[k]!)).toEqual(encodeMessage("step", { first: 2, id }, { actions: { shape, data } }));
    }
  });
});

describe("shared vectors", () => {
  it.each(good)("$file reads as Python wrote it, and is written alike", ({ file, kind, fields, arrays }) => {
    const bytes = bytesOf(file);
    const message = decodeMessage(bytes);
    expect(message.kind).toBe(kind);
    expect(message.fields).toEqual(fields);
    const expected: [string, WireArray][] = arrays.map((a) => [a.name, { shape: a.shape, data: makers[a.dtype]!(a.values) }]);
    expect([...message.arrays]).toEqual(expected);
    expect(arrays.map(({ name }) => dtypeOf(message.arrays.get(name)!.data))).toEqual(arrays.map(({ dtype }) => dtype));
    expect(encodeMessage(kind, fields, Object.fromEntries(expected))).toEqual(bytes);
  });

  it.each(bad)("$file is refused: $says", ({ file, says }) => {
    const error = errorOf(() => decodeMessage(bytesOf(file)));
    expect(error.code).toBe("incompatible");
    expect(error.message).toContain(says);
  });
});

describe("encodeMessage", () => {
  it("lays out a message as documented, byte for byte", () => {
    const bytes = encodeMessage("step", { id: 1, x: 7 }, { a: { shape: [1], data: Int32Array.of(-2) } });
    const text = (value: string) => [0xa0 | value.length, ...new TextEncoder().encode(value)];
    const arrays = [...text("arrays"), 0x91, 0x94, ...text("a"), ...text("int32"), 0x91, 1, 0];
    const header = [
      0x85,
      ...text("kind"),
      ...text("step"),
      ...text("version"),
      1,
      ...arrays,
      ...text("x"),
      7,
      ...text("id"),
      0xce,
      0,
      0,
      0,
      1,
    ];
    expect([...bytes]).toEqual([
      ...[header.length, 0, 0, 0],
      ...header,
      ...[0], // from 55 to 56 bytes
      ...[0xfe, 0xff, 0xff, 0xff, 0, 0, 0, 0],
    ]);
  });
});

describe("decodeMessage", () => {
  const frame = encodeMessage("step", { id: 1 }, { a: { shape: [2], data: Float64Array.of(1, 2) } });

  it("views the frame without a copy, or copies it once where it is not aligned", () => {
    expect(decodeMessage(frame).arrays.get("a")!.data.buffer).toBe(frame.buffer);
    const shifted = new Uint8Array(frame.length + 3).subarray(3);
    shifted.set(frame);
    const { data } = decodeMessage(shifted).arrays.get("a")!;
    expect(data).toEqual(Float64Array.of(1, 2));
    expect(data.buffer).not.toBe(shifted.buffer);
  });

  it("says which side must be upgraded", () => {
    const older = errorOf(() => decodeMessage(encodeMessage("welcome", { version: 0 })));
    expect(older.message).toBe("the host speaks version 0 of the bridge protocol, this Baton version 1");
    expect(older.hint).toBe("upgrade the host (the Python package baton_host)");
    const newer = errorOf(() => decodeMessage(encodeMessage("welcome", { version: 2 })));
    expect(newer.hint).toBe("upgrade Baton (the npm package baton-rl)");
  });
});
