/**
 * The relational network of ACE (research: paper's section "Network", ace-spec §3.1): per-entity MLP, one round of pooled
 * relations, pairwise action embeddings, and a value of the whole pooled state.
 *
 * Axes: `B` batch, `N` entities, `n` agents, `H` hidden, `S`/`R` features, `U` untargeted actions, `P` predicted features.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { EnvironmentSpec } from "../../src/environment.js";
import { normal, uniformFanIn } from "../../src/tensor/initialise.js";
import { dense, type Linear } from "../../src/tensor/layers.js";
import type { RandomStream } from "../../src/tensor/random.js";
import type { HostArray, Mapped } from "../../src/tensor/tree.js";

type Tensor = tf.Tensor;

/** Linear, ReLU, Linear, ReLU. */
export type Mlp = { hidden: Linear; output: Linear };

/** Parameters of the relational network. A first layer over a concatenation is kept as one matrix per part (ace-spec §4.1). */
export type NetworkParameters = {
  /** S→H→H */
  state: Mlp;
  /** (R+H)→H→2H; `relation` [R,H] is absent when R = 0. */
  relation: { relation?: Tensor; other: Linear; output: Linear };
  /** 3H→H */
  aggregate: { own: Linear; mean: Tensor; max: Tensor };
  /** 4H→H→2H; absent when no action has a target. */
  action?: { pair: Linear; target: Tensor; actor: Tensor; output: Linear };
  /** [U,H] embeddings of the untargeted actions. */
  table: Tensor;
  /** H→H→2H */
  decision: Mlp;
  /** 2H→H→1 */
  value: Mlp;
  /** H→H/2→P and 2H→H→2P; absent when nothing is predicted. */
  predict?: { local: Mlp; global: Mlp };
};

export type HostParameters = Mapped<NetworkParameters, Tensor, HostArray>;

/** Freshly initialised parameters: PyTorch's default for linear layers, N(0, 2/(U·H)) for the action table (ace-spec §3.1). */
export function initNetwork(rng: RandomStream, spec: EnvironmentSpec, H: number): HostParameters {
  const linear = (fanIn: number, fanOut: number) => uniformFanIn(rng, fanIn, fanOut);
  const mlp = (a: number, b: number, c: number) => ({ hidden: linear(a, b), output: linear(b, c) });
  /** Rows of a first layer whose whole input has `fanIn` features. */
  const part = (rows: number, fanOut: number, fanIn: number) => uniformFanIn(rng, rows, fanOut, fanIn);
  const { entityFeatures: S, relationFeatures: R, untargetedActions: U, predictedFeatures } = spec;
  const P = predictedFeatures.length;
  return {
    state: mlp(S, H, H),
    relation: {
      ...(R > 0 ? { relation: part(R, H, R + H).w } : {}),
      other: part(H, H, R + H),
      output: linear(H, 2 * H),
    },
    aggregate: { own: part(H, H, 3 * H), mean: part(H, H, 3 * H).w, max: part(H, H, 3 * H).w },
    ...(spec.actions > U
      ? {
          action: {
            pair: part(2 * H, H, 4 * H),
            target: part(H, H, 4 * H).w,
            actor: part(H, H, 4 * H).w,
            output: linear(H, 2 * H),
          },
        }
      : {}),
    table: normal(rng, [U, H], Math.sqrt(2 / (U * H))),
    decision: mlp(H, H, 2 * H),
    value: mlp(2 * H, H, 1),
    ...(P > 0 ? { predict: { local: mlp(H, Math.max(1, H >> 1), P), global: mlp(2 * H, H, 2 * P) } } : {}),
  };
}

/**
 * What two heads make of the same hidden layer. Both are pooled over entities, one by the mean, one by the maximum. ReLU follows both,
 * but since it commutes with the maximum, it is applied to the maximum of few instead of to all.
 */
export type Halves = {
  /** […,H] after the ReLU. */
  average: Tensor;
  /** […,H] before the ReLU. */
  maximum: Tensor;
};

/** What the encoder knows of a time step before anybody decides. */
export type Encoded = {
  /** [B,N,H] the state embedding s of each entity. */
  x: Tensor;
  /** [B,N,N,H] each: r_ij, how i sees j. */
  pairs: Halves;
  /** [B,N,1] 1 = alive. */
  alive: Tensor;
};

const mlp = (x: Tensor, p: Mlp): Tensor => tf.relu(dense(tf.relu(dense(x, p.hidden)), p.output));
/** x·w over the last axis, without bias. */
const project = (x: Tensor, w: Tensor): Tensor => dense(x, { w });

