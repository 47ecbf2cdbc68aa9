import { describe, expect, it } from "vitest";
import { RandomStream } from "../tensor/random.js";
import { keptCount, type Masking, maskByNoise, randomMasking, stackMaskings, tubeMasking } from "./masking.js";

/** What every masking must be. */
function expectConsistent({ keep, mask, restore }: Masking, tokens: number, kept: number): void {
  expect([keep.length, mask.length, restore.length]).toEqual([kept, tokens, tokens]);
  expect([...restore].sort((a, b) => a - b)).toEqual(Array.from({ length: tokens }, (_, t) => t));
  for (const [k, token] of keep.entries()) expect([mask[token], restore[token]]).toEqual([0, k]);
  expect(mask.reduce((sum, hidden) => sum + hidden, 0)).toBe(tokens - kept);
  for (const [token, at] of restore.entries()) expect(mask[token]).toBe(at < kept ? 0 : 1);
}

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

describe("random masking", () => {
  it.each([0, 0.25, 0.5, 0.75, 0.9])("at ratio %d", (ratio) => {
    expectConsistent(randomMasking(RandomStream.from(3), 40, { ratio }), 40, keptCount(40, ratio));
  });

  it("depends on the stream alone", () => {
    const drawn = (seed: number) => randomMasking(RandomStream.from(seed), 40, { ratio: 0.5 });
    expect(drawn(4)).toEqual(drawn(4));
    expect(drawn(4)).not.toEqual(drawn(5));
  });

  it("hides every token, and every pair, equally often", () => {
    const [tokens, draws] = [8, 8000];
    const rng = RandomStream.from(6);
    const hidden = new Array<number>(tokens).fill(0);
    let [both, pairs] = [0, 0];
    for (let i = 0; i < draws; i++) {
      const { mask } = randomMasking(rng, tokens, { ratio: 0.75 });
      for (let t = 0; t < tokens; t++) hidden[t]! += mask[t]!;
      both += mask[2]! & mask[5]!;
      pairs++;
    }
    // each in 3/4 of the draws, each pair in 6/8·5/7 of them; five standard errors are 0.025
    for (const count of hidden) expect(Math.abs(count / draws - 0.75)).toBeLessThan(0.025);
    expect(Math.abs(both / pairs - 30 / 56)).toBeLessThan(0.028);
  });
});

describe("tube masking", () => {
  const [frames, places] = [4, 9];

  it("hides the same places in every frame", () => {
    const rng = RandomStream.from(7);
    const seen = new Set<string>();
    for (let i = 0; i < 20; i++) {
      const masking = tubeMasking(rng, frames * places, { ratio: 0.5, frames });
      expectConsistent(masking, frames * places, frames * 4);
      const rows = Array.from({ length: frames }, (_, t) => masking.mask.subarray(t * places, (t + 1) * places).join(""));
      expect(new Set(rows).size).toBe(1);
      seen.add(rows[0]!);
    }
    expect(seen.size).toBeGreaterThan(10);
  });

  it("refuses frames that do not divide the tokens", () => {
    expect(() => tubeMasking(RandomStream.from(1), 10, { ratio: 0.5, frames: 3 })).toThrow("10 tokens has 3 frames");
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
