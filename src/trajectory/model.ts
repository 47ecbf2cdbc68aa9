/**
 * The masked autoencoder of trajectories: the agent's own encoder sees the kept entities of each time step, and a light decoder predicts the
 * features of the hidden ones, of all time steps at once.
 *
 * The encoder knows no time, as in the agent. Time is the decoder's: kept and hidden tokens come with where they belong, a fixed sine–cosine
 * code of the time step and a learned one of the place among the entities.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { type EncoderParameters, encodeSeen, initEncoder } from "../../agents/ace/encoder.js";
import type { EnvironmentSpec } from "../environment.js";
import { type Decoder, decodeHidden, initDecoder, initPositions, sinCosLine } from "../masked/index.js";
import type { RandomStream } from "../tensor/random.js";
import { HostArray, type HostTree, type Tensors } from "../tensor/tree.js";
import type { TrajectoryBatch } from "./batch.js";
import type { TrajectoryRecipe } from "./recipe.js";
import type { FeatureScale } from "./scale.js";
import { placesOf, type WindowLayout } from "./windows.js";

type Tensor = tf.Tensor;

export type TrajectoryParameters = {
  /** What `--init-encoder` takes. */
  encoder: EncoderParameters;
  decoder: Decoder;
  /** [P,D] which place of a time step. */
  places: Tensor;
};

export class TrajectoryModel {
  readonly #times: HostArray;
  /** [S] 1/(features that vary) for those that do. */
  readonly #weights: HostArray;

  constructor(
    readonly recipe: Pick<TrajectoryRecipe, "encoder" | "decoder">,
    readonly layout: WindowLayout,
    { varies }: Pick<FeatureScale, "varies">,
  ) {
    this.#times = sinCosLine(layout.frames, recipe.decoder.width);
    const count = Math.max(
      1,
      varies.reduce((total, one) => total + one, 0),
    );
    this.#weights = HostArray.float32(
      Float32Array.from(varies, (one) => one / count),
      layout.entityFeatures,
    );
  }

  init(rng: RandomStream): HostTree {
    const { encoder, decoder } = this.recipe;
    const { entityFeatures, relationFeatures } = this.layout;
    const { parameters } = initEncoder(rng, { entityFeatures, relationFeatures } as EnvironmentSpec, encoder);
    return {
      encoder: parameters as HostTree,
      decoder: initDecoder(rng, { ...decoder, input: encoder.hidden, output: entityFeatures }) as HostTree,
      places: initPositions(rng, placesOf(this.layout), decoder.width),
    };
  }

  /** [T,D] where each token belongs. */
  #positions({ places }: TrajectoryParameters): Tensor {
    const [P, D] = places.shape as [number, number];
    const F = this.layout.frames;
    const times = tf.tensor(this.#times.data, [F, 1, D], "float32");
    return tf.reshape(tf.add(times, places), [F * P, D]);
  }

  /** What is predicted of the hidden tokens, [B,M,S]. */
  predict(p: TrajectoryParameters, batch: Tensors<TrajectoryBatch>): Tensor {
    const { keep, hidden, entities, relations, share, seen, team, present } = batch;
    const { x } = encodeSeen(p.encoder, { entities, relations }, { share, seen, team });
    const encoded = tf.mul(x, tf.expandDims(present, 2)); // whoever is not there says nothing
    return decodeHidden(p.decoder, encoded, { keep, hidden, positions: this.#positions(p) });
  }

  /** Mean squared error over the features that vary, of the hidden entities that are there: a scalar. */
  loss(p: TrajectoryParameters, batch: Tensors<TrajectoryBatch>): Tensor {
    const weights = tf.tensor(this.#weights.data, [...this.#weights.shape], "float32");
    const errors = tf.squaredDifference(this.predict(p, batch), batch.target);
    const perToken = tf.sum(tf.mul(errors, weights), -1); // [B,M]
    return tf.div(tf.sum(tf.mul(perToken, batch.weight)), tf.maximum(tf.sum(batch.weight), 1));
  }
}
