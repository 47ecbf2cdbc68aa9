import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { encode } from "fast-png";
import jpeg from "jpeg-js";
import { describe, expect, it } from "vitest";
import { folderOf } from "../../../test/folder-of.js";
import { BatonError } from "../../errors.js";
import { openData, recipeSchema } from "../recipe.js";
import { cifar10, mnist, mnistParts, readIdx } from "./archives.js";
import { type Dataset, part, sampleSize } from "./dataset.js";
import { digits } from "./digits.js";
import { imageFolder } from "./images.js";

const sample = (dataset: Dataset, i: number): number[] => {
  const out = new Float32Array(sampleSize(dataset) + 2).fill(9);
  dataset.read(i, out, 1);
  expect([out[0], out.at(-1)]).toEqual([9, 9]);
  return [...out.subarray(1, -1)];
};

describe("drawn digits", () => {
  const options = { seed: 3, samples: 40, size: 20, frames: 4 };

  it("are the same for the same seed, sample by sample, and in [0,1]", () => {
    const [a, b, other] = [digits(options), digits({ ...options, samples: 99 }), digits({ ...options, seed: 4 })];
    for (const i of [0, 7, 39]) {
      expect(sample(a, i)).toEqual(sample(b, i));
      expect(a.label(i)).toBe(b.label(i));
      expect(sample(a, i)).not.toEqual(sample(other, i));
      expect(sample(a, i).every((pixel) => pixel >= 0 && pixel <= 1)).toBe(true);
    }
    expect(new Set(Array.from({ length: 40 }, (_, i) => a.label(i))).size).toBeGreaterThan(7);
  });

  it("move from frame to frame", () => {
    const frame = 20 * 20;
    const centre = (pixels: number[]) => {
      const ink = pixels.map((value) => (value > 0.5 ? 1 : 0));
      return ink.reduce<number>((sum, one, k) => sum + one * (k % 20), 0) / ink.reduce<number>((sum, one) => sum + one, 0);
    };
    const moves = Array.from({ length: 20 }, (_, i) => {
      const pixels = sample(digits(options), i);
      return Math.abs(centre(pixels.slice(0, frame)) - centre(pixels.slice(-frame)));
    });
    expect(Math.max(...moves)).toBeGreaterThan(2);
  });

  it("are taken in parts", () => {
    const all = digits(options);
    const rest = part(all, 30, 10, "rest");
    expect([rest.size, rest.name, rest.label(2)]).toEqual([10, "rest", all.label(32)]);
    expect(sample(rest, 2)).toEqual(sample(all, 32));
  });
});

/** An idx file of bytes. */
function idx(shape: number[], data: number[]): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.writeUInt32BE(0x800 + shape.length);
  for (const [i, size] of shape.entries()) header.writeUInt32BE(size, 4 + 4 * i);
  return Buffer.concat([header, Buffer.from(data)]);
}

