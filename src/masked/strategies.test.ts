import { describe, expect, it } from "vitest";
import { RandomStream } from "../tensor/random.js";
import { keptCount, type Masking } from "./masking.js";
import {
  attentionMasking,
  blockMasking,
  frameMasking,
  maskerOf,
  maskingSchema,
  randomMasking,
  tubeMasking,
} from "./strategies.js";
import { tokensIn } from "./tokenizers.js";

/** What every masking must be. */
function expectConsistent({ keep, hidden, mask, restore }: Masking, tokens: number, kept: number, unseen = tokens - kept): void {
  expect([keep.length, hidden.length, mask.length, restore.length]).toEqual([kept, unseen, tokens, tokens]);
  expect([...restore].sort((a, b) => a - b)).toEqual(Array.from({ length: tokens }, (_, t) => t));
  for (const [k, token] of keep.entries()) expect([mask[token], restore[token]]).toEqual([0, k]);
  for (const [m, token] of hidden.entries()) expect([mask[token], restore[token]]).toEqual([1, kept + m]);
  expect(mask.reduce((sum, one) => sum + one, 0)).toBe(unseen);
}

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

describe("frame masking", () => {
  it("hides whole frames", () => {
    const [frames, places] = [8, 5];
    const rng = RandomStream.from(9);
    const seen = new Set<string>();
    for (let i = 0; i < 50; i++) {
      const masking = frameMasking(rng, frames * places, { ratio: 0.75, frames });
      expectConsistent(masking, frames * places, 2 * places);
      const whole = Array.from({ length: frames }, (_, f) => masking.mask.subarray(f * places, (f + 1) * places));
      for (const frame of whole) expect(new Set(frame).size).toBe(1);
      seen.add(whole.map((frame) => frame[0]).join(""));
    }
    expect(seen.size).toBeGreaterThan(15);
  });
});

describe("block masking", () => {
  const grid = { frames: 4, rows: 6, columns: 6 };
  const tokens = tokensIn(grid);

  it.each([0.25, 0.5, 0.75, 0.9])("hides exactly the share %d", (ratio) => {
    const rng = RandomStream.from(10);
    for (let i = 0; i < 20; i++) expectConsistent(blockMasking(rng, tokens, { ratio, grid }), tokens, keptCount(tokens, ratio));
  });

  it("hides neighbours together, far more than random masking does", () => {
    const rng = RandomStream.from(11);
    const alike = (draw: () => Masking) => {
      let [same, pairs] = [0, 0];
      for (let i = 0; i < 100; i++) {
        const { mask } = draw();
        for (let t = 0; t < tokens; t++) {
          if ((t + 1) % grid.columns === 0) continue;
          same += mask[t] === mask[t + 1] ? 1 : 0;
          pairs += 1;
        }
      }
      return same / pairs;
    };
    // Independent tokens agree with their neighbours half of the time.
    expect(alike(() => randomMasking(rng, tokens, { ratio: 0.5 }))).toBeLessThan(0.55);
    expect(alike(() => blockMasking(rng, tokens, { ratio: 0.5, grid }))).toBeGreaterThan(0.75);
  });

  it("refuses a grid of another size", () => {
    expect(() => blockMasking(RandomStream.from(1), 10, { ratio: 0.5, grid })).toThrow("grid of 144 tokens, expected 10");
  });
});

describe("attention-driven masking", () => {
  const options = { mask: 0.45, throw: 0.4 };

  it("has AMT's counts for 196 tokens: 88 hidden, 78 thrown away, 30 kept", () => {
    const masking = attentionMasking(RandomStream.from(12), 196, options);
    expectConsistent(masking, 196, 30, 88);
    expect(196 - masking.keep.length - masking.hidden.length).toBe(78);
  });

  it("has the law of drawing without replacement by weight", () => {
    const rng = RandomStream.from(13);
    const scores = [1, 2, 3, 4];
    const draws = 20_000;
    const first = new Array<number>(4).fill(0);
    const pairs = new Map<string, number>();
    for (let i = 0; i < draws; i++) {
      const { hidden } = attentionMasking(rng, 4, { mask: 0.5, throw: 0, scores });
      first[hidden[0]!]! += 1;
      pairs.set(`${hidden}`, (pairs.get(`${hidden}`) ?? 0) + 1);
    }
    // P(a first) = w_a/Σ, P(b second | a) = w_b/(Σ − w_a); χ² over the 12 ordered pairs, 0.1 % of 11 degrees of freedom
    let chiSquare = 0;
    for (let a = 0; a < 4; a++) {
      for (let b = 0; b < 4; b++) {
        if (a === b) continue;
        const expected = ((draws * scores[a]!) / 10) * (scores[b]! / (10 - scores[a]!));
        chiSquare += ((pairs.get(`${a},${b}`) ?? 0) - expected) ** 2 / expected;
      }
    }
    expect(chiSquare).toBeLessThan(31.3);
    for (const [a, count] of first.entries()) expect(Math.abs(count / draws - scores[a]! / 10)).toBeLessThan(0.02);
  });

  it("hides what is looked at: tokens without attention come last", () => {
    const scores = Array.from({ length: 20 }, (_, t) => (t < 9 ? 1 : 0));
    for (let seed = 0; seed < 20; seed++) {
      const { hidden } = attentionMasking(RandomStream.from(seed), 20, { ...options, scores });
      expect([...hidden].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    }
  });

  it("refuses shares that leave nothing", () => {
    const rng = RandomStream.from(1);
    expect(() => attentionMasking(rng, 20, { mask: 0.6, throw: 0.4 })).toThrow("hides 0.6 and throws away 0.4");
    expect(() => attentionMasking(rng, 1, options)).toThrow("nothing to see or to predict");
    expect(() => attentionMasking(rng, 20, { ...options, scores: [1] })).toThrow("got 1 scores");
  });
});

it("every strategy is drawn the same way from its settings", () => {
  const grid = { frames: 4, rows: 4, columns: 4 };
  for (const strategy of ["random", "tube", "frame", "block", "attention"]) {
    const draw = maskerOf(maskingSchema.parse({ strategy }), grid);
    const masking = draw(RandomStream.from(2), new Float32Array(64).fill(1));
    expect([...masking.restore].sort((a, b) => a - b)).toEqual(Array.from({ length: 64 }, (_, t) => t));
    expect(masking.keep.length).toBe(strategy === "attention" ? 64 - Math.trunc(64 * 0.85) : 16);
    expect(draw(RandomStream.from(2))).toEqual(draw(RandomStream.from(2)));
  }
});
