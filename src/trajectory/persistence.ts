import type { TrajectoryBatch } from "./batch.js";
import type { FeatureScale } from "./scale.js";
import { placesOf, type WindowLayout } from "./windows.js";

/**
 * What must be beaten by whoever understands more than that things stay as they are: each hidden entity is predicted to be as it is where it
 * is kept nearest in time, and average where it is kept nowhere. The same error as the model's loss.
 */
export function persistenceLoss(batch: TrajectoryBatch, layout: WindowLayout, { mean, spread, varies }: FeatureScale): number {
  const [B, K] = batch.keep.shape as [number, number];
  const M = batch.hidden.shape[1]!;
  const { entityFeatures: S } = layout;
  const P = placesOf(layout);
  const features = varies.reduce((total, one) => total + one, 0);
  let [sum, count] = [0, 0];
  for (let b = 0; b < B; b++) {
    for (let m = 0; m < M; m++) {
      const row = b * M + m;
      if (batch.weight.data[row] === 0) continue;
      const nearest = nearestKept(batch, b, K, batch.hidden.data[row]!, P);
      for (let s = 0; s < S; s++) {
        if (varies[s] === 0) continue;
        const guess = nearest < 0 ? 0 : (batch.entities.data[(b * K + nearest) * S + s]! - mean[s]!) / spread[s]!;
        sum += (guess - batch.target.data[row * S + s]!) ** 2 / features;
      }
      count += 1;
    }
  }
  return sum / Math.max(1, count);
}

/** The kept token of the same place that is nearest in time, the earlier of two; −1 where there is none. */
function nearestKept(batch: TrajectoryBatch, b: number, K: number, token: number, P: number): number {
  let [best, distance] = [-1, Number.POSITIVE_INFINITY];
  for (let k = 0; k < K; k++) {
    const kept = batch.keep.data[b * K + k]!;
    if (kept % P !== token % P || batch.present.data[b * K + k] === 0) continue;
    const away = Math.abs(Math.floor(kept / P) - Math.floor(token / P)) + (kept > token ? 0.5 : 0);
    if (away < distance) [best, distance] = [k, away];
  }
  return best;
}
