/**
 * Which tokens the encoder sees. A strategy draws numbers on the host; what it decides enters compiled functions as index arrays of fixed
 * size ({@link stackMaskings}).
 *
 * Axes: `T` tokens, `K` kept tokens.
 *
 * @module
 */
import { BatonError } from "../errors.js";
import type { RandomStream } from "../tensor/random.js";
import { HostArray } from "../tensor/tree.js";

/** One sample's masking. Tokens stand in the *shuffled order* kept first, then the others. */
export interface Masking {
  /** [K] tokens that the encoder sees: the start of the shuffled order. */
  readonly keep: Int32Array;
  /** [T] 1 = hidden from the encoder, to be reconstructed. */
  readonly mask: Uint8Array;
  /** [T] where each token stands in the shuffled order: `restore[keep[k]] = k`, and at least K for a hidden token. */
  readonly restore: Int32Array;
}

/** Decides for one sample. `rng` is all the chance there is; `tokens` is T; the number kept depends only on `tokens` and `options`. */
export type MaskingStrategy<Options> = (rng: RandomStream, tokens: number, options: Options) => Masking;

/**
 * K = ⌊T·(1−ratio)⌋ in float64, as MAE computes it (10 tokens at 0.9 keep none).
 *
 * @throws BatonError "invalid-value" for a ratio outside of [0, 1) or one that keeps no token.
 */
export function keptCount(tokens: number, ratio: number): number {
  if (!(ratio >= 0 && ratio < 1)) {
    throw new BatonError("invalid-value", `masking ratio is ${ratio}, expected at least 0 and less than 1`);
  }
  const kept = Math.trunc(tokens * (1 - ratio));
  if (kept > 0) return kept;
  throw new BatonError("invalid-value", `a masking ratio of ${ratio} keeps none of ${tokens} tokens`, {
    hint: "lower the ratio, or cut the input into more tokens",
  });
}

/**
 * Keeps the `kept` tokens with the least noise, in the order of their noise; equal noise goes by token number. With the same noise this is
 * MAE's masking (`ids_keep`, `mask`, `ids_restore`).
 *
 * @param noise [T]
 */
export function maskByNoise(noise: ArrayLike<number>, kept: number): Masking {
  const T = noise.length;
  const order = Array.from({ length: T }, (_, t) => t).sort((a, b) => noise[a]! - noise[b]! || a - b);
  const restore = new Int32Array(T);
  for (let i = 0; i < T; i++) restore[order[i]!] = i;
  return { keep: Int32Array.from(order.slice(0, kept)), mask: Uint8Array.from(restore, (at) => (at < kept ? 0 : 1)), restore };
}

const uniformNoise = (rng: RandomStream, size: number): Float32Array => Float32Array.from({ length: size }, () => rng.uniform());

/** Hides the share `ratio` of the tokens, each as likely as any other (MAE; over space and time: MAE-ST). */
export const randomMasking: MaskingStrategy<{ readonly ratio: number }> = (rng, tokens, { ratio }) =>
  maskByNoise(uniformNoise(rng, tokens), keptCount(tokens, ratio));

/**
 * Hides the share `ratio` of the places, the same ones in every frame (MAE-ST's space-only masking). Tokens are ordered frame by frame.
 *
 * @throws BatonError "invalid-value" when the frames do not divide the tokens.
 */
export const tubeMasking: MaskingStrategy<{ readonly ratio: number; readonly frames: number }> = (rng, tokens, options) => {
  const { ratio, frames } = options;
  const places = tokens / frames;
  if (!Number.isInteger(frames) || frames < 1 || !Number.isInteger(places)) {
    throw new BatonError(
      "invalid-value",
      `tube masking of ${tokens} tokens has ${frames} frames, expected a divisor of ${tokens}`,
    );
  }
  const noise = uniformNoise(rng, places);
  const everyFrame = Float32Array.from({ length: tokens }, (_, i) => noise[i % places]!);
  return maskByNoise(everyFrame, frames * keptCount(places, ratio));
};

/** The maskings of a batch, each of the same sizes, as arrays: keep [B,K] int32, mask [B,T] bool, restore [B,T] int32. */
export type MaskingBatch = { keep: HostArray; mask: HostArray; restore: HostArray };

export function stackMaskings(maskings: readonly Masking[]): MaskingBatch {
  const B = maskings.length;
  const [K, T] = [maskings[0]!.keep.length, maskings[0]!.mask.length];
  const keep = HostArray.zeros({ shape: [B, K], dtype: "int32" });
  const mask = HostArray.zeros({ shape: [B, T], dtype: "bool" });
  const restore = HostArray.zeros({ shape: [B, T], dtype: "int32" });
  for (const [b, masking] of maskings.entries()) {
    if (masking.keep.length !== K || masking.mask.length !== T) {
      throw new RangeError(
        `masking ${b} keeps ${masking.keep.length} of ${masking.mask.length} tokens, the first one ${K} of ${T}`,
      );
    }
    keep.data.set(masking.keep, b * K);
    mask.data.set(masking.mask, b * T);
    restore.data.set(masking.restore, b * T);
  }
  return { keep, mask, restore };
}
