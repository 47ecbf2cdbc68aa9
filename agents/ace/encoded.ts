import type { Tensor } from "@tensorflow/tfjs";
import type { Halves } from "./halves.js";

/** Entities: entities [B,N,S], relations [B,N,N,R]. */
export type EntitySet = { entities: Tensor; relations: Tensor };

/** What an encoder is given of a time step: besides, alive [B,N], actionMask [B,n,A], held [B,n]. */
export type EntityTensors = EntitySet & { alive: Tensor; actionMask: Tensor; held?: Tensor };

/** Who is seen by whom: [B,N,N], or [B,1,N] where all see the same. */
export type Sight = {
  /** What j weighs in i's mean. */
  share: Tensor;
  /** 1 = i sees j. */
  seen: Tensor;
  /** [N] or [B,N] int32: 1 = of the team. */
  team: Tensor;
};

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
