/**
 * The masking strategies. Tokens are numbered as their grid says ({@link TokenGrid}): frame by frame, row by row.
 *
 * @module
 */
import { z } from "zod";
import { BatonError } from "../errors.js";
import type { RandomStream } from "../tensor/random.js";
import { keptCount, type Masking, type MaskingStrategy, maskByNoise, maskByOrder, orderOf } from "./masking.js";
import { type TokenGrid, tokensIn } from "./tokenizers.js";

const uniformNoise = (rng: RandomStream, size: number): Float32Array => Float32Array.from({ length: size }, () => rng.uniform());

/** Hides the share `ratio` of the tokens, each as likely as any other (MAE; over space and time alike: MAE-ST's agnostic masking). */
export const randomMasking: MaskingStrategy<{ readonly ratio: number }> = (rng, tokens, { ratio }) =>
  maskByNoise(uniformNoise(rng, tokens), keptCount(tokens, ratio));

/** How many tokens a frame has. */
function placesOf(what: string, tokens: number, frames: number): number {
  const places = tokens / frames;
  if (Number.isInteger(frames) && frames >= 1 && Number.isInteger(places)) return places;
  throw new BatonError("invalid-value", `${what} of ${tokens} tokens has ${frames} frames, expected a divisor of ${tokens}`);
}

/**
 * Hides the share `ratio` of the places, the same ones in every frame (MAE-ST's space-only masking).
 *
 * @throws BatonError "invalid-value" when the frames do not divide the tokens.
 */
export const tubeMasking: MaskingStrategy<{ readonly ratio: number; readonly frames: number }> = (rng, tokens, options) => {
  const { ratio, frames } = options;
  const places = placesOf("tube masking", tokens, frames);
  const noise = uniformNoise(rng, places);
  return maskByNoise(
    Float32Array.from({ length: tokens }, (_, i) => noise[i % places]!),
    frames * keptCount(places, ratio, "places"),
  );
};

/** Hides the share `ratio` of the frames, each of them whole (MAE-ST's time-only masking). */
export const frameMasking: MaskingStrategy<{ readonly ratio: number; readonly frames: number }> = (rng, tokens, options) => {
  const { ratio, frames } = options;
  const places = placesOf("frame masking", tokens, frames);
  const noise = uniformNoise(rng, frames);
  return maskByNoise(
    Float32Array.from({ length: tokens }, (_, i) => noise[Math.floor(i / places)]!),
    places * keptCount(frames, ratio, "frames"),
  );
};

/**
 * Hides the share `ratio` in boxes of space and time of random sizes, at least a quarter and at most all of each axis, so that large
 * regions are gone (MAE-ST's block-wise masking, after BEiT's). What the last box hides too much is shown again at random.
 */
export const blockMasking: MaskingStrategy<{ readonly ratio: number; readonly grid: TokenGrid }> = (rng, tokens, options) => {
  const { ratio, grid } = options;
  if (tokensIn(grid) !== tokens) {
    throw new BatonError("invalid-value", `block masking has a grid of ${tokensIn(grid)} tokens, expected ${tokens}`);
  }
  const goal = tokens - keptCount(tokens, ratio);
  const hidden = new Uint8Array(tokens);
  const axis = (size: number): [from: number, to: number] => {
    const least = Math.max(1, Math.ceil(size / 4));
    const length = least + rng.integer(size - least + 1);
    const from = rng.integer(size - length + 1);
    return [from, from + length];
  };
  let count = 0;
  while (count < goal) {
    const [frames, rows, columns] = [axis(grid.frames), axis(grid.rows), axis(grid.columns)];
    const fresh: number[] = [];
    for (let f = frames[0]; f < frames[1]; f++) {
      for (let r = rows[0]; r < rows[1]; r++) {
        for (let c = columns[0]; c < columns[1]; c++) {
          const token = (f * grid.rows + r) * grid.columns + c;
          if (!hidden[token]) fresh.push(token);
        }
      }
    }
    const order = new Int32Array(fresh.length);
    rng.permutation(order, 0, fresh.length);
    for (const at of order.subarray(0, goal - count)) hidden[fresh[at]!] = 1;
    count += Math.min(fresh.length, goal - count);
  }
  // Kept ones have noise below 1.
  return maskByNoise(
    Float32Array.from(hidden, (one) => one + rng.uniform()),
    tokens - goal,
  );
};

