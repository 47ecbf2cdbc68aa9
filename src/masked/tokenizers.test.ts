import * as tf from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import { openDevice } from "../tensor/devices.js";
import { normal } from "../tensor/initialise.js";
import { RandomStream } from "../tensor/random.js";
import { type HostArray, specOf } from "../tensor/tree.js";
import { entityTokens, featuresOf, gridOf, patchTokens, tokensIn, tubeTokens, untubeTokens } from "./tokenizers.js";

const shape = { frames: 4, height: 6, width: 8, channels: 3, patch: 2, tube: 2 };

/** Where each number of a video goes, as loops. */
function cutByLoops(video: HostArray, B: number): Float32Array {
  const { frames, rows, columns } = gridOf(shape);
  const { height: H, width: W, channels: C, patch: p, tube: u } = shape;
  const F = featuresOf(shape);
  const out = new Float32Array(video.data.length);
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < shape.frames; t++) {
      for (let y = 0; y < H; y++) {
        for (let x = 0; x < W; x++) {
          for (let c = 0; c < C; c++) {
            const token = (Math.floor(t / u) * rows + Math.floor(y / p)) * columns + Math.floor(x / p);
            const feature = (((t % u) * p + (y % p)) * p + (x % p)) * C + c;
            out[(b * frames * rows * columns + token) * F + feature] =
              video.data[(((b * shape.frames + t) * H + y) * W + x) * C + c]!;
          }
        }
      }
    }
  }
  return out;
}

describe("tubes", () => {
  it.each(["js", "wasm", "cpu"])("are cut and put together again on %s", async (name) => {
    const video = normal(RandomStream.from(1), [2, 4, 6, 8, 3], 1);
    const fn = (x: tf.Tensor) => {
      const tokens = tubeTokens(x, shape);
      return { tokens, back: untubeTokens(tokens, shape) };
    };
    const compiled = await (await openDevice(name)).compile(fn, [specOf(video)], "tubes");
    const { tokens, back } = (await compiled.run([video])) as { tokens: HostArray; back: HostArray };
    compiled.dispose();
    expect(tokens.shape).toEqual([2, tokensIn(gridOf(shape)), featuresOf(shape)]);
    expect(tokens.data).toEqual(cutByLoops(video, 2));
    expect(back.shape).toEqual(video.shape);
    expect(back.data).toEqual(video.data);
  });

  it("of one frame are MAE's patches: row by row, each (py,px,c)", async () => {
    const image = tf.range(0, 16).reshape([1, 4, 4, 1]);
    const tokens = patchTokens(image, { height: 4, width: 4, channels: 1, patch: 2 });
    expect(tokens.arraySync()).toEqual([
      [
        [0, 1, 4, 5],
        [2, 3, 6, 7],
        [8, 9, 12, 13],
        [10, 11, 14, 15],
      ],
    ]);
  });

  it("that do not fit are refused by name", () => {
    expect(() => gridOf({ ...shape, patch: 4 })).toThrow("the height is 6, which patches of 4 do not divide");
    expect(() => gridOf({ ...shape, tube: 3 })).toThrow("the number of frames is 4, which patches of 3 do not divide");
  });
});

describe("entities over time", () => {
  const sizes = { entities: 2, features: 3 };
  const episode = {
    entities: Float32Array.from({ length: 5 * 6 }, (_, i) => i),
    alive: Uint8Array.of(1, 1, 1, 1, 1, 0, 1, 0, 0, 0),
  };

  it("stand time step by time step, and beyond the end there is nothing", () => {
    const { tokens, valid } = entityTokens(episode, sizes, { start: 1, frames: 3, stride: 2 });
    expect([...tokens]).toEqual([6, 7, 8, 9, 10, 11, 18, 19, 20, 21, 22, 23, 0, 0, 0, 0, 0, 0]);
    expect([...valid]).toEqual([1, 1, 1, 0, 0, 0]);
  });

  it("of an episode that does not fit are refused", () => {
    expect(() => entityTokens(episode, { ...sizes, features: 4 }, { start: 0, frames: 1, stride: 1 })).toThrow(RangeError);
    expect(() => entityTokens(episode, sizes, { start: 5, frames: 1, stride: 1 })).toThrow("cannot start at step 5 of 5");
  });
});
