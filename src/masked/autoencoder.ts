/**
 * The masked autoencoder (He et al., 2022): an encoder that sees only the kept tokens, and a light decoder that predicts the others.
 *
 * Axes: `B` batch, `T` tokens, `K` kept tokens, `F` features of a raw token, `D`/`Dd` width of the encoder/decoder.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { normal, xavierUniform } from "../tensor/initialise.js";
import { dense, type Linear } from "../tensor/layers.js";
import type { RandomStream } from "../tensor/random.js";
import type { HostArray, Mapped } from "../tensor/tree.js";
import { type Decoder, decode, decodeHidden, initDecoder } from "./decoder.js";
import { type Encoder, type EncoderShape, encode, initEncoder } from "./encoder.js";
import { takeTokens } from "./tokens.js";

type Tensor = tf.Tensor;

/** `embed` F→D. `cls` [D], where there is one, stands in front of the tokens and is what the whole is read from. */
export type Autoencoder = { embed: Linear; cls?: Tensor; encoder: Encoder; decoder: Decoder };

export interface AutoencoderShape {
  /** F */
  readonly features: number;
  readonly encoder: EncoderShape;
  readonly decoder: EncoderShape;
  /** Features that are predicted of a token; F unless given. */
  readonly output?: number;
  /** Whether there is a class token; none unless given. */
  readonly cls?: boolean;
  /** Whether the decoder has a class token of its own, in place of the encoder's (MAE-ST); it has not unless given. */
  readonly decoderCls?: boolean;
}

/** What a masked pass over a batch needs besides the tokens. */
export type MaskedInputs = {
  /** [B,K] int32 */
  keep: Tensor;
  /** [B,T] int32 */
  restore: Tensor;
  /** [T,D], all places as the encoder knows them. */
  positions: Tensor;
  /** [T,Dd], all places as the decoder knows them. */
  decoderPositions: Tensor;
};

export function initAutoencoder(rng: RandomStream, shape: AutoencoderShape): Mapped<Autoencoder, Tensor, HostArray> {
  const { features, output = features, encoder, decoder, cls = false, decoderCls = false } = shape;
  return {
    embed: xavierUniform(rng, features, encoder.width),
    ...(cls ? { cls: normal(rng, [encoder.width], 0.02) } : {}),
    encoder: initEncoder(rng, encoder),
    decoder: initDecoder(rng, { ...decoder, input: encoder.width, output, cls: decoderCls }),
  };
}

/** Tokens with their positions [B,K,D], behind the class token where there is one. */
function withClass(p: Autoencoder, tokens: Tensor): Tensor {
  if (!p.cls) return tokens;
  const [B, , D] = tokens.shape as [number, number, number];
  return tf.concat([tf.tile(p.cls.reshape([1, 1, D]), [B, 1, 1]), tokens], 1);
}

/** The encoder's input for the kept tokens: tokens [B,T,F] give [B,K,D], or [B,1+K,D] with a class token, which has no position. */
export function embedKept(p: Autoencoder, tokens: Tensor, { keep, positions }: Pick<MaskedInputs, "keep" | "positions">): Tensor {
  return withClass(p, tf.add(dense(takeTokens(tokens, keep), p.embed), takeTokens(positions, keep)));
}

/** The encoder's input for all tokens, in their own order. */
export function embedAll(p: Autoencoder, tokens: Tensor, positions: Tensor): Tensor {
  return withClass(p, tf.add(dense(tokens, p.embed), positions));
}

/** Encodes the kept tokens, and only them: tokens [B,T,F] gives [B,K,D], or [B,1+K,D] with the class token in front. */
export function encodeKept(p: Autoencoder, tokens: Tensor, inputs: Pick<MaskedInputs, "keep" | "positions">): Tensor {
  return encode(p.encoder, embedKept(p, tokens, inputs));
}

/** Predicts all tokens from the kept ones: tokens [B,T,F] gives [B,T,F]. */
export function reconstruct(p: Autoencoder, tokens: Tensor, inputs: MaskedInputs): Tensor {
  const { restore, decoderPositions } = inputs;
  const hasClass = p.cls !== undefined;
  return decode(p.decoder, encodeKept(p, tokens, inputs), { restore, positions: decoderPositions, hasClass });
}

/** Predicts the hidden tokens alone, at less cost: tokens [B,T,F] gives [B,M,F] in the order of `hidden` [B,M] int32. */
export function reconstructHidden(
  p: Autoencoder,
  tokens: Tensor,
  inputs: Omit<MaskedInputs, "restore"> & { hidden: Tensor },
): Tensor {
  const { keep, hidden, decoderPositions: positions } = inputs;
  return decodeHidden(p.decoder, encodeKept(p, tokens, inputs), { keep, hidden, positions, hasClass: p.cls !== undefined });
}
