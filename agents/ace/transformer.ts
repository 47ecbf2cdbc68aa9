/**
 * A transformer over entities: each entity is a token, attention is biased per head by the pair's relation features, the dead are attended to
 * by nobody. Blocks are those of the masked core (pre-norm).
 *
 * An entity has no place in a sequence: its position is its side, a learned row each for the team and for the others. Types need no table of
 * their own: entity features hold them one-hot, so that the tokens' linear layer is their embedding.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { EnvironmentSpec } from "../../src/environment.js";
import { type Encoder, encode, initEncoder } from "../../src/masked/index.js";
import { normal, uniformFanIn } from "../../src/tensor/initialise.js";
import { dense, type Linear } from "../../src/tensor/layers.js";
import type { RandomStream } from "../../src/tensor/random.js";
import type { HostArray, Mapped } from "../../src/tensor/tree.js";
import type { EntitySet, Pairs, Sight } from "./encoded.js";
import { head, initMlp, type Mlp } from "./mlp.js";
import { oneHot } from "./select.js";

type Tensor = tf.Tensor;

export type TransformerParameters = {
  /** S→H: entity features, types among them. */
  token: Linear;
  /** [2,H]: the others, the team. */
  team: Tensor;
  /** R→2h→h: what the relation of i to j adds to i's attention to j, per head; absent when R = 0. */
  bias?: Mlp;
  body: Encoder;
};

export function initTransformer(
  rng: RandomStream,
  spec: EnvironmentSpec,
  shape: { width: number; depth: number; heads: number },
): Mapped<TransformerParameters, Tensor, HostArray> {
  const { entityFeatures: S, relationFeatures: R } = spec;
  return {
    token: uniformFanIn(rng, S, shape.width),
    team: normal(rng, [2, shape.width], 0.02),
    ...(R > 0 ? { bias: initMlp(rng, R, 2 * shape.heads, shape.heads) } : {}),
    body: initEncoder(rng, { ...shape, mlp: 2 * shape.width }),
  };
}

/** Features of a pair: the relation features themselves, or one zero when there are none. */
export const transformerPairs = (R: number): number => Math.max(1, R);

export function encodeTransformer(p: TransformerParameters, set: EntitySet, sight: Sight): { x: Tensor; pairs: Pairs } {
  const [B, N] = set.entities.shape as [number, number, number];
  const tokens = dense(set.entities, p.token); // [B,N,H]
  const positions = dense(oneHot(sight.team, 2), { w: p.team }); // [N,H] or [B,N,H]
  const allow = tf.cast(sight.seen, "bool");
  const bias = p.bias && tf.transpose(head(set.relations, p.bias), [0, 3, 1, 2]); // [B,h,N,N]
  const x = encode(p.body, tokens, { positions, allow, ...(bias && { bias }) });
  const R = set.relations.shape[3]!;
  return { x, pairs: { features: R > 0 ? set.relations : tf.zeros([B, N, N, 1]) } };
}
