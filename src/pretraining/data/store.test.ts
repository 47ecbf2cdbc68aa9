import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { encode } from "fast-png";
import { afterEach, describe, expect, it, vi } from "vitest";
import { folderOf } from "../../../test/folder-of.js";
import { BatonError } from "../../errors.js";
import { RandomStream } from "../../tensor/random.js";
import { type Dataset, sampleSize } from "./dataset.js";
import { imageFolder } from "./images.js";
import { Reading } from "./reading.js";
import { ByteStore } from "./store.js";
import { videoFolder } from "./videos.js";

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** Bytes of record `i`, unlike any other's. */
function bytesOf(i: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length).fill(i * 31);
  for (const at of [0, length - 2]) bytes.set([i & 255, i >> 8], at);
  return bytes;
}

function filled(count: number, length: number, memory?: number): ByteStore {
  const store = new ByteStore(length, memory);
  for (let i = 0; i < count; i++) store.append((out, offset) => out.set(bytesOf(i, length), offset));
  return store;
}

describe("a store of samples", () => {
  // 5000 records of 3000 bytes are 3.6 blocks of what is written at once
  it.each([
    ["in memory", 5000, undefined, 0],
    ["beyond the memory", 5000, 4_000_000, 1],
    ["that holds nothing in memory", 5000, 0, 1],
    ["of less than a block beyond the memory", 100, 30_000, 0],
  ])("%s gives back each record, in any order, and leaves no file behind", (_, count, memory, files) => {
    const place = folderOf({});
    vi.stubEnv("TMPDIR", place);
    const opened = vi.spyOn(FinalizationRegistry.prototype, "register");
    const store = filled(count, 3000, memory);
    expect([store.size, opened.mock.calls.length, readdirSync(place)]).toEqual([count, files, []]);
    const order = new Int32Array(count);
    RandomStream.from(1, "order").permutation(order, 0, count);
    const wrong = [...order].filter((i) => Buffer.compare(store.record(i), bytesOf(i, 3000)) !== 0);
    expect(wrong).toEqual([]);
    expect(() => store.record(count)).toThrow(RangeError);
    expect(() => store.record(-1)).toThrow(RangeError);
  });

  it("goes on taking records after some were read", () => {
    const store = filled(3, 3 * 2 ** 20, 0);
    expect(Buffer.compare(store.record(2), bytesOf(2, 3 * 2 ** 20))).toBe(0);
    store.append((out, offset) => out.set(bytesOf(3, 3 * 2 ** 20), offset));
    for (const i of [3, 0, 2, 1]) expect(Buffer.compare(store.record(i), bytesOf(i, 3 * 2 ** 20))).toBe(0);
  });

  it("says where there is no room", () => {
    const place = join(folderOf({}), "nothing", "here");
    vi.stubEnv("TMPDIR", place);
    const fill = () => filled(2, 5 * 2 ** 20, 0);
    expect(fill).toThrow(BatonError);
    expect(fill).toThrow(`no room for decoded samples in ${place}`);
    expect(existsSync(place)).toBe(false);
  });
});

describe("folders that do not fit in memory", () => {
  const pixels = (i: number) => Uint8Array.from({ length: 9 * 9 * 3 }, (_, k) => i * 31 + k * 7);
  const picture = (i: number) => encode({ width: 9, height: 9, channels: 3, data: pixels(i) });
  const all = (data: Dataset) =>
    Array.from({ length: data.size }, (_, i) => {
      const out = new Float32Array(sampleSize(data));
      data.read(data.size - 1 - i, out, 0);
      return [data.label(i), ...out];
    });

  it.each([0, 8 * 8 * 3 * 5])("are the same pictures with %i bytes of it", async (memory) => {
    const folder = folderOf(Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`${i % 2}/${i}.png`, picture(i)])));
    expect(all(await imageFolder(folder, 8, { memory }))).toEqual(all(await imageFolder(folder, 8)));
  });

  it("are the same clips", async () => {
    const folder = folderOf(Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`${i % 2}/${i}.png`, picture(i)])));
    const options = { size: 8, frames: 2, stride: 2 };
    const clips = all(await videoFolder(folder, options));
    expect(clips.length).toBe(2);
    expect(all(await videoFolder(folder, options, { memory: 8 * 8 * 3 * 3 }))).toEqual(clips);
  });

  it("can be stopped while they are read", async () => {
    const folder = folderOf({ "a.png": picture(1), "b.png": picture(2) });
    let now = 0;
    vi.spyOn(performance, "now").mockImplementation(() => {
      now += 1000;
      return now;
    });
    await expect(imageFolder(folder, 8, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "cancelled",
      message: `stopped while reading ${folder} (1 of 2 pictures)`,
    });
  });
});

describe("reading many files", () => {
  it("is told every five seconds, and lets others run", async () => {
    let now = 0;
    vi.spyOn(performance, "now").mockImplementation(() => now);
    const told: number[] = [];
    const others = vi.fn();
    const reading = new Reading("here", 100, "pictures", { onRead: (read) => told.push(read) });
    for (let i = 1; i <= 100; i++) {
      setImmediate(others);
      now += 200;
      await reading.next();
      expect(others).toHaveBeenCalledTimes(i);
    }
    expect(told).toEqual([25, 50, 75, 100]);
  });
});