/** The two heads of a layer of 2H outputs, as two products: their results are never in one array, so nothing has to be split. */
function halves(hidden: Tensor, { w, b }: Linear): Halves {
  const [wAverage, wMaximum] = tf.split(w, 2, 1) as [Tensor, Tensor];
  const [bAverage, bMaximum] = tf.split(b, 2, 0) as [Tensor, Tensor];
  return {
    average: tf.relu(dense(hidden, { w: wAverage, b: bAverage })),
    maximum: dense(hidden, { w: wMaximum, b: bMaximum }),
  };
}

/** concat(a, b)·w + bias for a layer of 2H inputs, without the concatenation. */
function joined(a: Tensor, b: Tensor, { w, b: bias }: Linear): Tensor {
  const [top, bottom] = tf.split(w, 2, 0) as [Tensor, Tensor];
  return tf.add(dense(a, { w: top, b: bias }), project(b, bottom));
}

/** Far below every activation: what is added to a row that must not win a maximum. */
const ABSENT = -1e9;

/** 0 for the living, far below zero for the dead; `alive` is 1 or 0. */
const absent = (alive: Tensor): Tensor => tf.mul(tf.sub(1, alive), ABSENT);

/** ReLU(max over axis `axis` of the living rows of `x`); `alive` broadcasts to x, and the dead count as 0. */
export const maximumOfLiving = (x: Tensor, alive: Tensor, axis: number): Tensor =>
  tf.relu(tf.max(tf.add(x, absent(alive)), axis));

/** Steps 1–3 of ace-spec §3.1. */
export function encode(p: NetworkParameters, step: { entities: Tensor; relations: Tensor; alive: Tensor }): Encoded {
  const [B, N] = step.entities.shape as [number, number, number];
  const alive = tf.cast(step.alive, "float32");
  // s0 = MLP2(states)
  const s0 = mlp(step.entities, p.state); // [B,N,H]
  const H = s0.shape[2]!;
  // r_ij = MLP2(concat(rel_ij, s0_j)): the product with s0_j is made once per entity
  const other = tf.expandDims(dense(s0, p.relation.other), 1); // [B,1,N,H]
  const first = p.relation.relation ? tf.add(project(step.relations, p.relation.relation), other) : tf.tile(other, [1, N, 1, 1]);
  const pairs = halves(tf.relu(first), p.relation.output); // [B,N,N,H]
  // p_i = (1/N) Σ_j m_j r_avg_ij ;  g_i = max_j m_j r_max_ij
  const share = tf.tile(tf.reshape(tf.div(alive, N), [B, 1, 1, N]), [1, N, 1, 1]);
  const mean = tf.reshape(tf.matMul(share, pairs.average), [B, N, H]);
  const max = maximumOfLiving(pairs.maximum, tf.reshape(alive, [B, 1, N, 1]), 2);
  // s = ReLU(Linear(concat(s0, p, g)))
  const { own, mean: wMean, max: wMax } = p.aggregate;
  const x = tf.relu(tf.addN([dense(s0, own), project(mean, wMean), project(max, wMax)]));
  return { x: tf.reshape(x, [B, N, H]), pairs, alive: tf.reshape(alive, [B, N, 1]) };
}

/** e_ij = MLP2(concat(r_ij, s_j, s_i)) from its three parts: the actor receives the first H of 2H, the target the others. */
export function embedTargeted(
  p: NetworkParameters,
  /** […,H] each: r_ij */
  pair: Halves,
  /** […,H] s_j·W_target */
  target: Tensor,
  /** […,H] s_i·W_actor */
  actor: Tensor,
): Tensor {
  const action = p.action!;
  const seen = joined(pair.average, tf.relu(pair.maximum), action.pair);
  return tf.relu(dense(tf.relu(tf.add(tf.add(seen, target), actor)), action.output));
}

/** What the two heads of D see of rows […,H], before the ReLU: linear, so what a decision adds to a row can be added here. */
export const beforeDeciding = (p: NetworkParameters, x: Tensor): Tensor => dense(x, p.decision.hidden);

/** D from there: per-entity decision embedding. */
export const decide = (p: NetworkParameters, before: Tensor): Halves => halves(tf.relu(before), p.decision.output);

/** V of pooled decision embeddings, […,H] each → […]. */
export function value(p: NetworkParameters, mean: Tensor, max: Tensor): Tensor {
  const v = dense(tf.relu(joined(mean, max, p.value.hidden)), p.value.output);
  return tf.squeeze(v, [v.rank - 1]);
}

/** Auxiliary heads: change of the predicted features, per entity [B,N,P] and summed per side [B,2P]. */
export function predict(p: NetworkParameters, x: Tensor, z: Tensor): { local: Tensor; global: Tensor } {
  const head = (input: Tensor, m: Mlp) => dense(tf.relu(dense(input, m.hidden)), m.output);
  return { local: head(x, p.predict!.local), global: head(z, p.predict!.global) };
}
