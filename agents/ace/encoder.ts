/**
 * What an encoder knows of a time step before anybody decides. Two encoders stand behind this: `relational.ts` (the paper's) and
 * `transformer.ts`; everything after them, roll-out, targets and learner pass, is the same.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { EnvironmentSpec } from "../../src/environment.js";
import type { RandomStream } from "../../src/tensor/random.js";
import type { HostArray, Mapped } from "../../src/tensor/tree.js";
import type { Encoded, EntitySet, EntityTensors, Pairs, Sight } from "./encoded.js";
import { encodeRelational, initRelational, type RelationalParameters, relationalPairs } from "./relational.js";
import { encodeTransformer, initTransformer, type TransformerParameters, transformerPairs } from "./transformer.js";

type Tensor = tf.Tensor;

/** Which encoder the keys belong to shows in the keys. */
export type EncoderParameters = RelationalParameters | TransformerParameters;

export type EncoderSettings = {
  readonly hidden: number;
  readonly encoder: "relational" | "transformer";
  readonly depth: number;
  readonly heads: number;
};

export function initEncoder(
  rng: RandomStream,
  spec: EnvironmentSpec,
  { hidden, encoder, depth, heads }: EncoderSettings,
): { parameters: Mapped<EncoderParameters, Tensor, HostArray>; pairs: number } {
  return encoder === "relational"
    ? { parameters: initRelational(rng, spec, hidden), pairs: relationalPairs(hidden) }
    : {
        parameters: initTransformer(rng, spec, { width: hidden, depth, heads }),
        pairs: transformerPairs(spec.relationFeatures),
      };
}

/** Every entity of a time step, all of whom see all that are alive. */
export function encodeEntities(p: EncoderParameters, step: EntityTensors): Encoded {
  const [B, N] = step.entities.shape as [number, number, number];
  const alive = tf.cast(step.alive, "float32");
  const seen = tf.reshape(alive, [B, 1, N]);
  const team = tf.cast(tf.less(tf.range(0, N, 1, "int32"), tf.scalar(step.actionMask.shape[1]!, "int32")), "int32");
  const encoded = encodeSeen(p, step, { share: tf.div(seen, N), seen, team });
  return { ...encoded, alive: tf.reshape(alive, [B, N, 1]), ...(step.held && { held: step.held }) };
}

/** Any set of entities, of one time step or of several, that see each other as `sight` says. */
export function encodeSeen(p: EncoderParameters, set: EntitySet, sight: Sight): { x: Tensor; pairs: Pairs } {
  return "token" in p ? encodeTransformer(p, set, sight) : encodeRelational(p, set, sight);
}
