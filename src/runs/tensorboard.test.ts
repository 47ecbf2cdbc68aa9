import { expect, test } from "vitest";
import { crc32c, decodeEvents, encodeEvent, fileVersion, maskedCrc } from "./tensorboard.js";

test("CRC-32C gives the published values (RFC 3720, B.4)", () => {
  expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
  expect(crc32c(new Uint8Array(0))).toBe(0);
});

test("masking rotates by 15 bits and adds a constant", () => {
  const crc = 0xe3069283;
  const rotated = Number(((BigInt(crc) >> 15n) | (BigInt(crc) << 17n)) & 0xffffffffn);
  expect(maskedCrc(Buffer.from("123456789"))).toBe((rotated + 0xa282ead8) % 2 ** 32);
});

test("an event is the bytes that protobuf and TFRecord prescribe", () => {
  const bytes = Buffer.from(encodeEvent({ wallTime: 1.5, fileVersion }));
  const message = Buffer.concat([
    Buffer.from([0x09, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f]), // field 1, double 1.5
    Buffer.from([0x1a, 13]), // field 3, 13 bytes
    Buffer.from("brain.Event:2"),
  ]);
  expect(Number(bytes.readBigUInt64LE(0))).toBe(message.length);
  expect(bytes.readUInt32LE(8)).toBe(maskedCrc(bytes.subarray(0, 8)));
  expect(bytes.subarray(12, -4)).toEqual(message);
  expect(bytes.readUInt32LE(bytes.length - 4)).toBe(maskedCrc(message));

  const scalar = Buffer.from(encodeEvent({ wallTime: 0, step: 300, summary: { value: [{ tag: "loss", simpleValue: 0.5 }] } }));
  const value = [0x0a, 4, ...Buffer.from("loss"), 0x15, 0, 0, 0, 0x3f]; // tag, then float 0.5
  const summary = [0x0a, value.length, ...value];
  expect([...scalar.subarray(12, -4)].slice(-summary.length - 5)).toEqual([0x10, 0xac, 0x02, 0x2a, summary.length, ...summary]);
});

test("reading stops at the first torn or damaged record", () => {
  const events = [0, 1, 2].map((step) =>
    encodeEvent({ wallTime: step, step, summary: { value: [{ tag: "x", simpleValue: step }] } }),
  );
  const file = Buffer.concat(events);
  const ends = decodeEvents(file).map(({ end }) => end);
  expect(ends).toEqual([events[0]!.length, events[0]!.length + events[1]!.length, file.length]);
  for (let i = 0; i < file.length; i++) {
    const whole = ends.filter((end) => end <= i).length;
    expect(decodeEvents(file.subarray(0, i)), `cut at ${i}`).toHaveLength(whole);
    const flipped = Buffer.from(file);
    flipped[i]! ^= 0x40;
    expect(decodeEvents(flipped), `flipped at ${i}`).toHaveLength(whole);
  }
});
