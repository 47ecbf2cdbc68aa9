/**
 * The relational encoder of the paper (ace-spec §3.1, steps 1–3): a per-entity MLP, one round of messages over all ordered pairs, pooled by
 * mean and maximum.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { EnvironmentSpec } from "../../src/environment.js";
import { uniformFanIn } from "../../src/tensor/initialise.js";
import { dense, type Linear } from "../../src/tensor/layers.js";
import type { RandomStream } from "../../src/tensor/random.js";
import type { HostArray, Mapped } from "../../src/tensor/tree.js";
import type { EntitySet, Sight } from "./encoded.js";
import { type Halves, halves, maximumOfLiving } from "./halves.js";
import { initMlp, type Mlp, mlp } from "./mlp.js";

type Tensor = tf.Tensor;

/** A first layer over a concatenation is kept as one matrix per part (ace-spec §4.1). */
export type RelationalParameters = {
  /** S→H→H */
  state: Mlp;
  /** (R+H)→H→2H; `relation` [R,H] is absent when R = 0. */
  relation: { relation?: Tensor; other: Linear; output: Linear };
  /** 3H→H */
  aggregate: { own: Linear; mean: Tensor; max: Tensor };
};

/** Freshly initialised: PyTorch's default for linear layers. */
export function initRelational(
  rng: RandomStream,
  spec: EnvironmentSpec,
  H: number,
): Mapped<RelationalParameters, Tensor, HostArray> {
  /** Rows of a first layer whose whole input has `fanIn` features. */
  const part = (rows: number, fanIn: number) => uniformFanIn(rng, rows, H, fanIn);
  const { entityFeatures: S, relationFeatures: R } = spec;
  return {
    state: initMlp(rng, S, H, H),
    relation: { ...(R > 0 ? { relation: part(R, R + H).w } : {}), other: part(H, R + H), output: uniformFanIn(rng, H, 2 * H) },
    aggregate: { own: part(H, 3 * H), mean: part(H, 3 * H).w, max: part(H, 3 * H).w },
  };
}

/** Features of a pair: both halves. */
export const relationalPairs = (H: number): number => 2 * H;

export function encodeRelational(p: RelationalParameters, set: EntitySet, sight: Sight): { x: Tensor; pairs: Halves } {
  const [B, N] = set.entities.shape as [number, number, number];
  const rows = sight.seen.shape[1]!;
  /** x·w over the last axis, without bias. */
  const project = (x: Tensor, w: Tensor): Tensor => dense(x, { w });
  // s0 = MLP2(states)
  const s0 = mlp(set.entities, p.state); // [B,N,H]
  const H = s0.shape[2]!;
  // r_ij = MLP2(concat(rel_ij, s0_j)): the product with s0_j is made once per entity
  const other = tf.expandDims(dense(s0, p.relation.other), 1); // [B,1,N,H]
  const first = p.relation.relation ? tf.add(project(set.relations, p.relation.relation), other) : tf.tile(other, [1, N, 1, 1]);
  const pairs = halves(tf.relu(first), p.relation.output); // [B,N,N,H]
  // p_i = Σ_j share_ij r_avg_ij, where share_ij = m_j/N if all see all ;  g_i = max_j m_j r_max_ij
  const share = tf.reshape(sight.share, [B, rows, 1, N]);
  const each = rows === N ? share : tf.tile(share, [1, N, 1, 1]);
  const mean = tf.reshape(tf.matMul(each, pairs.average), [B, N, H]);
  const max = maximumOfLiving(pairs.maximum, tf.reshape(sight.seen, [B, rows, N, 1]), 2);
  // s = ReLU(Linear(concat(s0, p, g)))
  const { own, mean: wMean, max: wMax } = p.aggregate;
  const x = tf.relu(tf.addN([dense(s0, own), project(mean, wMean), project(max, wMax)]));
  return { x: tf.reshape(x, [B, N, H]), pairs };
}