export interface AttentionMaskingOptions {
  /** Share of the tokens that is hidden and reconstructed. */
  readonly mask: number;
  /** Share that neither encoder nor decoder sees. */
  readonly throw: number;
  /** [T] weights of at least 0, the attention that each token got; equal weights for all unless given. */
  readonly scores?: ArrayLike<number> | undefined;
}

/**
 * Attention-driven masking and throwing (AMT, arXiv 2211.15362): tokens are drawn without replacement with the chances of their weights; the
 * first ⌊T·mask⌋ are hidden, those up to ⌊T·(mask+throw)⌋ thrown away, the rest kept, so that what is looked at is mostly hidden. The draw is
 * an exponential race, E_i/w_i ascending, which has the law of torch.multinomial.
 */
export const attentionMasking: MaskingStrategy<AttentionMaskingOptions> = (rng, tokens, options) => {
  const { mask, throw: thrown, scores } = options;
  if (!(mask > 0 && thrown >= 0 && mask + thrown < 1)) {
    const message = `attention masking hides ${mask} and throws away ${thrown} of the tokens`;
    throw new BatonError("invalid-value", `${message}, expected shares that leave something to see`);
  }
  if (scores && scores.length !== tokens) {
    throw new RangeError(`attention masking of ${tokens} tokens got ${scores.length} scores`);
  }
  const race = Float64Array.from({ length: tokens }, () => -Math.log(1 - rng.uniform()));
  // Weights of zero come last, in the order of their own race.
  const times = race.map((time, t) => time / Math.max(scores?.[t] ?? 1, 1e-12));
  const drawn = orderOf(times);
  const hidden = Math.trunc(tokens * mask);
  const unseen = Math.trunc(tokens * (mask + thrown));
  if (hidden < 1 || unseen >= tokens) {
    throw new BatonError("invalid-value", `attention masking leaves nothing to see or to predict of ${tokens} tokens`);
  }
  const order = Int32Array.from([...drawn.subarray(unseen), ...drawn.subarray(0, hidden), ...drawn.subarray(hidden, unseen)]);
  return maskByOrder(order, tokens - unseen, hidden);
};

const ratio = z.number().positive().lt(1).default(0.75).describe("Share of the tokens that is hidden.");

/** Every strategy by name with its settings: what a recipe's `masking` may be. */
export const maskingSchema = z.discriminatedUnion("strategy", [
  z.strictObject({ strategy: z.literal("random"), ratio }).describe("Any tokens (MAE, MAE-ST)."),
  z.strictObject({ strategy: z.literal("tube"), ratio }).describe("The same places in every frame."),
  z.strictObject({ strategy: z.literal("frame"), ratio }).describe("Whole frames."),
  z.strictObject({ strategy: z.literal("block"), ratio }).describe("Boxes of space and time."),
  z
    .strictObject({
      strategy: z.literal("attention"),
      mask: z.number().positive().lt(1).default(0.45).describe("Share of the tokens that is hidden."),
      throw: z.number().min(0).lt(1).default(0.4).describe("Share of the tokens that nobody sees."),
    })
    .describe("By the attention that tokens get, with throwing (AMT)."),
]);

export type MaskingSettings = z.infer<typeof maskingSchema>;

/** Draws one sample's masking; `scores` [T] are read by the attention-driven strategy alone. */
export type Masker = (rng: RandomStream, scores?: ArrayLike<number>) => Masking;

/** The strategy of these settings over a grid of tokens. */
export function maskerOf(settings: MaskingSettings, grid: TokenGrid): Masker {
  const tokens = tokensIn(grid);
  const { frames } = grid;
  switch (settings.strategy) {
    case "random":
      return (rng) => randomMasking(rng, tokens, settings);
    case "tube":
      return (rng) => tubeMasking(rng, tokens, { ...settings, frames });
    case "frame":
      return (rng) => frameMasking(rng, tokens, { ...settings, frames });
    case "block":
      return (rng) => blockMasking(rng, tokens, { ...settings, grid });
    case "attention":
      return (rng, scores) => attentionMasking(rng, tokens, { ...settings, scores });
  }
}