describe("MNIST's files", () => {
  const images = idx([2, 2, 3], [0, 51, 102, 153, 204, 255, 1, 2, 3, 4, 5, 6]);
  const labels = idx([2], [7, 3]);
  const files = { "train-images-idx3-ubyte": images, "train-labels-idx1-ubyte": labels };

  it("are read, gzipped or not", () => {
    const zipped = { "train-images-idx3-ubyte.gz": gzipSync(images), "train-labels-idx1-ubyte": labels };
    for (const folder of [folderOf(files), folderOf(zipped)]) {
      const data = mnist(folder, "train");
      expect([data.size, data.height, data.width, data.channels, data.label(0), data.label(1)]).toEqual([2, 2, 3, 1, 7, 3]);
      for (const [k, pixel] of sample(data, 0).entries()) expect(pixel).toBeCloseTo(k / 5, 6);
    }
  });

  it.each<[string, Record<string, Uint8Array>, string]>([
    ["missing", {}, "has no train-images-idx3-ubyte"],
    ["of another kind", { ...files, "train-images-idx3-ubyte": Buffer.from("GIF89a hello, world") }, "begins with 0x47494638"],
    ["cut off", { ...files, "train-images-idx3-ubyte": images.subarray(0, 20) }, "says [2,2,3], but has 4 bytes"],
    ["a few bytes", { ...files, "train-images-idx3-ubyte": images.subarray(0, 5) }, "it has 5 bytes"],
    ["labels of other pictures", { ...files, "train-labels-idx1-ubyte": idx([3], [1, 2, 3]) }, "3 labels for the 2 pictures"],
    ["labels out of range", { ...files, "train-labels-idx1-ubyte": idx([2], [1, 12]) }, "label 1 is 12"],
    [
      "no pictures",
      { ...files, "train-images-idx3-ubyte": idx([0, 2, 3], []), "train-labels-idx1-ubyte": idx([0], []) },
      "0 pictures",
    ],
    ["a torn gzip", { "train-images-idx3-ubyte.gz": gzipSync(images).subarray(0, 15) }, "cannot be read"],
  ])("%s are refused by name", (_, given, why) => {
    const read = () => mnist(folderOf(given), "train");
    expect(read).toThrow(BatonError);
    expect(read).toThrow(why);
  });

  it("of other sizes to train on and to judge by are refused by name", () => {
    const judged = { "t10k-images-idx3-ubyte": idx([1, 3, 2], [1, 2, 3, 4, 5, 6]), "t10k-labels-idx1-ubyte": idx([1], [0]) };
    const folder = folderOf({ ...files, ...judged });
    expect(() => mnistParts(folder)).toThrow(
      `the pictures of ${folder} are 2×3 in train-images-idx3-ubyte, but 3×2 in t10k-images-idx3-ubyte`,
    );
  });

  it("whatever the bytes, an error of ours or an array of that size comes out", () => {
    for (let at = 0; at < images.length; at++) {
      const flipped = Buffer.from(images);
      flipped[at]! ^= 0x81;
      try {
        const { shape, data } = readIdx("f", flipped, 3);
        expect(data.length).toBe(shape.reduce((a, b) => a * b, 1));
      } catch (error) {
        expect(error).toBeInstanceOf(BatonError);
      }
    }
  });
});

describe("CIFAR's files", () => {
  const record = (label: number, red: number, green: number, blue: number) =>
    Buffer.concat([Buffer.from([label]), ...[red, green, blue].map((value) => Buffer.alloc(1024, value))]);

  it("are read as colour pictures", () => {
    const data = cifar10(folderOf({ "test_batch.bin": Buffer.concat([record(3, 255, 0, 51), record(9, 1, 2, 3)]) }), "test");
    expect([data.size, data.label(0), data.label(1)]).toEqual([2, 3, 9]);
    expect(
      sample(data, 0)
        .slice(0, 3)
        .map((x) => Math.round(x * 100) / 100),
    ).toEqual([1, 0, 0.2]);
  });

  it("that are torn or have wrong labels are refused", () => {
    expect(() => cifar10(folderOf({ "test_batch.bin": record(3, 1, 1, 1).subarray(1) }), "test")).toThrow(
      "not whole records of 3073",
    );
    expect(() => cifar10(folderOf({ "test_batch.bin": record(30, 1, 1, 1) }), "test")).toThrow("label of record 0 is 30");
    expect(() => cifar10(folderOf({}), "train")).toThrow("has no data_batch_1.bin");
  });
});

