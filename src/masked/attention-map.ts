import * as tf from "@tensorflow/tfjs";
import { attentionWeights } from "./attention.js";
import { type Autoencoder, embedAll } from "./autoencoder.js";
import { applyBlock } from "./block.js";
import { centre, normOfCentred } from "./norm.js";

type Tensor = tf.Tensor;

/**
 * How much the class token looks at each token in the last block, per head brought to [0,1] and averaged over heads: the weights that AMT
 * draws by (arXiv 2211.15362, section 3.2; per head as in the authors' code). All tokens are encoded, none is hidden.
 *
 * @param tokens [B,T,F]
 * @param positions [T,D]
 * @returns [B,T]
 * @throws TypeError when the model has no class token.
 */
export function attentionMap(p: Autoencoder, tokens: Tensor, positions: Tensor): Tensor {
  if (!p.cls) throw new TypeError("an attention map needs a model with a class token");
  let x = centre(embedAll(p, tokens, positions));
  let k = 0;
  for (; p.encoder.blocks[k + 1]; k++) x = applyBlock(p.encoder.blocks[k]!, x);
  const last = p.encoder.blocks[k]!;
  const weights = attentionWeights(last.attention, normOfCentred(x, last.norm1)); // [B,h,1+T,1+T]
  const [B, h, all] = weights.shape as [number, number, number, number];
  const looks = tf.slice(weights, [0, 0, 0, 1], [B, h, 1, all - 1]).reshape([B, h, all - 1]);
  const [least, most] = [tf.min(looks, 2, true), tf.max(looks, 2, true)];
  // Heads that look at all tokens alike say nothing; the small number keeps them from dividing by zero.
  return tf.mean(tf.div(tf.sub(looks, least), tf.add(tf.sub(most, least), 1e-12)), 1);
}
