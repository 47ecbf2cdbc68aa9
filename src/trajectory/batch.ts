/**
 * A masked batch as the compiled update takes it. Tokens that are hidden never reach the encoder, nor do the relations that they are part of.
 *
 * Axes: `B` windows, `T` tokens, `K` kept, `M` hidden, `S`/`R` features.
 *
 * @module
 */
import type { Masking } from "../masked/index.js";
import { HostArray } from "../tensor/tree.js";
import type { FeatureScale } from "./scale.js";
import { placesOf, type Window, type WindowLayout } from "./windows.js";

export type TrajectoryBatch = {
  /** [B,K] int32 tokens that the encoder sees. */
  keep: HostArray;
  /** [B,K] 1 = somebody is there. */
  present: HostArray;
  /** [B,K,S] as the environment gives them; zeros where nobody is there. */
  entities: HostArray;
  /** [B,K,K,R] zeros between time steps. */
  relations: HostArray;
  /** [B,K,K] 1 = the same time step, and the other one is there. */
  seen: HostArray;
  /** [B,K,K] what the other one weighs in the encoder's mean. */
  share: HostArray;
  /** [B,K] int32 1 = of the team. */
  team: HostArray;
  /** [B,M] int32 tokens to predict. */
  hidden: HostArray;
  /** [B,M,S] their features, each brought to mean 0 and variance 1. */
  target: HostArray;
  /** [B,M] 1 = somebody is there: only then the prediction counts. */
  weight: HostArray;
};

const zeros = (dtype: "float32" | "int32", ...shape: number[]) => HostArray.zeros({ shape, dtype });

export function allocateTrajectoryBatch(layout: WindowLayout, B: number, K: number, M: number): TrajectoryBatch {
  const { entityFeatures: S, relationFeatures: R } = layout;
  return {
    keep: zeros("int32", B, K),
    present: zeros("float32", B, K),
    entities: zeros("float32", B, K, S),
    relations: zeros("float32", B, K, K, R),
    seen: zeros("float32", B, K, K),
    share: zeros("float32", B, K, K),
    team: zeros("int32", B, K),
    hidden: zeros("int32", B, M),
    target: zeros("float32", B, M, S),
    weight: zeros("float32", B, M),
  };
}

/** Writes window `b` of a batch. */
export function writeWindow(
  batch: TrajectoryBatch,
  b: number,
  window: Window,
  { keep, hidden }: Pick<Masking, "keep" | "hidden">,
  layout: WindowLayout,
  scale: FeatureScale,
): void {
  writeKept(batch, b, window, keep, layout);
  const { entityFeatures: S } = layout;
  const M = hidden.length;
  for (const [m, token] of hidden.entries()) {
    const row = b * M + m;
    batch.hidden.data[row] = token;
    batch.weight.data[row] = window.present[token]!;
    for (let s = 0; s < S; s++) {
      const value = (window.tokens[token * S + s]! - scale.mean[s]!) / scale.spread[s]!;
      batch.target.data[row * S + s] = window.present[token] === 1 && scale.varies[s] === 1 ? value : 0;
    }
  }
}

function writeKept(batch: TrajectoryBatch, b: number, window: Window, keep: Int32Array, layout: WindowLayout): void {
  const { entityFeatures: S, relationFeatures: R, agents } = layout;
  const P = placesOf(layout);
  const K = keep.length;
  const { entities: N, entityAt, relations, present, tokens } = window;
  const frameOf = (token: number) => Math.floor(token / P);
  /** How many of a frame's entities are there, and which of the kept tokens are. */
  const there = new Int32Array(layout.frames);
  const kept: number[][] = Array.from(there, () => []);
  for (const [token, one] of present.entries()) there[frameOf(token)]! += one;
  keep.forEach((token, i) => {
    if (present[token] === 1) kept[frameOf(token)]!.push(i);
  });
  const rows = (array: HostArray, width: number) => array.data.fill(0, b * K * K * width, (b + 1) * K * K * width);
  const [relationRows, seen, share] = [rows(batch.relations, R), rows(batch.seen, 1), rows(batch.share, 1)];
  for (const [i, token] of keep.entries()) {
    const row = b * K + i;
    const frame = frameOf(token);
    batch.keep.data[row] = token;
    batch.present.data[row] = present[token]!;
    batch.team.data[row] = token % P < agents ? 1 : 0;
    batch.entities.data.set(tokens.subarray(token * S, (token + 1) * S), row * S);
    if (present[token] === 0) continue;
    for (const j of kept[frame]!) {
      const pair = row * K + j;
      seen[pair] = 1;
      // the mean over those that are kept stands for the mean over all that are there, of which the encoder's is the share there/N
      share[pair] = there[frame]! / N / kept[frame]!.length;
      const from = ((frame * N + entityAt[token % P]!) * N + entityAt[keep[j]! % P]!) * R;
      for (let r = 0; r < R; r++) relationRows[pair * R + r] = relations[from + r]!;
    }
  }
}
