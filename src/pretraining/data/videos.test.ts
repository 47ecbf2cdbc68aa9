import { encode } from "fast-png";
import { GifWriter } from "omggif";
import { describe, expect, it } from "vitest";
import { folderOf } from "../../../test/folder-of.js";
import { BatonError } from "../../errors.js";
import type { Dataset } from "./dataset.js";
import { videoFolder } from "./videos.js";

const flat = (grey: number, width = 10, height = 8) =>
  encode({ width, height, channels: 1, data: new Uint8Array(width * height).fill(grey) });

/** A clip of frames of these greys. */
const clip = (name: string, greys: readonly number[]): Record<string, Uint8Array> =>
  Object.fromEntries(greys.map((grey, k) => [`${name}/${String(k).padStart(3, "0")}.png`, flat(grey)]));

/** The grey of each frame of a sample. */
function greysOf(data: Dataset, i: number): number[] {
  const length = data.height * data.width * 3;
  const out = new Float32Array(data.frames * length + 2).fill(9);
  data.read(i, out, 1);
  expect([out[0], out.at(-1)]).toEqual([9, 9]);
  return Array.from({ length: data.frames }, (_, t) => Math.round(255 * out[1 + t * length]!));
}

/** 4×4, white: a black square in a corner that moves, each frame only the part that changes. */
function gif(disposal: number): Uint8Array {
  const bytes = new Uint8Array(2000);
  const writer = new GifWriter(bytes, 4, 4, { palette: [0xffffff, 0x000000] });
  writer.addFrame(0, 0, 4, 4, new Array(16).fill(0), { disposal: 1 });
  writer.addFrame(0, 0, 2, 2, new Array(4).fill(1), { disposal });
  writer.addFrame(2, 2, 2, 2, new Array(4).fill(1), { disposal });
  return bytes.slice(0, writer.end());
}

const options = { size: 4, frames: 2, stride: 1 };

describe("folders of clips", () => {
  it("are cut into samples that do not overlap, frame by frame in the order of names", async () => {
    const folder = folderOf({ ...clip("b", [10, 20, 30, 40, 50]), ...clip("a", [1, 2]), "notes.txt": Buffer.from("no clip") });
    const data = await videoFolder(folder, options);
    expect([data.size, data.frames, data.height, data.channels, data.classes, data.label(0)]).toEqual([3, 2, 4, 3, 0, -1]);
    expect([0, 1, 2].map((i) => greysOf(data, i))).toEqual([
      [1, 2],
      [10, 20],
      [30, 40],
    ]);
  });

  it("take every stride-th frame", async () => {
    const data = await videoFolder(folderOf(clip("a", [1, 2, 3, 4, 5, 6, 7, 8])), { ...options, stride: 3 });
    expect([data.size, ...greysOf(data, 0)]).toEqual([1, 1, 4]);
    const longer = await videoFolder(folderOf(clip("a", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])), { ...options, stride: 3 });
    expect([longer.size, ...greysOf(longer, 1)]).toEqual([2, 7, 10]);
  });

  it("have the folders above as classes", async () => {
    const data = await videoFolder(
      folderOf({ ...clip("walk/x", [1, 2]), ...clip("run/y", [3, 4]), ...clip("run/z", [5, 6]) }),
      options,
    );
    expect([data.classes, ...[0, 1, 2].map((i) => data.label(i))]).toEqual([2, 0, 0, 1]);
    expect(greysOf(data, 2)).toEqual([1, 2]);
  });

  it.each([
    ["kept", 1, [0, 0, 255, 0]],
    ["taken away", 2, [255, 0, 255, 255]],
    ["undone", 3, [255, 0, 255, 255]],
  ] as const)("may be animated GIFs, what was drawn is %s", async (_, disposal, corners) => {
    const data = await videoFolder(folderOf({ "x.gif": gif(disposal) }), { ...options, frames: 3 });
    expect([data.size, data.classes]).toEqual([1, 0]);
    const out = new Float32Array(3 * 48);
    data.read(0, out, 0);
    const grey = (frame: number, x: number, y: number) => Math.round(255 * out[(frame * 16 + y * 4 + x) * 3]!);
    expect([grey(0, 0, 0), grey(1, 0, 0), grey(1, 3, 3)]).toEqual([255, 0, 255]);
    // of the last frame: the old square's corner, the new one's; and the corner that was never drawn to
    expect([grey(2, 0, 0), grey(2, 3, 3), grey(2, 3, 0), grey(2, 1, 1)]).toEqual([
      corners[0],
      corners[1],
      corners[2],
      corners[3],
    ]);
  });

  it.each<[string, Record<string, Uint8Array>, string]>([
    ["no clips", { "a.png": flat(1) }, "has no clips"],
    ["a clip beside folders of clips", { ...clip("a", [1, 2]), ...clip("walk/x", [1, 2]) }, "holds both"],
    ["too short a clip", { ...clip("a", [1, 2, 3]), ...clip("b", [1]) }, "b has 1 frames, but a sample needs 2"],
    ["frames of mixed sizes", { "a/0.png": flat(1), "a/1.png": flat(2, 12, 8) }, "1.png is 12×8, but its clip began with 10×8"],
    ["a frame that is none", { "a/0.png": flat(1), "a/1.png": Buffer.from("hello") }, "1.png is not a picture"],
    ["a GIF that is none", { "a.gif": Buffer.from("hello, world, hello") }, "a.gif is not a GIF"],
    ["a GIF that is cut off", { "a.gif": gif(1).subarray(0, 60) }, "a.gif is not a GIF"],
  ])("%s: named", async (_, files, why) => {
    const error = await videoFolder(folderOf(files), options).catch((reason) => reason);
    expect(error).toBeInstanceOf(BatonError);
    expect(error.message).toContain(why);
  });
});
