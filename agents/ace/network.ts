/**
 * The network of ACE (paper's section "Network", ace-spec §3): an encoder of entities, pairwise action embeddings, and a value of the whole
 * pooled state.
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
import type { Encoded, EntityTensors, Pairs } from "./encoded.js";
import { type EncoderParameters, type EncoderSettings, encodeEntities, initEncoder } from "./encoder.js";
import { type Halves, halves, joined } from "./halves.js";
import { head, initMlp, type Mlp } from "./mlp.js";

type Tensor = tf.Tensor;

/** Parameters of the network. A first layer over a concatenation is kept as one matrix per part (ace-spec §4.1). */
export type NetworkParameters = {
  encoder: EncoderParameters;
  /** (W+2H)→H→2H; absent when no action has a target. */
  action?: { pair: Linear; target: Tensor; actor: Tensor; output: Linear };
  /** [U,H] embeddings of the untargeted actions. */
  table: Tensor;
  /** H→H→U·H: what the untargeted actions of a holder do to what it holds; absent when nothing can be held. */
  held?: Mlp;
  /** H→H→2H */
  decision: Mlp;
  /** 2H→H→1 */
  value: Mlp;
  /** H→H/2→P and 2H→H→2P; absent when nothing is predicted. */
  predict?: { local: Mlp; global: Mlp };
};

/** Matrices with a row for each entity feature: the first layer of either encoder. */
export const featureRows = ["encoder/state/hidden/w", "encoder/token/w"];

export type HostParameters = Mapped<NetworkParameters, Tensor, HostArray>;

/** Freshly initialised parameters: PyTorch's default for linear layers, N(0, 2/(U·H)) for the action table (ace-spec §3.1). */
export function initNetwork(rng: RandomStream, spec: EnvironmentSpec, settings: EncoderSettings): HostParameters {
  const H = settings.hidden;
  const { untargetedActions: U, predictedFeatures } = spec;
  const P = predictedFeatures.length;
  const { parameters: encoder, pairs: W } = initEncoder(rng, spec, settings);
  const part = (rows: number) => uniformFanIn(rng, rows, H, W + 2 * H);
  return {
    encoder,
    ...(spec.actions > U
      ? { action: { pair: part(W), target: part(H).w, actor: part(H).w, output: uniformFanIn(rng, H, 2 * H) } }
      : {}),
    table: normal(rng, [U, H], Math.sqrt(2 / (U * H))),
    ...(spec.heldEntity ? { held: initMlp(rng, H, H, U * H) } : {}),
    decision: initMlp(rng, H, H, 2 * H),
    value: initMlp(rng, 2 * H, H, 1),
    ...(P > 0 ? { predict: { local: initMlp(rng, H, Math.max(1, H >> 1), P), global: initMlp(rng, 2 * H, H, 2 * P) } } : {}),
  } as HostParameters;
}

/** Steps 1–3 of ace-spec §3.1, or the transformer in their place. */
export const encode = (p: NetworkParameters, step: EntityTensors): Encoded => encodeEntities(p.encoder, step);

/** e_ij = MLP2(concat(r_ij, s_j, s_i)) from its three parts: the actor receives the first H of 2H, the target the others. */
export function embedTargeted(
  p: NetworkParameters,
  /** r_ij */
  pair: Pairs,
  /** […,H] s_j·W_target */
  target: Tensor,
  /** […,H] s_i·W_actor */
  actor: Tensor,
): Tensor {
  const action = p.action!;
  const seen = "features" in pair ? dense(pair.features, action.pair) : joined(pair.average, tf.relu(pair.maximum), action.pair);
  return tf.relu(dense(tf.relu(tf.add(tf.add(seen, target), actor)), action.output));
}

/** What the two heads of D see of rows […,H], before the ReLU: linear, so what a decision adds to a row can be added here. */
export const beforeDeciding = (p: NetworkParameters, x: Tensor): Tensor => dense(x, p.decision.hidden);

/** D from there: per-entity decision embedding. */
export const decide = (p: NetworkParameters, before: Tensor): Halves => halves(tf.relu(before), p.decision.output);

/** V of pooled decision embeddings, […,H] each → […]. Instead of the mean there may be a sum, and over how many it goes. */
export function value(p: NetworkParameters, mean: Tensor, max: Tensor, count = 1): Tensor {
  const v = dense(tf.relu(joined(mean, max, p.value.hidden, count)), p.value.output);
  return tf.squeeze(v, [v.rank - 1]);
}

/** Auxiliary heads: change of the predicted features, per entity [B,N,P] and summed per side [B,2P]. */
export function predict(p: NetworkParameters, x: Tensor, z: Tensor): { local: Tensor; global: Tensor } {
  return { local: head(x, p.predict!.local), global: head(z, p.predict!.global) };
}
