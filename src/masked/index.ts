export { type Attention, type AttentionOptions, attend, attentionWeights, initAttention } from "./attention.js";
export {
  type Autoencoder,
  type AutoencoderShape,
  encodeKept,
  initAutoencoder,
  type MaskedInputs,
  reconstruct,
} from "./autoencoder.js";
export { applyBlock, type Block, gelu, initBlock, type Mlp } from "./block.js";
export { type Decoder, type DecoderShape, decode, initDecoder } from "./decoder.js";
export { type EncodeOptions, type Encoder, type EncoderShape, encode, initEncoder } from "./encoder.js";
export {
  keptCount,
  type Masking,
  type MaskingBatch,
  type MaskingStrategy,
  maskByNoise,
  randomMasking,
  stackMaskings,
  tubeMasking,
} from "./masking.js";
export { foldNorm, initNorm, layerNorm, type Norm, normalise } from "./norm.js";
export { initPositions, initSpaceTime, type SpaceTime, sinCosGrid, sinCosLine, spaceTimePositions } from "./positions.js";
export { normaliseTokens, reconstructionLoss } from "./reconstruction.js";
export { restoreTokens, takeTokens } from "./tokens.js";
