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

/** What the encoder knows of a time step before anybody decides. */
export type Encoded = {
  /** [B,N,H] the state embedding s of each entity. */
  x: Tensor;
  /** [B,N,N,2H] r_ij, how i sees j. */
  pairs: Tensor;
  /** [B,N,1] 1 = alive. */
  alive: Tensor;
};

const mlp = (x: Tensor, p: Mlp): Tensor => tf.relu(dense(tf.relu(dense(x, p.hidden)), p.output));
/** x·w over the last axis, without bias. */
const project = (x: Tensor, w: Tensor): Tensor => dense(x, { w });

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
  const pairs = tf.relu(dense(tf.relu(first), p.relation.output)); // [B,N,N,2H]
  // p_i = (1/N) Σ_j m_j r_avg_ij ;  g_i = max_j m_j r_max_ij
  const seen = tf.mul(pairs, tf.reshape(alive, [B, 1, N, 1]));
  const [average, maximum] = tf.split(seen, 2, 3) as [Tensor, Tensor];
  const mean = tf.mean(average, 2); // [B,N,H]
  const max = tf.max(maximum, 2);
  // s = ReLU(Linear(concat(s0, p, g)))
  const { own, mean: wMean, max: wMax } = p.aggregate;
  const x = tf.relu(tf.addN([dense(s0, own), project(mean, wMean), project(max, wMax)]));
  return { x: tf.reshape(x, [B, N, H]), pairs, alive: tf.reshape(alive, [B, N, 1]) };
}

/** e_ij = MLP2(concat(r_ij, s_j, s_i)) from its three parts, split into what the actor and what the target receive. */
export function embedTargeted(
  p: NetworkParameters,
  /** […,2H] r_ij */
  pair: Tensor,
  /** […,H] s_j·W_target */
  target: Tensor,
  /** […,H] s_i·W_actor */
  actor: Tensor,
): { active: Tensor; passive: Tensor } {
  const action = p.action!;
  const hidden = tf.relu(tf.add(tf.add(dense(pair, action.pair), target), actor));
  const [active, passive] = tf.split(tf.relu(dense(hidden, action.output)), 2, -1) as [Tensor, Tensor];
  return { active, passive };
}

/** D: per-entity decision embedding, […,H] → […,2H]. */
export const decide = (p: NetworkParameters, x: Tensor): Tensor => mlp(x, p.decision);

/** V of pooled decision embeddings z, […,2H] → […]. */
export function value(p: NetworkParameters, z: Tensor): Tensor {
  const v = dense(tf.relu(dense(z, p.value.hidden)), p.value.output);
  return tf.squeeze(v, [v.rank - 1]);
}

/** Auxiliary heads: change of the predicted features, per entity [B,N,P] and summed per side [B,2P]. */
export function predict(p: NetworkParameters, x: Tensor, z: Tensor): { local: Tensor; global: Tensor } {
  const head = (input: Tensor, m: Mlp) => dense(tf.relu(dense(input, m.hidden)), m.output);
  return { local: head(x, p.predict!.local), global: head(z, p.predict!.global) };
}
