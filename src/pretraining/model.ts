/** The model of a recipe: a masked autoencoder over tubes of patches, with fixed positions for pictures and learned ones for videos. */
import * as tf from "@tensorflow/tfjs";
import { BatonError } from "../errors.js";
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

/** Frames that are predicted, `count` of them, evenly spread from the first to the last: ⌊linspace(0, frames−1, count)⌋, as MAE-ST has it. */
export function predictedFrames(frames: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => (count === 1 ? 0 : Math.floor((i * (frames - 1)) / (count - 1))));
}

/** What the kept and hidden tokens of a batch are: [B,K] and [B,M] int32. */
export type Masked = { keep: Tensor; hidden: Tensor };

export class Model {
  readonly shape: TubeShape;
  readonly grid: TokenGrid;
  /** The shape of what is predicted: fewer frames than there are, with as many tokens. */
  readonly target: TubeShape;
  readonly #targetFrames: readonly number[];

  constructor(
    readonly recipe: Recipe,
    { frames, height, width, channels }: Dataset,
  ) {
    this.shape = { frames, height, width, channels, patch: recipe.patch, tube: recipe.tube };
    this.grid = gridOf(this.shape);
    const predicted = recipe.predictedFrames ?? frames;
    const tube = (recipe.tube * predicted) / frames;
    if (predicted > frames || !Number.isInteger(tube)) {
      throw new BatonError("invalid-value", `predictedFrames is ${predicted}, which gives tubes of ${tube} frames`, {
        hint: `with ${frames} frames and tubes of ${recipe.tube}, choose a multiple of ${frames / recipe.tube} up to ${frames}`,
      });
    }
    this.target = { ...this.shape, frames: predicted, tube };
    this.#targetFrames = predictedFrames(frames, predicted);
  }

  init(rng: RandomStream): HostTree {
    const { encoder, decoder } = this.recipe;
    const { frames, rows, columns } = this.grid;
    const isVideo = this.shape.frames > 1;
    const [features, output] = [featuresOf(this.shape), featuresOf(this.target)];
    const shape = { features, output, encoder, decoder, cls: true, decoderCls: isVideo };
    const autoencoder = initAutoencoder(rng, shape) as HostTree;
    if (!isVideo) return { autoencoder };
    const learned = (width: number) => initSpaceTime(rng, { frames, places: rows * columns, width });
    return { autoencoder, places: { encoder: learned(encoder.width), decoder: learned(decoder.width) } };
  }

  /** Positions of all tokens as the encoder or the decoder knows them, [T,width]. */
  positions(p: ModelParameters, side: "encoder" | "decoder"): Tensor {
    if (p.places) return spaceTimePositions(p.places[side]);
    const { rows, columns } = this.grid;
    const table = sinCosGrid(rows, columns, this.recipe[side].width);
    return tf.tensor(table.data, [...table.shape], "float32");
  }

  /** Tokens of pixels in [0,1], brought to about mean 0 and spread 1. */
  tokens(pixels: Tensor): Tensor {
    return this.#standardised(tubeTokens(pixels, this.shape));
  }

  #standardised(tokens: Tensor): Tensor {
    const { mean, spread } = this.recipe.pixels;
    return tf.div(tf.sub(tokens, mean), spread);
  }

  /** What is to be predicted of pixels, [B,tokens,F]. */
  #targets(pixels: Tensor): Tensor {
    if (this.target.frames === this.shape.frames) return this.tokens(pixels);
    const frames = tf.gather(pixels, tf.tensor1d([...this.#targetFrames], "int32"), 1);
    return this.#standardised(tubeTokens(frames, this.target));
  }

  /** Pixels of {@link targets}. */
  #pixels(targets: Tensor): Tensor {
    const { mean, spread } = this.recipe.pixels;
    return untubeTokens(tf.add(tf.mul(targets, spread), mean), this.target);
  }

  /** The loss of predicting the hidden tokens of pixels [B,T,H,W,C]: a scalar. */
  loss(p: ModelParameters, pixels: Tensor, { keep, hidden }: Masked): Tensor {
    const tokens = this.tokens(pixels);
    const predicted = reconstructHidden(p.autoencoder, tokens, {
      keep,
      hidden,
      positions: this.positions(p, "encoder"),
      decoderPositions: this.positions(p, "decoder"),
    });
    return hiddenLoss(predicted, takeTokens(this.#targets(pixels), hidden), this.recipe.normalise);
  }

  /** The encoder's input for whole samples, [B,1+T,D]. */
  embed(p: ModelParameters, pixels: Tensor): Tensor {
    return embedAll(p.autoencoder, this.tokens(pixels), this.positions(p, "encoder"));
  }

  /** Features of whole samples: the mean of the encoded patches, [B,D]. `dropPath` as in {@link encode}. */
  features(p: ModelParameters, pixels: Tensor, dropPath?: Tensor): Tensor {
    const encoded = encode(p.autoencoder.encoder, this.embed(p, pixels), dropPath ? { dropPath } : {});
    const [B, T, D] = encoded.shape as [number, number, number];
    return tf.mean(tf.slice(encoded, [0, 1, 0], [B, T - 1, D]), 1);
  }

  /**
   * Samples, what the encoder sees of them, hidden patches grey, and the samples with the hidden patches as they are predicted: [B,T,H,W,C]
   * each, of the frames that are predicted. A model that predicts normalised patches lacks their mean and spread, which are taken from the
   * sample.
   *
   * @param mask [B,tokens] bool
   */
  reconstruction(p: ModelParameters, pixels: Tensor, { keep, restore, mask }: { keep: Tensor; restore: Tensor; mask: Tensor }) {
    const [positions, decoderPositions] = [this.positions(p, "encoder"), this.positions(p, "decoder")];
    let predicted = reconstruct(p.autoencoder, this.tokens(pixels), { keep, restore, positions, decoderPositions });
    const targets = this.#targets(pixels);
    if (this.recipe.normalise) {
      const { mean, variance } = tf.moments(targets, -1, true);
      const features = targets.shape.at(-1)!;
      const spread = tf.sqrt(tf.add(tf.mul(variance, features / (features - 1)), 1e-6));
      predicted = tf.add(tf.mul(predicted, spread), mean);
    }
    const hidden = tf.cast(tf.expandDims(mask, 2), "float32");
    const seen = tf.mul(targets, tf.sub(1, hidden));
    const filled = (by: Tensor) => this.#pixels(tf.add(seen, tf.mul(by, hidden)));
    const { mean: black, spread: unit } = this.recipe.pixels;
    const grey = tf.fill(targets.shape, (0.5 - black) / unit);
    return { original: this.#pixels(targets), seen: filled(grey), predicted: filled(predicted) };
  }
}
