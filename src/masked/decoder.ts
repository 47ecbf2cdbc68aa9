import * as tf from "@tensorflow/tfjs";
import { normal, xavierUniform } from "../tensor/initialise.js";
import { dense, type Linear } from "../tensor/layers.js";
import type { RandomStream } from "../tensor/random.js";
import type { HostArray, Mapped } from "../tensor/tree.js";
import { type Encoder, type EncoderShape, encode, initEncoder } from "./encoder.js";
import { restoreTokens, takeTokens } from "./tokens.js";

type Tensor = tf.Tensor;

/** A light decoder (MAE): narrower and shallower than the encoder, it sees all places. */
export type Decoder = {
  /** D→Dd */
  embed: Linear;
  /** [Dd], stands for every hidden token. */
  maskToken: Tensor;
  /** [Dd], where there is one: stands in front of the tokens in place of the encoder's class token, which is then not passed on (MAE-ST). */
  cls?: Tensor;
  body: Encoder;
  /** Dd→F */
  predict: Linear;
};

export interface DecoderShape extends EncoderShape {
  /** D, width of the encoder. */
  readonly input: number;
  /** F, features to predict of each token. */
  readonly output: number;
  /** Whether the decoder has a class token of its own; it has not unless given. */
  readonly cls?: boolean;
}

/** Fresh parameters: linear layers as in {@link initEncoder}, the mask token from N(0, 0.02²). */
export function initDecoder(rng: RandomStream, shape: DecoderShape): Mapped<Decoder, Tensor, HostArray> {
  const { input, output, cls = false, ...body } = shape;
  return {
    embed: xavierUniform(rng, input, body.width),
    maskToken: normal(rng, [body.width], 0.02),
    ...(cls ? { cls: normal(rng, [body.width], 0.02) } : {}),
    body: initEncoder(rng, body),
    predict: xavierUniform(rng, body.width, output),
  };
}

/** The encoder's output as the decoder takes it: a class token in front, which has no place of its own, and the tokens with one. */
function embedded(p: Decoder, encoded: Tensor, hasClass: boolean): { front: Tensor[]; kept: Tensor } {
  const [B, all, D] = encoded.shape as [number, number, number];
  if (p.cls) {
    const kept = hasClass ? tf.slice(encoded, [0, 1, 0], [B, all - 1, D]) : encoded;
    return { front: [tf.tile(p.cls.reshape([1, 1, -1]), [B, 1, 1])], kept: dense(kept, p.embed) };
  }
  const whole = dense(encoded, p.embed);
  if (!hasClass) return { front: [], kept: whole };
  const [front, kept] = tf.split(whole, [1, all - 1], 1) as [Tensor, Tensor];
  return { front: [front], kept };
}

/** Runs the body over `front` and `tokens`, and predicts from the last `count` of them. */
function predictLast(p: Decoder, front: readonly Tensor[], tokens: readonly Tensor[], count: number): Tensor {
  const all = [...front, ...tokens];
  return dense(encode(p.body, all.length === 1 ? all[0]! : tf.concat(all, 1), { asking: count }), p.predict);
}

/**
 * Predicts every token, the kept ones too.
 *
 * @param encoded [B,K,D], the kept tokens in the order of `keep`; [B,1+K,D] with a class token in front where `hasClass`.
 * @param restore [B,T] int32
 * @param positions [B,T,Dd] or anything that broadcasts to it.
 * @returns [B,T,F]
 */
export function decode(
  p: Decoder,
  encoded: Tensor,
  { restore, positions, hasClass = false }: { restore: Tensor; positions: Tensor; hasClass?: boolean },
): Tensor {
  const { front, kept } = embedded(p, encoded, hasClass);
  const tokens = tf.add(restoreTokens(kept, p.maskToken, restore), positions); // [B,T,Dd]
  return predictLast(p, front, [tokens], restore.shape[1]!);
}

/**
 * Predicts the hidden tokens alone, and sees no others than them and the kept ones: what is neither is thrown away (AMT). The numbers are
 * those of {@link decode} where nothing is thrown away, since the order of tokens means nothing to attention.
 *
 * @param keep [B,K] int32
 * @param hidden [B,M] int32
 * @param positions [T,Dd]
 * @returns [B,M,F]
 */
export function decodeHidden(
  p: Decoder,
  encoded: Tensor,
  { keep, hidden, positions, hasClass = false }: { keep: Tensor; hidden: Tensor; positions: Tensor; hasClass?: boolean },
): Tensor {
  const { front, kept } = embedded(p, encoded, hasClass);
  const seen = tf.add(kept, takeTokens(positions, keep));
  const blank = tf.add(takeTokens(positions, hidden), p.maskToken);
  return predictLast(p, front, [seen, blank], hidden.shape[1]!);
}
