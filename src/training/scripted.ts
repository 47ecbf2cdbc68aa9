import type { EnvironmentSpec, ScriptedPolicy, VectorEnvironment } from "../environment.js";
import { allocateVectorTimeStep, viewOf } from "../environments/timestep.js";
import type { RandomStream } from "../tensor/random.js";
import { HostArray } from "../tensor/tree.js";
import { type Evaluation, type PlayedChoices, type PlayOptions, playEpisodes } from "./evaluator.js";

/** Plays episodes with a scripted policy: the very ones, for the same seed, that an `Evaluator` plays with a trained one. */
export function playScripted(environment: VectorEnvironment, policy: ScriptedPolicy, options: PlayOptions): Promise<Evaluation> {
  const { spec, copies } = environment;
  const { agents: n } = spec;
  const step = allocateVectorTimeStep(spec, copies);
  const views = Array.from({ length: copies }, (_, copy) => viewOf(step, copy));
  const choices = blankChoices(spec, copies);
  const actions = choices.actions.data as Int32Array;
  const rows = views.map((_, copy) => actions.subarray(copy * n, (copy + 1) * n));
  const decide = (rng: RandomStream) => {
    views.forEach((view, copy) => {
      policy(view, spec, rows[copy]!, rng);
    });
    return choices;
  };
  return playEpisodes(environment, step, decide, options);
}

/** Room for choices; scripted agents decide in the order of their numbers and value nothing. */
function blankChoices({ agents: n }: EnvironmentSpec, copies: number): PlayedChoices {
  const order = Int32Array.from({ length: copies * n }, (_, k) => k % n);
  return {
    actions: new HostArray(new Int32Array(copies * n), [copies, n], "int32"),
    values: null,
    order: new HostArray(order, [copies, n], "int32"),
  };
}
