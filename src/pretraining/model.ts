/** The model of a recipe: a masked autoencoder over tubes of patches, with fixed positions for pictures and learned ones for videos. */
import * as tf from "@tensorflow/tfjs";
import {
  type Autoencoder,
  embedAll,
  encode,
  featuresOf,
  gridOf,
  hiddenLoss,
  initAutoencoder,
  initSpaceTime,
  reconstruct,
  reconstructHidden,
  type SpaceTime,
  sinCosGrid,
  spaceTimePositions,
  type TokenGrid,
  type TubeShape,
  takeTokens,
  tubeTokens,
  untubeTokens,
} from "../masked/index.js";
import type { RandomStream } from "../tensor/random.js";
import type { HostTree } from "../tensor/tree.js";
import type { Dataset } from "./data/dataset.js";
import type { Recipe } from "./recipe.js";

type Tensor = tf.Tensor;

/** `places` are learned positions (videos), of the encoder and the decoder. */
export type ModelParameters = { autoencoder: Autoencoder; places?: { encoder: SpaceTime; decoder: SpaceTime } };

/** What the kept and hidden tokens of a batch are: [B,K] and [B,M] int32. */
export type Masked = { keep: Tensor; hidden: Tensor };

export class Model {
  readonly shape: TubeShape;
  readonly grid: TokenGrid;

  constructor(
    readonly recipe: Recipe,
    { frames, height, width, channels }: Dataset,
  ) {
    this.shape = { frames, height, width, channels, patch: recipe.patch, tube: recipe.tube };
    this.grid = gridOf(this.shape);
  }

  init(rng: RandomStream): HostTree {
    const { encoder, decoder } = this.recipe;
    const { frames, rows, columns } = this.grid;
    const shape = { features: featuresOf(this.shape), encoder, decoder, cls: true };
    const autoencoder = initAutoencoder(rng, shape) as HostTree;
    if (frames === 1) return { autoencoder };
    const learned = (width: number) => initSpaceTime(rng, { frames, places: rows * columns, width });
    return { autoencoder, places: { encoder: learned(encoder.width), decoder: learned(decoder.width) } };
  }

  /** [T,width] of the encoder or the decoder. */
  #positions(p: ModelParameters, side: "encoder" | "decoder"): Tensor {
    if (p.places) return spaceTimePositions(p.places[side]);
    const { rows, columns } = this.grid;
    const table = sinCosGrid(rows, columns, this.recipe[side].width);
    return tf.tensor(table.data, [...table.shape], "float32");
  }

  /** Tokens of pixels in [0,1], brought to about mean 0 and spread 1. */
  tokens(pixels: Tensor): Tensor {
    const { mean, spread } = this.recipe.pixels;
    return tf.div(tf.sub(tubeTokens(pixels, this.shape), mean), spread);
  }

  /** The inverse of {@link tokens}. */
  #pixels(tokens: Tensor): Tensor {
    const { mean, spread } = this.recipe.pixels;
    return untubeTokens(tf.add(tf.mul(tokens, spread), mean), this.shape);
  }

  /** The loss of predicting the hidden tokens of pixels [B,T,H,W,C]: a scalar. */
  loss(p: ModelParameters, pixels: Tensor, { keep, hidden }: Masked): Tensor {
    const tokens = this.tokens(pixels);
    const predicted = reconstructHidden(p.autoencoder, tokens, {
      keep,
      hidden,
      positions: this.#positions(p, "encoder"),
      decoderPositions: this.#positions(p, "decoder"),
    });
    return hiddenLoss(predicted, takeTokens(tokens, hidden), this.recipe.normalise);
  }

  /** The encoder's input for whole samples, [B,1+T,D]. */
  embed(p: ModelParameters, pixels: Tensor): Tensor {
    return embedAll(p.autoencoder, this.tokens(pixels), this.#positions(p, "encoder"));
  }

  /** Features of whole samples: the mean of the encoded patches, [B,D]. */
  features(p: ModelParameters, pixels: Tensor): Tensor {
    const encoded = encode(p.autoencoder.encoder, this.embed(p, pixels));
    const [B, T, D] = encoded.shape as [number, number, number];
    return tf.mean(tf.slice(encoded, [0, 1, 0], [B, T - 1, D]), 1);
  }

  /** Positions of the encoder, for attention maps. */
  encoderPositions(p: ModelParameters): Tensor {
    return this.#positions(p, "encoder");
  }

  /**
   * What the encoder sees of samples, hidden patches grey, and the samples with the hidden patches as they are predicted: [B,T,H,W,C] each. A
   * model that predicts normalised patches lacks their mean and spread, which are taken from the sample.
   *
   * @param mask [B,tokens] bool
   */
  reconstruction(p: ModelParameters, pixels: Tensor, { keep, restore, mask }: { keep: Tensor; restore: Tensor; mask: Tensor }) {
    const tokens = this.tokens(pixels);
    const [positions, decoderPositions] = [this.#positions(p, "encoder"), this.#positions(p, "decoder")];
    let predicted = reconstruct(p.autoencoder, tokens, { keep, restore, positions, decoderPositions });
    if (this.recipe.normalise) {
      const { mean, variance } = tf.moments(tokens, -1, true);
      const features = tokens.shape.at(-1)!;
      const spread = tf.sqrt(tf.add(tf.mul(variance, features / (features - 1)), 1e-6));
      predicted = tf.add(tf.mul(predicted, spread), mean);
    }
    const hidden = tf.cast(tf.expandDims(mask, 2), "float32");
    const seen = tf.mul(tokens, tf.sub(1, hidden));
    const filled = (by: Tensor) => this.#pixels(tf.add(seen, tf.mul(by, hidden)));
    const { mean: black, spread: unit } = this.recipe.pixels;
    return { seen: filled(tf.fill(tokens.shape, (0.5 - black) / unit)), predicted: filled(predicted) };
  }
}
