import type { EnvironmentSpec, EnvironmentSpecInput } from "../environment.js";
import { BatonError } from "../errors.js";
import { readableJson } from "../validation.js";

/**
 * Fills in what an author left out of the spec. Absent and 0 mean the same for feature, observation and state sizes:
 *
 * - only observations: each agent is an entity whose features are its observation (N = n, S = O);
 * - only entities: each agent observes its own row and then all others (O = N·S);
 * - no state: the rows of all entities, one after another (G = N·S).
 *
 * @throws BatonError `environment` that names the field, its value and what it must be.
 */
export function completeSpec(input: EnvironmentSpecInput): EnvironmentSpec {
  const id = input.id;
  if (typeof id !== "string" || id === "") {
    throw new BatonError(
      "environment",
      `an environment's spec.id is ${JSON.stringify(id)}, but must be a text that is not empty`,
    );
  }
  const wrong = (field: string, value: unknown, allowed: string) =>
    new BatonError("environment", `${id}: spec.${field} is ${readableJson(value) ?? "missing"}, but must be ${allowed}`);
  const whole = (field: string, value: unknown, min: number, max = Number.MAX_SAFE_INTEGER): number => {
    if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
    const bounded = max < Number.MAX_SAFE_INTEGER || Number(value) > max;
    const range = bounded ? `from ${min} to ${max}` : `of at least ${min}`;
    throw wrong(field, value, `a whole number ${range}`);
  };

  const agents = whole("agents", input.agents, 1);
  const actions = whole("actions", input.actions, 1);
  const episodeLimit = whole("episodeLimit", input.episodeLimit, 1);
  const untargetedActions = whole("untargetedActions", input.untargetedActions ?? actions, 0, actions);
  const givenFeatures = whole("entityFeatures", input.entityFeatures ?? 0, 0);
  const givenObservation = whole("observationSize", input.observationSize ?? 0, 0);
  if (givenFeatures === 0 && givenObservation === 0) {
    throw new BatonError(
      "environment",
      `${id}: its spec gives neither observationSize nor entityFeatures, so agents see nothing`,
      {
        hint: "give observationSize and write out.observations, or give entities and entityFeatures and write out.entities",
      },
    );
  }
  const entities = whole("entities", input.entities ?? agents, agents);
  if (givenFeatures === 0 && entities !== agents) {
    throw new BatonError("environment", `${id}: its spec gives ${entities} entities but no entityFeatures`, {
      hint: "give entityFeatures and write out.entities, or leave entities out: each agent then is an entity",
    });
  }
  const entityFeatures = givenFeatures || givenObservation;
  const actionNames = input.actionNames ?? Array.from({ length: actions }, (_, a) => `action ${a}`);
  if (actionNames.length !== actions) throw wrong("actionNames", actionNames, `a list of ${actions} names, one for each action`);
  const predictedFeatures = input.predictedFeatures ?? [];
  if (!Array.isArray(predictedFeatures)) throw wrong("predictedFeatures", predictedFeatures, "a list of columns of entities");
  for (const column of predictedFeatures) whole("predictedFeatures", column, 0, entityFeatures - 1);
  const { heldEntity, entityTypes } = input;
  if (entityTypes) {
    const { first, names } = entityTypes;
    const texts = Array.isArray(names) && names.length > 0 && names.every((name) => typeof name === "string");
    if (!texts || new Set(names).size !== names.length) throw wrong("entityTypes.names", names, "a list of different names");
    whole("entityTypes.first", first, 0, entityFeatures - names.length);
  }
  if (heldEntity) {
    whole("heldEntity", heldEntity.entity, 0, entities - 1);
    whole("heldEntity", heldEntity.holderFeature, 0, entityFeatures - 1);
  }

  return {
    id,
    agents,
    entities,
    actions,
    untargetedActions,
    entityFeatures,
    relationFeatures: whole("relationFeatures", input.relationFeatures ?? 0, 0),
    observationSize: givenObservation || entities * entityFeatures,
    stateSize: whole("stateSize", input.stateSize ?? 0, 0) || entities * entityFeatures,
    episodeLimit,
    actionNames,
    predictedFeatures,
    ...(entityTypes && { entityTypes }),
    ...(heldEntity && { heldEntity }),
  };
}
