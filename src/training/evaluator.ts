import type { Agent } from "../agent.js";
import type { EnvironmentSpec, VectorEnvironment, VectorTimeStep } from "../environment.js";
import { orLost } from "../environments/lost.js";
import { allocateVectorTimeStep } from "../environments/timestep.js";
import type { Decision, RecordedEpisode, RecordedStep } from "../runs/index.js";
import type { Device } from "../tensor/device.js";
import { RandomStream } from "../tensor/random.js";
import type { HostArray, HostTree } from "../tensor/tree.js";
import { Actor, type Choices } from "./policy.js";

/** One greedy episode. */
export interface EpisodeResult {
  readonly seed: number;
  readonly won: boolean;
  readonly return: number;
  readonly length: number;
}

export interface Evaluation {
  /** In the order of their seeds. */
  readonly episodes: readonly EpisodeResult[];
  /** Share of episodes won, 0 to 1. */
  readonly winRate: number;
  readonly meanReturn: number;
  readonly meanLength: number;
  /** Steps of each recorded episode, by its place in `episodes`. */
  readonly recorded: ReadonlyMap<number, readonly RecordedStep[]>;
}

/**
 * What makes one evaluation's weights better than another's: more wins; where nobody wins, more return. Of weights that win as often the later are
 * kept, so that the score of wins leaves out returns: they differ by chance, and by shields that came back. Any win is worth more than any return.
 */
export function scoreOf({ winRate, meanReturn }: Pick<Evaluation, "winRate" | "meanReturn">): number {
  return winRate > 0 ? winRate * Number.MAX_VALUE : meanReturn;
}

/** What somebody chose who may value nothing. */
export type PlayedChoices = Omit<Choices, "values"> & { readonly values: HostArray | null };

export interface PlayOptions {
  readonly episodes: number;
  /** Seeds of the episodes are drawn from it. */
  readonly seed: number;
  /** Which episodes (by their number) are kept step by step. */
  readonly record?: (episode: number) => boolean;
  /** Called as each episode ends. */
  readonly onEpisode?: (done: number) => void;
}

/** Plays greedy episodes: the same seed plays the same episodes, whatever happened before. */
export class Evaluator {
  readonly #environment: VectorEnvironment;
  readonly #agent: Agent;
  readonly #actor: Actor;
  readonly #step: VectorTimeStep;

  private constructor(environment: VectorEnvironment, agent: Agent, actor: Actor, step: VectorTimeStep) {
    this.#environment = environment;
    this.#agent = agent;
    this.#actor = actor;
    this.#step = step;
  }

  static async create(parts: {
    device: Device;
    environment: VectorEnvironment;
    agent: Agent;
    policy: HostTree;
    /** Recorded decisions also tell what was valued before anybody chose. */
    prior?: boolean;
  }): Promise<Evaluator> {
    const { device, environment, agent, policy, prior = false } = parts;
    const step = allocateVectorTimeStep(environment.spec, environment.copies, environment.fields);
    return new Evaluator(environment, agent, await Actor.create(device, agent, environment.spec, policy, step, prior), step);
  }

