import type { CompleteEnvironment, Environment, EnvironmentSpec, TimeStep } from "../environment.js";
import { completeSpec } from "./spec.js";
import { clearOutcome, resetTimeStep } from "./timestep.js";

/**
 * Makes an author's environment whole: fills in its spec ({@link completeSpec}), writes the arrays that it leaves out, and keeps
 * the promise of {@link TimeStep} that `reset` finds a blank time step and `step` finds no reward and no end yet.
 *
 * @throws BatonError `environment` when the spec's numbers do not fit together.
 */
export function completeEnvironment(env: Environment): CompleteEnvironment {
  const spec = completeSpec(env.spec);
  const derivations = derivationsOf(env);
  const derive = (out: TimeStep) => {
    for (const write of derivations) write(out, spec);
  };
  return {
    spec,
    // What is derived from others needs them.
    ...(env.skips && derivations.length === 0 && { skips: env.skips }),
    reset(seed, out) {
      resetTimeStep(out);
      env.reset(seed, out);
      derive(out);
    },
    step(actions, out) {
      clearOutcome(out);
      env.step(actions, out);
      derive(out);
    },
    ...(env.frame && { frame: () => env.frame!() }),
    ...(env.close && { close: () => env.close!() }),
  };
}

type Derivation = (out: TimeStep, spec: EnvironmentSpec) => void;

function derivationsOf(env: Environment): Derivation[] {
  const derivations: Derivation[] = [];
  if (!env.spec.entityFeatures) derivations.push(entitiesFromObservations);
  else if (!env.spec.observationSize) derivations.push(observationsFromEntities);
  if (!env.spec.stateSize) derivations.push(stateFromEntities);
  return derivations;
}

/** N = n and S = O: each agent is an entity whose features are what it observes. */
function entitiesFromObservations(out: TimeStep): void {
  out.entities.set(out.observations);
}

/** Agent i observes its own row [S], then the rows of all others in the order of their ids; rows of the dead are zero. */
function observationsFromEntities(out: TimeStep, spec: EnvironmentSpec): void {
  const { agents: n, entities: N, entityFeatures: S } = spec;
  const { entities, observations, alive } = out;
  for (let i = 0; i < n; i++) {
    let to = i * N * S;
    copyRow(entities, alive, i, S, observations, to);
    for (let j = 0; j < N; j++) {
      if (j === i) continue;
      to += S;
      copyRow(entities, alive, j, S, observations, to);
    }
  }
}

function copyRow(entities: Float32Array, alive: Uint8Array, j: number, S: number, out: Float32Array, to: number): void {
  // A plain loop: these rows are short, and `set(subarray)` would make an object for each.
  if (alive[j] === 0) out.fill(0, to, to + S);
  else for (let s = 0; s < S; s++) out[to + s] = entities[j * S + s]!;
}

function stateFromEntities(out: TimeStep): void {
  out.state.set(out.entities);
}
