import * as tf from "@tensorflow/tfjs";

type Tensor = tf.Tensor;

/** The kept tokens: x [B,T,F], or a table [T,F] that the batch shares, at `keep` [B,K] int32 gives [B,K,F]. */
export function takeTokens(x: Tensor, keep: Tensor): Tensor {
  return x.rank === 2 ? tf.gather(x, keep) : tf.gather(x, keep, 1, 1);
}

/**
 * Puts kept tokens back to their places and `filler` everywhere else.
 *
 * @param kept [B,K,D]
 * @param filler [D]
 * @param restore [B,T] int32, where each token stands in the shuffled order; K and more for a hidden one.
 * @returns [B,T,D]
 */
export function restoreTokens(kept: Tensor, filler: Tensor, restore: Tensor): Tensor {
  const [B, K, D] = kept.shape as [number, number, number];
  const withFiller = tf.concat([kept, tf.broadcastTo(filler.reshape([1, 1, D]), [B, 1, D])], 1); // [B,K+1,D]
  return tf.gather(withFiller, tf.minimum(restore, tf.scalar(K, "int32")), 1, 1);
}