describe("folders of pictures", () => {
  const flat = (width: number, height: number, channels: 1 | 2 | 3 | 4, pixel: number[]) =>
    encode({
      width,
      height,
      channels,
      data: Uint8Array.from({ length: width * height * channels }, (_, i) => pixel[i % channels]!),
    });
  const photo = jpeg.encode({ width: 12, height: 9, data: Buffer.alloc(12 * 9 * 4, 128) }, 90).data;

  it("of all sizes and kinds become squares; folders inside are classes", async () => {
    const folder = folderOf({
      "b/grey.png": flat(8, 8, 1, [102]),
      "b/notes.txt": Buffer.from("no picture"),
      "a/red.png": flat(20, 10, 3, [255, 0, 0]),
      "a/glass.PNG": flat(5, 5, 4, [0, 0, 0, 0]),
      "a/photo.jpg": photo,
    });
    const data = await imageFolder(folder, 8);
    expect([data.size, data.classes]).toEqual([4, 2]);
    expect(Array.from({ length: 4 }, (_, i) => data.label(i))).toEqual([0, 0, 0, 1]);
    const means = Array.from({ length: 4 }, (_, i) =>
      sample(data, i)
        .slice(0, 3)
        .map((x) => Math.round(x * 10) / 10),
    );
    // glass shows the white behind it
    expect(means).toEqual([
      [1, 1, 1],
      [0.5, 0.5, 0.5],
      [1, 0, 0],
      [0.4, 0.4, 0.4],
    ]);
  });

  it("may be links, of files and of folders", async () => {
    const there = folderOf({ "red.png": flat(8, 8, 3, [255, 0, 0]) });
    const folder = folderOf({ "a/blue.png": flat(8, 8, 3, [0, 0, 255]) });
    symlinkSync(join(there, "red.png"), join(folder, "a", "red.png"));
    symlinkSync(there, join(folder, "b"));
    const data = await imageFolder(folder, 8);
    expect(Array.from({ length: data.size }, (_, i) => [data.label(i), ...sample(data, i).slice(0, 3)])).toEqual([
      [0, 0, 0, 1],
      [0, 1, 0, 0],
      [1, 1, 0, 0],
    ]);
    symlinkSync(join(there, "nothing.png"), join(folder, "a", "nothing.png"));
    await expect(imageFolder(folder, 8)).rejects.toThrow("nothing.png");
  });

  it("are shuffled within what is learnt from and what is kept, so that their first samples are of all classes", async () => {
    const names = Array.from({ length: 40 }, (_, i) => `${i < 20 ? "a" : "b"}/${String(i).padStart(2, "0")}.png`);
    const folder = folderOf(Object.fromEntries(names.map((name, i) => [name, flat(8, 8, 1, [6 * i])])));
    const split = (seed: number) => openData(recipeSchema.parse({ seed, data: { kind: "images", folder, size: 8 } }));
    const numbers = ({ size, read }: Dataset) =>
      Array.from({ length: size }, (_, i) => {
        const out = new Float32Array(8 * 8 * 3);
        read(i, out, 0);
        return Math.round((255 * out[0]!) / 6);
      });
    const { train, test } = await split(0);
    const [trained, judged] = [numbers(train), numbers(test)];
    expect([...judged].sort((a, b) => a - b)).toEqual([4, 9, 14, 19, 24, 29, 34, 39]);
    expect(new Set([...trained, ...judged]).size).toBe(40);
    for (const [part, of] of [
      [train, trained],
      [test, judged],
    ] as const) {
      expect(of.map((i) => (i < 20 ? 0 : 1))).toEqual(of.map((_, i) => part.label(i)));
      expect(new Set(of.slice(0, 6).map((i) => i < 20)).size).toBe(2);
    }
    expect(numbers((await split(0)).train)).toEqual(trained);
    expect(numbers((await split(1)).train)).not.toEqual(trained);
  });

  it("too few to keep some of are refused", async () => {
    const folder = folderOf({ "a.png": flat(8, 8, 1, [1]), "b.png": flat(8, 8, 1, [2]) });
    await expect(openData(recipeSchema.parse({ data: { kind: "images", folder } }))).rejects.toThrow(
      "has 2 samples, but at least 5",
    );
  });

  it("without classes have no labels", async () => {
    const data = await imageFolder(folderOf({ "x.png": flat(8, 8, 3, [1, 2, 3]) }), 8);
    expect([data.classes, data.label(0)]).toEqual([0, -1]);
  });

  it.each<[string, Record<string, Uint8Array>, string]>([
    ["an empty folder", {}, "has no pictures"],
    ["a picture beside folders of classes", { "x.png": flat(8, 8, 1, [1]), "a/y.png": flat(8, 8, 1, [1]) }, "holds both"],
    ["a text that is called a picture", { "a.png": Buffer.from("hello") }, "a.png is not a picture that can be read"],
    ["a picture that is cut off", { "b.png": flat(30, 30, 3, [1, 2, 3]).subarray(0, 60) }, "b.png is not a picture"],
    ["a photo that is cut off", { "c.jpg": photo.subarray(0, 30) }, "c.jpg is not a picture"],
  ])("%s is refused by name", async (_, files, why) => {
    const error = await imageFolder(folderOf(files), 8).catch((reason) => reason);
    expect(error).toBeInstanceOf(BatonError);
    expect(error.message).toContain(why);
  });
});