  /** Plays greedy episodes with these weights. */
  evaluate(policy: HostTree, options: PlayOptions): Promise<Evaluation> {
    const { copies } = this.#environment;
    const decide = (rng: RandomStream, fresh: readonly number[]) => {
      this.#actor.forget(fresh);
      return this.#actor.act(policy, this.#agent.drawExploration(rng, 0, copies));
    };
    return playEpisodes(this.#environment, this.#step, decide, options);
  }

  dispose(): void {
    this.#actor.dispose();
  }
}

/**
 * Plays `episodes` episodes whose seeds come from `seed`; every one is played to its end, so short ones are not favoured.
 *
 * @param step where the environment writes, and `decide` reads.
 * @param decide chooses for all copies at what `step` holds; random numbers come from the stream that it is given, and it is told which
 *   copies have begun an episode since it was asked last.
 */
export async function playEpisodes(
  environment: VectorEnvironment,
  step: VectorTimeStep,
  decide: (rng: RandomStream, fresh: readonly number[]) => PlayedChoices | Promise<PlayedChoices>,
  options: PlayOptions,
): Promise<Evaluation> {
  const { copies } = environment;
  const rng = RandomStream.from(options.seed, "evaluation");
  const seeds = Array.from({ length: options.episodes }, () => rng.uint32());
  const results: EpisodeResult[] = [];
  const recorded = new Map<number, RecordedStep[]>();
  /** Which episode each copy plays; copies beyond the last episode play on unseen. */
  const playing = Array.from({ length: copies }, (_, copy) => copy);
  const returns = new Float64Array(copies);
  const lengths = new Int32Array(copies);
  let next = copies;
  const recordOf = (copy: number) => {
    const episode = playing[copy]!;
    if (episode >= seeds.length || !options.record?.(episode)) return undefined;
    const kept = recorded.get(episode) ?? [];
    recorded.set(episode, kept);
    return kept;
  };
  let begun: number[] = [];
  /** Begins episodes; where simulators broke, all that were running are begun again. */
  const begin = async (fresh: readonly number[]): Promise<void> => {
    begun.push(...fresh);
    const seedsOf = fresh.map((copy) => seeds[playing[copy]!] ?? 0);
    const lost = await orLost(() => environment.reset(fresh, seedsOf, step));
    if (lost) await beginAgain();
  };
  const beginAgain = (): Promise<void> => {
    returns.fill(0);
    lengths.fill(0);
    for (const episode of playing) recorded.delete(episode);
    return begin(playing.map((_, copy) => copy));
  };
  await begin(playing.map((_, copy) => copy));
  let done = 0;
  while (done < seeds.length) {
    const choices = await decide(rng, begun);
    begun = [];
    for (let copy = 0; copy < copies; copy++)
      recordOf(copy)?.push(recordStep(environment, step, copy, decisionOf(environment.spec, step, copy, choices)));
    if (await orLost(() => environment.step(choices.actions.data as Int32Array, step))) {
      await beginAgain();
      continue;
    }
    const ended: number[] = [];
    for (let copy = 0; copy < copies; copy++) {
      returns[copy]! += step.reward[copy]!;
      lengths[copy]! += 1;
      if (!step.terminated[copy] && !step.truncated[copy]) continue;
      ended.push(copy);
      const episode = playing[copy]!;
      if (episode < seeds.length) {
        const won = step.infos[copy]!.won === true;
        results[episode] = { seed: seeds[episode]!, won, return: returns[copy]!, length: lengths[copy]! };
        recordOf(copy)?.push(recordStep(environment, step, copy, null));
        done += 1;
        options.onEpisode?.(done);
      }
      playing[copy] = next++;
      returns[copy] = 0;
      lengths[copy] = 0;
    }
    if (ended.length > 0 && done < seeds.length) await begin(ended);
  }
  const mean = (f: (result: EpisodeResult) => number) => results.reduce((sum, result) => sum + f(result), 0) / results.length;
  return {
    episodes: results,
    winRate: mean((result) => (result.won ? 1 : 0)),
    meanReturn: mean((result) => result.return),
    meanLength: mean((result) => result.length),
    recorded,
  };
}

function recordStep(environment: VectorEnvironment, step: VectorTimeStep, copy: number, decision: Decision | null): RecordedStep {
  const { entities: N } = environment.spec;
  return {
    frame: environment.frame?.(copy) ?? null,
    alive: step.alive.slice(copy * N, (copy + 1) * N),
    // at an episode's first time step no step has led here
    reward: step.reward[copy]!,
    decision,
  };
}

function decisionOf(spec: EnvironmentSpec, step: VectorTimeStep, copy: number, choices: PlayedChoices): Decision {
  const { agents: n, actions: A, untargetedActions: U } = spec;
  const rows = <T extends { slice(from: number, to: number): T }>(array: T, width: number) =>
    array.slice(copy * width, (copy + 1) * width);
  return {
    actions: rows(choices.actions.data as Int32Array, n),
    order: rows(choices.order.data as Int32Array, n),
    values: choices.values && rows(choices.values.data as Float32Array, n * A),
    ...(choices.priorValues && { priorValues: rows(choices.priorValues.data as Float32Array, n * A) }),
    mask: rows(step.actionMask, n * A),
    targets: rows(step.actionTargets, n * (A - U)),
  };
}

/** A recorded episode as it is written into the run folder. */
export function recordedEpisode(
  of: { agent: string; checkpoint: number; environment: VectorEnvironment },
  result: EpisodeResult,
  steps: readonly RecordedStep[],
): RecordedEpisode {
  return {
    env: of.environment.spec.id,
    agent: of.agent,
    seed: result.seed,
    checkpoint: of.checkpoint,
    spec: of.environment.spec,
    won: result.won,
    episodeReturn: result.return,
    steps,
  };
}
