/** Things that one agent holds at a time (ace-spec §3.2: the ball): untargeted actions of the holder act upon them. */
import * as tf from "@tensorflow/tfjs";
import type { BatchTensors, StepTensors } from "../../src/agent.js";
import type { EnvironmentSpec } from "../../src/environment.js";

/** A time step in which it is known who holds what. */
export type SeenStep = StepTensors & {
  /** [B,n] int32 entity that each agent holds, −1 = none; absent where nothing can be held. */
  readonly held?: tf.Tensor;
};

export type SeenBatch = BatchTensors & { readonly now: SeenStep; readonly next: SeenStep };

export function seeHeld(step: StepTensors, { heldEntity, agents: n }: EnvironmentSpec): SeenStep {
  if (!heldEntity) return step;
  const B = step.entities.shape[0]!;
  const feature = tf.reshape(tf.slice(step.entities, [0, 0, heldEntity.holderFeature], [B, n, 1]), [B, n]);
  const entity = tf.fill([B, n], heldEntity.entity, "int32");
  return { ...step, held: tf.where(tf.greater(feature, 0), entity, tf.fill([B, n], -1, "int32")) };
}

export const seeHeldInBatch = (batch: BatchTensors, spec: EnvironmentSpec): SeenBatch => ({
  ...batch,
  now: seeHeld(batch.now, spec),
  next: seeHeld(batch.next, spec),
});
