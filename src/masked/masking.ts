/**
 * Which tokens the encoder sees. A strategy draws numbers on the host; what it decides enters compiled functions as index arrays of fixed
 * size ({@link stackMaskings}).
 *
 * Axes: `T` tokens, `K` kept tokens, `M` hidden tokens.
 *
 * @module
 */
import { BatonError } from "../errors.js";
import type { RandomStream } from "../tensor/random.js";
import { HostArray } from "../tensor/tree.js";

/** One sample's masking. Tokens stand in the *shuffled order* kept first, then hidden, then those thrown away, if any. */
export interface Masking {
  /** [K] tokens that the encoder sees: the start of the shuffled order. */
  readonly keep: Int32Array;
  /** [M] tokens that are hidden from the encoder, to be reconstructed. K + M < T where tokens are thrown away. */
  readonly hidden: Int32Array;
  /** [T] 1 = hidden. */
  readonly mask: Uint8Array;
  /** [T] where each token stands in the shuffled order: `restore[keep[k]] = k`, and at least K for one that is not kept. */
  readonly restore: Int32Array;
}

/** Decides for one sample. `rng` is all the chance there is; `tokens` is T; the numbers kept and hidden depend only on `tokens` and `options`. */
export type MaskingStrategy<Options> = (rng: RandomStream, tokens: number, options: Options) => Masking;

/**
 * K = ⌊T·(1−ratio)⌋ in float64, as MAE computes it (10 tokens at 0.9 keep none).
 *
 * @param what is hidden, for people: tokens, or what many of them make up.
 * @throws BatonError "invalid-value" for a ratio outside of [0, 1) or one that keeps no token.
 */
export function keptCount(tokens: number, ratio: number, what = "tokens"): number {
  if (!(ratio >= 0 && ratio < 1)) {
    throw new BatonError("invalid-value", `masking ratio is ${ratio}, expected at least 0 and less than 1`);
  }
  const kept = Math.trunc(tokens * (1 - ratio));
  if (kept > 0) return kept;
  throw new BatonError("invalid-value", `a masking ratio of ${ratio} keeps none of ${tokens} ${what}`, {
    hint: `lower the ratio, or have more ${what}: smaller patches or tubes, longer inputs`,
  });
}

/** The masking whose shuffled order is `order` [T]: first `kept`, then `hidden` tokens, the others are thrown away. */
export function maskByOrder(order: Int32Array, kept: number, hidden = order.length - kept): Masking {
  const restore = new Int32Array(order.length);
  const mask = new Uint8Array(order.length);
  for (let i = 0; i < order.length; i++) {
    restore[order[i]!] = i;
    mask[order[i]!] = i >= kept && i < kept + hidden ? 1 : 0;
  }
  return { keep: order.slice(0, kept), hidden: order.slice(kept, kept + hidden), mask, restore };
}

/** Token numbers by noise, the least first; equal noise goes by token number. */
export function orderOf(noise: ArrayLike<number>): Int32Array {
  return Int32Array.from({ length: noise.length }, (_, t) => t).sort((a, b) => noise[a]! - noise[b]! || a - b);
}

/**
 * Keeps the `kept` tokens with the least noise, in the order of their noise. With the same noise this is MAE's masking (`ids_keep`, `mask`,
 * `ids_restore`).
 *
 * @param noise [T]
 */
export const maskByNoise = (noise: ArrayLike<number>, kept: number): Masking => maskByOrder(orderOf(noise), kept);

/** The maskings of a batch, each of the same sizes, as arrays: keep [B,K], hidden [B,M], restore [B,T] int32, mask [B,T] bool. */
export type MaskingBatch = { keep: HostArray; hidden: HostArray; mask: HostArray; restore: HostArray };

export function stackMaskings(maskings: readonly Masking[]): MaskingBatch {
  const B = maskings.length;
  const [K, M, T] = [maskings[0]!.keep.length, maskings[0]!.hidden.length, maskings[0]!.mask.length];
  const keep = HostArray.zeros({ shape: [B, K], dtype: "int32" });
  const hidden = HostArray.zeros({ shape: [B, M], dtype: "int32" });
  const mask = HostArray.zeros({ shape: [B, T], dtype: "bool" });
  const restore = HostArray.zeros({ shape: [B, T], dtype: "int32" });
  for (const [b, masking] of maskings.entries()) {
    if (masking.keep.length !== K || masking.hidden.length !== M || masking.mask.length !== T) {
      throw new RangeError(
        `masking ${b} keeps ${masking.keep.length} of ${masking.mask.length} tokens, the first one ${K} of ${T}`,
      );
    }
    keep.data.set(masking.keep, b * K);
    hidden.data.set(masking.hidden, b * M);
    mask.data.set(masking.mask, b * T);
    restore.data.set(masking.restore, b * T);
  }
  return { keep, hidden, mask, restore };
}
