/** The model of a recipe: a masked autoencoder over tubes of patches, with fixed positions for pictures and learned ones for videos. */
import * as tf from "@tensorflow/tfjs";
import { BatonError } from "../errors.js";
import {
  type Autoencoder,
  attentionMap,
  embedAll,
  encode,
  featuresOf,
  gridOf,
  hiddenLoss,
  initAutoencoder,
  initSpaceTime,
  reconstructHidden,
  restoreTokens,
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

/** What features of a sample are made of. */
export const featureKinds = ["patches", "class-token"] as const;
export type FeatureKind = (typeof featureKinds)[number];
export interface FeatureOptions {
  readonly of?: FeatureKind;
  readonly dropPath?: Tensor | undefined;
}

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
    if (recipe.normalise && featuresOf(this.target) === 1) {
      const message = `normalise is true, but a patch to predict is a single number (patch is ${recipe.patch}, ${channels} channel)`;
      throw new BatonError("invalid-value", message, { hint: "set patch to 2 or more, or normalise to false" });
    }
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

  /** Features of whole samples, [B,D]: the mean of the encoded patches, or the encoded class token. `dropPath` as in {@link encode}. */
  features(p: ModelParameters, pixels: Tensor, { of = "patches", dropPath }: FeatureOptions = {}): Tensor {
    const encoded = encode(p.autoencoder.encoder, this.embed(p, pixels), dropPath ? { dropPath } : {});
    const [B, T, D] = encoded.shape as [number, number, number];
    if (of === "class-token") return tf.reshape(tf.slice(encoded, [0, 0, 0], [B, 1, D]), [B, D]);
    return tf.mean(tf.slice(encoded, [0, 1, 0], [B, T - 1, D]), 1);
  }

  /**
   * Samples, what the encoder sees of them, hidden patches grey and thrown ones black, and the samples with the hidden patches as they are
   * predicted: [B,T,H,W,C] each, of the frames that are predicted. A model that predicts normalised patches lacks their mean and spread,
   * which are taken from the sample.
   *
   * @param restore [B,tokens] int32, as in a `Masking`.
   */
  reconstruction(p: ModelParameters, pixels: Tensor, { keep, hidden, restore }: Masked & { restore: Tensor }) {
    const [positions, decoderPositions] = [this.positions(p, "encoder"), this.positions(p, "decoder")];
    const places = { keep, hidden, positions, decoderPositions };
    const guesses = reconstructHidden(p.autoencoder, this.tokens(pixels), places); // [B,M,F]
    const targets = this.#targets(pixels);
    const [kept, features] = [keep.shape[1]!, targets.shape[2]!];
    // Where in `hidden` each token stands; M for one that is not there.
    const many = tf.scalar(hidden.shape[1]!, "int32");
    const behind = tf.sub(restore, tf.scalar(kept, "int32"));
    const isKept = tf.less(behind, 0);
    let predicted = restoreTokens(guesses, tf.zeros([features]), tf.where(isKept, many, behind));
    if (this.recipe.normalise) {
      const { mean, variance } = tf.moments(targets, -1, true);
      const spread = tf.sqrt(tf.add(tf.mul(variance, features / (features - 1)), 1e-6));
      predicted = tf.add(tf.mul(predicted, spread), mean);
    }
    const share = (which: Tensor) => tf.cast(tf.expandDims(which, 2), "float32"); // [B,tokens,1]
    const [shown, thrown] = [share(isKept), share(tf.greaterEqual(behind, many))];
    const unseen = tf.sub(tf.sub(1, shown), thrown);
    const { mean: level, spread: unit } = this.recipe.pixels;
    const dark = tf.add(tf.mul(targets, shown), tf.mul(thrown, -level / unit));
    const filled = (by: Tensor | number) => this.#pixels(tf.add(dark, tf.mul(unseen, by)));
    return { original: this.#pixels(targets), seen: filled((0.5 - level) / unit), predicted: filled(predicted) };
  }

  /** How much the class token looks at each token, [B,tokens] (see {@link attentionMap}). */
  attention(p: ModelParameters, pixels: Tensor): Tensor {
    return attentionMap(p.autoencoder, this.tokens(pixels), this.positions(p, "encoder"));
  }
}
