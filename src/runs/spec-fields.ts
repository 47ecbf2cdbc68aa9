import { z } from "zod";
import type { EnvironmentSpec } from "../environment.js";

const count = z.number().int().nonnegative();

/** An environment's spec as files hold it; a field that is missing here does not compile. */
export const specFields = z.strictObject({
  id: z.string(),
  agents: count,
  entities: count,
  actions: count,
  untargetedActions: count,
  entityFeatures: count,
  relationFeatures: count,
  observationSize: count,
  stateSize: count,
  episodeLimit: count,
  actionNames: z.array(z.string()),
  predictedFeatures: z.array(count),
  entityTypes: z.strictObject({ first: count, names: z.array(z.string()).readonly() }).optional(),
  heldEntity: z.strictObject({ entity: count, holderFeature: count }).optional(),
} satisfies Record<keyof EnvironmentSpec, z.ZodType>);

/** What was read as a spec: keys that are not there are absent, not undefined. */
export const specOfFields = (fields: z.infer<typeof specFields>): EnvironmentSpec => fields as EnvironmentSpec;
