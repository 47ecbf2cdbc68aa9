import { BatonError } from "../../errors.js";
import { byAgent, GymSession, type Info, type MakeOptions, only, type RenderFrame, type State } from "./session.js";
import type { Space, SpaceValue } from "./spaces.js";

/** What one step gives. In a {@link ParallelEnv} each but `info` has a key for every agent that acted. */
export interface Step<Observation, Reward = number, Flag = boolean> {
  readonly observation: Observation;
  readonly reward: Reward;
  /** The episode ended by its own rules: no value follows. */
  readonly terminated: Flag;
  /** The episode was cut off: the future would have had a value. */
  readonly truncated: Flag;
  readonly info: Info;
}

/** What an environment says of itself. */
export interface Metadata {
  readonly renderModes: readonly string[];
  /** Pictures a second. */
  readonly renderFps: number | undefined;
}

export interface ResetOptions {
  /** The same seed gives the same episode for the same actions; without one the environment draws on. */
  readonly seed?: number;
  /** What the environment's `reset` takes as `options`. */
  readonly options?: Readonly<Record<string, unknown>>;
}

/**
 * A Python environment with Gymnasium's methods. Observations are views into the message they came in: keep them as long as you
 * like, nothing overwrites them.
 */
export class Env<
  Observation extends SpaceValue = SpaceValue,
  Action extends SpaceValue = SpaceValue,
  Reward = number,
  Flag = boolean,
> implements AsyncDisposable
{
  readonly observationSpace: Space<Observation>;
  readonly actionSpace: Space<Action>;
  readonly metadata: Metadata;
  /** Every agent that may ever act; undefined in a single-agent environment. */
  readonly possibleAgents: readonly string[] | undefined;
  readonly #session: GymSession;
  #agents: readonly string[];

  constructor(session: GymSession) {
    this.#session = session;
    const { observationSpace, actionSpace, possibleAgents, renderModes, renderFps } = session.welcome;
    this.observationSpace = observationSpace as Space<Observation>;
    this.actionSpace = actionSpace as Space<Action>;
    this.possibleAgents = possibleAgents;
    this.metadata = { renderModes, renderFps };
    this.#agents = [];
  }

  get id(): string {
    return this.#session.id;
  }

  /** The agents that act in the next step: none once the episode is over; empty in a single-agent environment. */
  get agents(): readonly string[] {
    return this.#agents;
  }

  /** Starts an episode. */
  async reset({ seed, options }: ResetOptions = {}): Promise<{ observation: Observation; info: Info }> {
    const state = await this.#session.reset([seed], options);
    return { observation: this.#observation(state), info: state.infos[0]! };
  }

  /**
   * Plays one step.
   *
   * @throws BatonError `invalid-value` for an action that is none of the action space; `environment`, with the Python traceback,
   *   when the environment fails.
   */
  async step(action: Action): Promise<Step<Observation, Reward, Flag>> {
    const { actions } = this.#session;
    const buffers = actions.allocate();
    const several = this.possibleAgents !== undefined;
    actions.write(buffers, 0, several ? this.#acting(action) : action, "action", several);
    const state = await this.#session.step(buffers, several ? [this.#agents] : undefined);
    const observation = this.#observation(state);
    const each = <T>(array: ArrayLike<number>, as: (x: number) => T) =>
      several ? byAgent(state.present![0]!, (agent) => as(array[this.possibleAgents!.indexOf(agent)]!)) : as(array[0]!);
    return {
      observation,
      reward: each(state.reward, Number) as Reward,
      terminated: each(state.terminated, Boolean) as Flag,
      truncated: each(state.truncated, Boolean) as Flag,
      info: state.infos[0]!,
    };
  }

  /** What the environment shows in its `renderMode`: a picture, several, a text, or nothing. */
  async render(): Promise<RenderFrame | readonly RenderFrame[] | string | undefined> {
    return (await this.#session.render())[0];
  }

  /** Ends the environment and its process. */
  async close(): Promise<void> {
    await this.#session.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #observation(state: State): Observation {
    const value = this.#session.observations.read(state.buffers, 0);
    if (!this.possibleAgents) return value as Observation;
    this.#agents = state.agents?.[0] ?? [];
    return only(value, state.present?.[0] ?? []) as Observation;
  }

  /** The actions of those that act. */
  #acting(action: Action): SpaceValue {
    if (typeof action !== "object" || action === null) {
      throw new BatonError("invalid-value", `the action is ${String(action)}, but must have a key for each agent`);
    }
    const missing = this.#agents.filter((agent) => !Object.hasOwn(action, agent));
    if (missing.length > 0) throw new BatonError("invalid-value", `the action of ${missing.join(", ")} is missing`);
    return only(action, this.#agents);
  }
}

/** A PettingZoo Parallel environment: observations, actions, rewards and ends have a key for each agent. */
export type ParallelEnv<Observation extends SpaceValue = SpaceValue, Action extends SpaceValue = SpaceValue> = Env<
  Readonly<Record<string, Observation>>,
  Readonly<Record<string, Action>>,
  Readonly<Record<string, number>>,
  Readonly<Record<string, boolean>>
>;

/**
 * Makes a Python environment in a process of its own.
 *
 * @param id a Gymnasium id (`CartPole-v1`, `ALE/Pong-v5`; `module:Id-v0` imports the module first), a PettingZoo Parallel
 *   environment by its module (`butterfly/pistonball_v6`, `mpe2.simple_spread_v3`), or a class: `module:Class`, `file.py:Class`.
 * @throws BatonError `unknown-name`, `missing-dependency` (e.g. Gymnasium is not installed; the hint has the command that installs
 *   it), `environment`, `io`.
 *
 * @example
 * await using env = await make<Env<Float32Array, number>>("CartPole-v1");
 * let { observation } = await env.reset({ seed: 1 });
 * const step = await env.step(env.actionSpace.sample()); // { observation, reward, terminated, truncated, info }
 *
 * @example
 * await using env = await make<ParallelEnv<Float32Array, number>>("mpe2.simple_spread_v3");
 * await env.reset({ seed: 1 });
 * const { reward } = await env.step(env.actionSpace.sample()); // reward.agent_0, …
 */
// Env<any, …> is what every Env extends: its own parameters are the caller's claim about the environment.
// biome-ignore lint/suspicious/noExplicitAny: see above
export async function make<E extends Env<any, any, any, any> = Env>(id: string, options: MakeOptions = {}): Promise<E> {
  return new Env(await GymSession.open(id, 1, "disabled", options)) as E;
}
