import { describe, expect, it } from "vitest";
import { RandomStream } from "../tensor/random.js";
import { keptCount, maskByNoise, maskByOrder, stackMaskings } from "./masking.js";
import { randomMasking } from "./strategies.js";

describe("how many tokens are kept", () => {
  it.each([
    [196, 0.75, 49],
    [64, 0.9, 6],
    [1568, 0.9, 156],
    [7, 0, 7],
    [5, 0.5, 2],
  ])("%d at %d: %d", (tokens, ratio, kept) => {
    expect(keptCount(tokens, ratio)).toBe(kept);
  });

  it("refuses ratios that leave nothing to see or are none", () => {
    // 10·(1 − 0.9) is 0.9999999999999998 in float64, here as in MAE
    expect(() => keptCount(10, 0.9)).toThrow("keeps none of 10 tokens");
    for (const ratio of [1, -0.1, Number.NaN]) expect(() => keptCount(10, ratio)).toThrow(`masking ratio is ${ratio}`);
  });
});

describe("masking by noise", () => {
  it("keeps the least noise first", () => {
    const { keep, mask, restore } = maskByNoise([0.9, 0.1, 0.5, 0.3, 0.7], 2);
    expect([...keep]).toEqual([1, 3]);
    expect([...mask]).toEqual([1, 0, 1, 0, 1]);
    // the shuffled order is 1, 3, 2, 4, 0
    expect([...restore]).toEqual([4, 0, 2, 1, 3]);
  });

  it("goes by token number where noise is equal", () => {
    expect([...maskByNoise([1, 0, 0, 0, 1], 4).keep]).toEqual([1, 2, 3, 0]);
  });
});

describe("masking by order", () => {
  it("throws away what is neither kept nor hidden", () => {
    const { keep, hidden, mask, restore } = maskByOrder(Int32Array.of(3, 0, 4, 1, 2), 2, 2);
    expect([[...keep], [...hidden], [...mask], [...restore]]).toEqual([
      [3, 0],
      [4, 1],
      [0, 1, 0, 0, 1],
      [1, 3, 4, 0, 2],
    ]);
  });
});

describe("a batch of maskings", () => {
  const rng = RandomStream.from(8);

  it("stands row by row", () => {
    const maskings = Array.from({ length: 3 }, () => randomMasking(rng, 10, { ratio: 0.5 }));
    const { keep, mask, restore } = stackMaskings(maskings);
    expect([keep.shape, mask.shape, restore.shape]).toEqual([
      [3, 5],
      [3, 10],
      [3, 10],
    ]);
    expect([keep.dtype, mask.dtype, restore.dtype]).toEqual(["int32", "bool", "int32"]);
    expect(keep.data.subarray(5, 10)).toEqual(maskings[1]!.keep);
    expect(mask.data.subarray(10, 20)).toEqual(maskings[1]!.mask);
    expect(restore.data.subarray(20, 30)).toEqual(maskings[2]!.restore);
  });

  it("must be of one size", () => {
    const maskings = [randomMasking(rng, 10, { ratio: 0.5 }), randomMasking(rng, 10, { ratio: 0.6 })];
    expect(() => stackMaskings(maskings)).toThrow("masking 1 keeps 4 of 10 tokens, the first one 5 of 10");
  });
});
