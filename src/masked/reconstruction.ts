import * as tf from "@tensorflow/tfjs";

type Tensor = tf.Tensor;

/** Added to the variance of a token's features. */
const EPSILON = 1e-6;

/** (x − mean) / √(variance + 1e-6) over each token's own features, with the variance over F−1 (MAE's `norm_pix`). x [B,T,F], F ≥ 2. */
export function normaliseTokens(x: Tensor): Tensor {
  const features = x.shape.at(-1)!;
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const variance = tf.div(tf.sum(tf.square(centred), -1, true), features - 1);
  return tf.div(centred, tf.sqrt(tf.add(variance, EPSILON)));
}

/**
 * Mean squared error over the features of the hidden tokens of the whole batch; 0 when none is hidden. What is predicted for the others
 * does not matter.
 *
 * @param predicted [B,T,F]
 * @param target [B,T,F]
 * @param mask [B,T] bool, true = hidden from the encoder.
 * @param normalise Whether the target is each token normalised by itself ({@link normaliseTokens}).
 * @returns a scalar
 */
export function reconstructionLoss(predicted: Tensor, target: Tensor, mask: Tensor, normalise = false): Tensor {
  const goal = normalise ? normaliseTokens(target) : target;
  const perToken = tf.mean(tf.squaredDifference(predicted, goal), -1); // [B,T]
  const hidden = tf.cast(mask, "float32");
  return tf.div(tf.sum(tf.mul(perToken, hidden)), tf.maximum(tf.sum(hidden), 1));
}

/** The same error where only the hidden tokens are predicted. predicted and target [B,M,F]. */
export function hiddenLoss(predicted: Tensor, target: Tensor, normalise = false): Tensor {
  return tf.mean(tf.squaredDifference(predicted, normalise ? normaliseTokens(target) : target));
}
