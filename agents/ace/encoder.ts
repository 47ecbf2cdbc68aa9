/**
 * What an encoder knows of a time step before anybody decides. Two encoders stand behind this: `relational.ts` (the paper's) and
 * `transformer.ts`; everything after them, roll-out, targets and learner pass, is the same.
 *
 * @module
 */
import type { Tensor } from "@tensorflow/tfjs";
import type { EnvironmentSpec } from "../../src/environment.js";
import type { RandomStream } from "../../src/tensor/random.js";
import type { HostArray, Mapped } from "../../src/tensor/tree.js";
import type { Encoded, EntityTensors } from "./encoded.js";
import { encodeRelational, initRelational, type RelationalParameters, relationalPairs } from "./relational.js";
import { encodeTransformer, initTransformer, type TransformerParameters, transformerPairs } from "./transformer.js";

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

export function encodeEntities(p: EncoderParameters, step: EntityTensors): Encoded {
  const encoded = "token" in p ? encodeTransformer(p, step, step.actionMask.shape[1]!) : encodeRelational(p, step);
  return { ...encoded, ...(step.held && { held: step.held }) };
}
