import type { Tensor } from "@tensorflow/tfjs";
import type { Halves } from "./halves.js";

/** What an encoder is given of a time step: entities [B,N,F], relations [B,N,N,R], alive [B,N], actionMask [B,n,A], held [B,n]. */
export type EntityTensors = { entities: Tensor; relations: Tensor; alive: Tensor; actionMask: Tensor; held?: Tensor };

/** How i sees j: two halves [B,N,N,H] each, the second before its ReLU, or plain features [B,N,N,W]. */
export type Pairs = Halves | { features: Tensor };

/** Applies `f` to each array. */
export const mapPairs = (pairs: Pairs, f: (x: Tensor) => Tensor): Pairs =>
  "features" in pairs ? { features: f(pairs.features) } : { average: f(pairs.average), maximum: f(pairs.maximum) };

export type Encoded = {
  /** [B,N,H] the state embedding s of each entity. */
  x: Tensor;
  /** r_ij */
  pairs: Pairs;
  /** [B,N,1] 1 = alive. */
  alive: Tensor;
  /** [B,n] int32 entity that each agent holds, −1 = none; absent where nothing can be held. */
  held?: Tensor;
};
