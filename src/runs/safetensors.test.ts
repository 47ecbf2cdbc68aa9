import { describe, expect, test } from "vitest";
import { BatonError } from "../errors.js";
import { RandomStream } from "../tensor/random.js";
import { HostArray, leavesOf } from "../tensor/tree.js";
import { decodeSafetensors, encodeSafetensors, matchTree, nest } from "./safetensors.js";

const tree = {
  online: {
    w: HostArray.float32(Float32Array.of(1.5, -0, Number.NaN, Number.POSITIVE_INFINITY, 1e-45, 3), 2, 3),
    b: HostArray.scalar(7),
  },
  step: HostArray.int32(Int32Array.of(-(2 ** 31), 2 ** 31 - 1), 2),
  mask: HostArray.bool(Uint8Array.of(1, 0, 1), 3),
  empty: HostArray.float32(new Float32Array(0), 0, 4),
};

const file = Buffer.concat(encodeSafetensors(tree, { note: "ä" }));

/** A file with this header and this many zero bytes of data. */
function made(header: unknown, data = 0): Buffer {
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(data)]);
}

describe("safetensors", () => {
  test("comes back bit for bit, in the same order", () => {
    const back = nest(decodeSafetensors(file, "f"), "f");
    expect(leavesOf(back).map(({ path }) => path)).toEqual(["online/w", "online/b", "step", "mask", "empty"]);
    const matched = matchTree(tree, back, "checkpoint");
    for (const [i, { leaf, path }] of leavesOf(tree).entries()) {
      const found = leavesOf(matched)[i]!.leaf;
      expect(found.shape, path).toEqual(leaf.shape);
      expect(found.dtype).toBe(leaf.dtype);
      expect(Buffer.from(found.data.buffer).equals(Buffer.from(leaf.data.buffer)), path).toBe(true);
    }
  });

  test("is laid out as the format says", () => {
    const length = Number(file.readBigUInt64LE());
    expect(length % 8).toBe(0);
    const header = JSON.parse(file.toString("utf8", 8, 8 + length));
    expect(header).toEqual({
      __metadata__: { note: "ä" },
      "online/w": { dtype: "F32", shape: [2, 3], data_offsets: [0, 24] },
      "online/b": { dtype: "F32", shape: [], data_offsets: [24, 28] },
      step: { dtype: "I32", shape: [2], data_offsets: [28, 36] },
      mask: { dtype: "BOOL", shape: [3], data_offsets: [36, 39] },
      empty: { dtype: "F32", shape: [0, 4], data_offsets: [39, 39] },
    });
    expect(file.byteLength).toBe(8 + length + 39);
  });

  test("reads what other writers write: any order, U8", () => {
    const other = made(
      { b: { dtype: "U8", shape: [2], data_offsets: [4, 6] }, a: { dtype: "F32", shape: [1], data_offsets: [0, 4] } },
      6,
    );
    expect([...decodeSafetensors(other, "f").keys()]).toEqual(["a", "b"]);
    const none = made(
      { a: { dtype: "F32", shape: [1], data_offsets: [0, 4] }, b: { dtype: "F32", shape: [0], data_offsets: [0, 0] } },
      4,
    );
    expect([...decodeSafetensors(none, "f").keys()]).toEqual(["b", "a"]);
  });

  test("every shortened file is refused", () => {
    for (let size = 0; size < file.byteLength; size++) {
      expect(() => decodeSafetensors(file.subarray(0, size), "f"), `${size} bytes`).toThrow(BatonError);
    }
  });

  test("a flipped byte never causes anything but a BatonError or other values", () => {
    for (let i = 0; i < file.byteLength; i++) {
      const flipped = Buffer.from(file);
      flipped[i]! ^= 0x15;
      try {
        nest(decodeSafetensors(flipped, "f"), "f");
      } catch (error) {
        expect(error, `byte ${i}`).toBeInstanceOf(BatonError);
      }
    }
  });

  test("whatever a header says, a BatonError or arrays that fit in the file come out", () => {
    const rng = RandomStream.from(5, "hostile headers");
    const pick = <T>(choices: readonly T[]): T => choices[rng.integer(choices.length)]!;
    const odd: unknown[] = [
      null,
      true,
      -1,
      0.5,
      1e308,
      2 ** 53,
      2 ** 31,
      "F32",
      "x".repeat(200),
      [],
      {},
      [[]],
      Array(50).fill(1),
    ];
    const number = () => pick<unknown>([0, 1, 2, 4, 8, 12, 16, ...odd]);
    const shape = () => pick<unknown>([[], [1], [2, 2], [0], [number()], [number(), number()], ...odd]);
    const entry = () => ({
      dtype: pick<unknown>(["F32", "I32", "BOOL", "U8", "F64", "constructor", ...odd]),
      shape: shape(),
      data_offsets: pick<unknown>([[0, 4], [4, 8], [0, 16], [0, 0], [number(), number()], ...odd]),
    });
    const name = () => pick(["a", "b", "a/b", "__metadata__", "__proto__", "constructor/prototype", "", "/", "a/".repeat(9000)]);
    const came = { whole: 0, refused: 0 };
    for (let i = 0; i < 20_000; i++) {
      const header = Object.fromEntries(
        Array.from({ length: 1 + rng.integer(3) }, () => [name(), pick([entry, entry, number])()]),
      );
      const bytes = made(header, pick([0, 4, 8, 16]));
      try {
        const leaves = leavesOf(nest(decodeSafetensors(bytes, "f"), "f"));
        expect(leaves.reduce((sum, { leaf }) => sum + leaf.data.byteLength, 0)).toBeLessThanOrEqual(bytes.byteLength);
        came.whole += 1;
      } catch (error) {
        expect(error).toBeInstanceOf(BatonError);
        expect((error as Error).message.length).toBeLessThan(400);
        came.refused += 1;
      }
    }
    expect(came.whole).toBeGreaterThan(100);
    expect(came.refused).toBeGreaterThan(1000);
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  });

  test("a header nested deeper than the stack, and a million axes, are refused", () => {
    const deep = "[".repeat(200_000);
    expect(() => decodeSafetensors(made(`{"a":${deep}`), "f")).toThrow(BatonError);
    const axes = { a: { dtype: "F32", shape: new Array(1_000_000).fill(1), data_offsets: [0, 4] } };
    expect(() => decodeSafetensors(made(axes, 4), "f")).toThrow(BatonError);
  });

  const f32 = { dtype: "F32", shape: [1], data_offsets: [0, 4] };
  test.each<[string, Buffer, string]>([
    ["not JSON", made("{"), "not JSON"],
    ["not an object", made([1]), "not an object"],
    ["unknown dtype", made({ a: { ...f32, dtype: "F16" } }, 4), 'dtype "F16"'],
    ["inherited dtype", made({ a: { ...f32, dtype: "toString" } }, 4), 'dtype "toString"'],
    ["bad shape", made({ a: { ...f32, shape: [-1] } }, 4), "shape [-1]"],
    ["bad offsets", made({ a: { ...f32, data_offsets: [0] } }, 4), "data_offsets [0]"],
    ["size and shape disagree", made({ a: { ...f32, shape: [2] } }, 4), "cannot have 4 bytes"],
    ["a hole", made({ a: { ...f32, data_offsets: [4, 8] } }, 8), "begin at 4 instead of 0"],
    ["overlap", made({ a: f32, b: f32 }, 4), "begin at 0 instead of 4"],
    ["data missing", made({ a: f32 }, 3), 'ends within "a"'],
    ["data left over", made({ a: f32 }, 5), "1 bytes after"],
    ["huge header", Buffer.concat([Buffer.alloc(8, 0xff), Buffer.alloc(50)]), "its header would have"],
    ["array below an array", made({ a: f32, "a/b": { ...f32, data_offsets: [4, 8] } }, 8), 'called "a/b"'],
    ["a dangerous name", made('{"__proto__/x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4), "__proto__/x"],
  ])("refuses %s", (_, bytes, why) => {
    expect(() => nest(decodeSafetensors(bytes, "some/file"), "some/file")).toThrow(why);
  });

  test("matchTree names what differs", () => {
    const { mask, ...less } = tree;
    expect(() => matchTree(tree, less, "it")).toThrow('it lacks "mask"');
    expect(() => matchTree(less, tree, "it")).toThrow('has "mask"');
    expect(() => matchTree({ mask: HostArray.bool(new Uint8Array(4), 4) }, { mask }, "it")).toThrow(
      '"mask" is bool [3] instead of bool [4]',
    );
  });
});
