/** Mean and spread of each entity feature: what is predicted is brought to mean 0 and variance 1. */
import { placesOf, type WindowSource } from "./windows.js";

/** Windows that are looked at. */
const LOOKED_AT = 4000;
/** A feature that varies less than this tells nothing. */
const CONSTANT = 1e-8;
/** Added to the variance, so that what hardly ever differs is not blown up without bounds. */
const EPSILON = 1e-4;

export interface FeatureScale {
  /** [S] */
  readonly mean: Float64Array;
  /** [S] √(variance + 1e-4) */
  readonly spread: Float64Array;
  /** [S] 1 = the feature varies and is predicted. */
  readonly varies: Uint8Array;
}

/** Over the entities that are there in windows spread evenly over those to train on. */
export function featureScale(source: WindowSource): FeatureScale {
  const { entityFeatures: S, frames } = source.layout;
  const T = frames * placesOf(source.layout);
  const windows = source.windows("train");
  const [sum, squares] = [new Float64Array(S), new Float64Array(S)];
  const looks = Math.min(LOOKED_AT, windows);
  const every = (look: (tokens: Float32Array, at: number) => void): number => {
    let count = 0;
    for (let k = 0; k < looks; k++) {
      const { tokens, present } = source.window(Math.floor((k * windows) / looks), "train");
      for (let token = 0; token < T; token++) {
        if (present[token] === 0) continue;
        look(tokens, token * S);
        count += 1;
      }
    }
    return Math.max(1, count);
  };
  const count = every((tokens, at) => {
    for (let s = 0; s < S; s++) sum[s]! += tokens[at + s]!;
  });
  const mean = sum.map((total) => total / count);
  // twice over the data: what differs little from a large mean would drown in the difference of squares
  every((tokens, at) => {
    for (let s = 0; s < S; s++) squares[s]! += (tokens[at + s]! - mean[s]!) ** 2;
  });
  const variance = squares.map((total) => total / count);
  return {
    mean,
    spread: variance.map((v) => Math.sqrt(v + EPSILON)),
    varies: Uint8Array.from(variance, (v) => (v > CONSTANT ? 1 : 0)),
  };
}
