import type { Tensor } from "@tensorflow/tfjs";
import { normal, xavierUniform } from "../tensor/initialise.js";
import { dense, type Linear } from "../tensor/layers.js";
import type { RandomStream } from "../tensor/random.js";
import type { HostArray, Mapped } from "../tensor/tree.js";
import { type Encoder, type EncoderShape, encode, initEncoder } from "./encoder.js";
import { restoreTokens } from "./tokens.js";

/** A light decoder (MAE): narrower and shallower than the encoder, it sees all places. */
export type Decoder = {
  /** D→Dd */
  embed: Linear;
  /** [Dd], stands for every hidden token. */
  maskToken: Tensor;
  body: Encoder;
  /** Dd→F */
  predict: Linear;
};

export interface DecoderShape extends EncoderShape {
  /** D, width of the encoder. */
  readonly input: number;
  /** F, features to predict of each token. */
  readonly output: number;
}

/** Fresh parameters: linear layers as in {@link initEncoder}, the mask token from N(0, 0.02²). */
export function initDecoder(rng: RandomStream, { input, output, ...body }: DecoderShape): Mapped<Decoder, Tensor, HostArray> {
  return {
    embed: xavierUniform(rng, input, body.width),
    maskToken: normal(rng, [body.width], 0.02),
    body: initEncoder(rng, body),
    predict: xavierUniform(rng, body.width, output),
  };
}

/**
 * Predicts every token, the kept ones too.
 *
 * @param encoded [B,K,D], the kept tokens in the order of `keep`.
 * @param restore [B,T] int32
 * @param positions [B,T,Dd] or anything that broadcasts to it.
 * @returns [B,T,F]
 */
export function decode(p: Decoder, encoded: Tensor, { restore, positions }: { restore: Tensor; positions: Tensor }): Tensor {
  const tokens = restoreTokens(dense(encoded, p.embed), p.maskToken, restore); // [B,T,Dd]
  return dense(encode(p.body, tokens, { positions }), p.predict);
}
