import { pack } from "msgpackr";
import { describe, expect, it } from "vitest";
import { checkMsgpack } from "./msgpack.js";

describe("checkMsgpack", () => {
  it("accepts every plain value", () => {
    const long = "x".repeat(70_000);
    const numbers = [0, -1, -33, 200, -200, 40_000, -40_000, 3e9, -2e9, 2 ** 40, 0.1];
    const value = { numbers, texts: ["", "é", "y".repeat(200), "z".repeat(300), long], more: [true, false, null, { a: [] }] };
    expect(() => checkMsgpack(pack(value))).not.toThrow();
    expect(() => checkMsgpack(pack(Array.from({ length: 70_000 }, (_, k) => k)))).not.toThrow();
    expect(() => checkMsgpack(pack({ bytes: new Uint8Array(300) }))).not.toThrow();
  });

  it.each([
    ["nothing", [], "ends in the middle"],
    ["a list that claims four billion values", [0xdd, 0xff, 0xff, 0xff, 0xff], "claims 4294967295 where 0 bytes are left"],
    ["a map that claims more than there is", [0xdf, 0x10, 0, 0, 0, 1, 2], "claims 536870912 where 2 bytes are left"],
    ["a text that claims more than there is", [0xd9, 5, 65], "claims 5 where 1 bytes are left"],
    ["half a length", [0xdd, 0xff], "claims 4 where 1 bytes are left"],
    ["a list without its last value", [0x92, 0x91, 1], "ends in the middle"],
    ["an extension", [0xd4, 1, 1], "type 0xd4"],
    ["bytes after the end", [1, 2], "1 bytes follow its end"],
    ["nests without end", Array(100).fill(0x91), "nested deeper than 16"],
  ])("refuses %s", (_, bytes, says) => {
    expect(() => checkMsgpack(Uint8Array.from(bytes))).toThrow(RangeError);
    expect(() => checkMsgpack(Uint8Array.from(bytes))).toThrow(says);
  });
});
