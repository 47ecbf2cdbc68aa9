export { type Attention, type AttentionOptions, attend, attentionWeights, initAttention } from "./attention.js";
export { attentionMap } from "./attention-map.js";
export {
  type Autoencoder,
  type AutoencoderShape,
  embedAll,
  embedKept,
  encodeKept,
  initAutoencoder,
  type MaskedInputs,
  reconstruct,
  reconstructHidden,
} from "./autoencoder.js";
export { applyBlock, type Block, gelu, initBlock, type Mlp } from "./block.js";
export { type Decoder, type DecoderShape, decode, decodeHidden, initDecoder } from "./decoder.js";
export { drawDropPath } from "./drop-path.js";
export { type EncodeOptions, type Encoder, type EncoderShape, encode, initEncoder } from "./encoder.js";
export {
  keptCount,
  type Masking,
  type MaskingBatch,
  type MaskingStrategy,
  maskByNoise,
  maskByOrder,
  orderOf,
  stackMaskings,
} from "./masking.js";
export { centre, centreOutputs, foldNorm, initNorm, type Norm, normalise, normOfCentred } from "./norm.js";
export { fromOfficial, type OfficialShape, toOfficial } from "./official/index.js";
export { initPositions, initSpaceTime, type SpaceTime, sinCosGrid, sinCosLine, spaceTimePositions } from "./positions.js";
export { hiddenLoss, normaliseTokens, reconstructionLoss } from "./reconstruction.js";
export {
  attentionMasking,
  blockMasking,
  frameMasking,
  type Masker,
  type MaskingSettings,
  maskerOf,
  maskingSchema,
  randomMasking,
  tubeMasking,
} from "./strategies.js";
export {
  type EntityEpisode,
  type EntityTokens,
  entityTokens,
  featuresOf,
  gridOf,
  patchTokens,
  type TokenGrid,
  type TubeShape,
  tokensIn,
  tubeTokens,
  untubeTokens,
} from "./tokenizers.js";
export { restoreTokens, takeTokens } from "./tokens.js";
