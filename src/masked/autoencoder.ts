/**
 * The masked autoencoder (He et al., 2022): an encoder that sees only the kept tokens, and a light decoder that predicts the others.
 *
 * Axes: `B` batch, `T` tokens, `K` kept tokens, `F` features of a raw token, `D`/`Dd` width of the encoder/decoder.
 *
 * @module
 */
import type { Tensor } from "@tensorflow/tfjs";
import { xavierUniform } from "../tensor/initialise.js";
import { dense, type Linear } from "../tensor/layers.js";
import type { RandomStream } from "../tensor/random.js";
import type { HostArray, Mapped } from "../tensor/tree.js";
import { type Decoder, decode, initDecoder } from "./decoder.js";
import { type Encoder, type EncoderShape, encode, initEncoder } from "./encoder.js";
import { takeTokens } from "./tokens.js";

/** `embed` F→D. */
export type Autoencoder = { embed: Linear; encoder: Encoder; decoder: Decoder };

export interface AutoencoderShape {
  /** F */
  readonly features: number;
  readonly encoder: EncoderShape;
  readonly decoder: EncoderShape;
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
  const { features, encoder, decoder } = shape;
  return {
    embed: xavierUniform(rng, features, encoder.width),
    encoder: initEncoder(rng, encoder),
    decoder: initDecoder(rng, { ...decoder, input: encoder.width, output: features }),
  };
}

/** Encodes the kept tokens, and only them: tokens [B,T,F] gives [B,K,D]. */
export function encodeKept(
  p: Autoencoder,
  tokens: Tensor,
  { keep, positions }: Pick<MaskedInputs, "keep" | "positions">,
): Tensor {
  return encode(p.encoder, dense(takeTokens(tokens, keep), p.embed), { positions: takeTokens(positions, keep) });
}

/** Predicts all tokens from the kept ones: tokens [B,T,F] gives [B,T,F]. */
export function reconstruct(p: Autoencoder, tokens: Tensor, inputs: MaskedInputs): Tensor {
  const { restore, decoderPositions } = inputs;
  return decode(p.decoder, encodeKept(p, tokens, inputs), { restore, positions: decoderPositions });
}
