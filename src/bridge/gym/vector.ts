import { BatonError } from "../../errors.js";
import { type Autoreset, byAgent, GymSession, type Info, type MakeOptions, type RenderFrame, type State } from "./session.js";
import { batchSpace, type Space, type SpaceValue } from "./spaces.js";

/** What one step of K copies gives; every array has a leading axis K. */
export interface VectorStep<Observations, Rewards = Float64Array, Flags = Uint8Array> {
  readonly observations: Observations;
  readonly rewards: Rewards;
  /** 1 where the episode ended by its own rules. */
  readonly terminations: Flags;
  /** 1 where the episode was cut off. */
  readonly truncations: Flags;
  /** One for each copy. Where a copy was reset in the same step, `final_obs` and `final_info` are of the episode that ended. */
  readonly infos: readonly Info[];
}

export interface VectorOptions extends MakeOptions {
  /**
   * What a copy does once its episode is over. `next-step`, the default as in Gymnasium: the next `step` ignores its action and
   * starts an episode. `same-step`: it starts at once, and the info has `final_obs` and `final_info`.
   */
  readonly autoreset?: Exclude<Autoreset, "disabled">;
}

/**
 * K copies of a Python environment, stepped together in one process. In a multi-agent environment everything has a key for each
 * possible agent, with zeros where it takes no part.
 */
export class VectorEnv<
  Observations extends SpaceValue = SpaceValue,
  Actions extends SpaceValue = SpaceValue,
  Rewards = Float64Array,
  Flags = Uint8Array,
> implements AsyncDisposable
{
  readonly singleObservationSpace: Space;
  readonly singleActionSpace: Space;
  /** The single ones with a leading axis K. */
  readonly observationSpace: Space<Observations>;
  readonly actionSpace: Space<Actions>;
  readonly possibleAgents: readonly string[] | undefined;
  readonly #session: GymSession;
  #acting: readonly (readonly string[])[] | undefined;

  constructor(session: GymSession) {
    this.#session = session;
    const { observationSpace, actionSpace, possibleAgents } = session.welcome;
    this.singleObservationSpace = observationSpace;
    this.singleActionSpace = actionSpace;
    this.observationSpace = batchSpace(observationSpace, session.copies) as Space<Observations>;
    this.actionSpace = batchSpace(actionSpace, session.copies) as Space<Actions>;
    this.possibleAgents = possibleAgents;
  }

  get id(): string {
    return this.#session.id;
  }

  /** K */
  get numEnvs(): number {
    return this.#session.copies;
  }

  /**
   * Starts an episode in every copy.
   *
   * @param options.seed one for each copy, or one number: copy k then gets `seed + k`.
   */
  async reset({
    seed,
    options,
  }: {
    seed?: number | readonly number[];
    options?: Readonly<Record<string, unknown>>;
  } = {}): Promise<{
    observations: Observations;
    infos: readonly Info[];
  }> {
    if (typeof seed === "object" && seed.length !== this.numEnvs) {
      throw new BatonError("invalid-value", `${seed.length} seeds are given to ${this.numEnvs} copies of ${this.id}`);
    }
    const seeds = Array.from({ length: this.numEnvs }, (_, k) => (typeof seed === "number" ? seed + k : seed?.[k]));
    const state = await this.#session.reset(seeds, options);
    return { observations: this.#observations(state), infos: state.infos };
  }

  /** Plays one step in every copy; see {@link VectorOptions.autoreset} for copies whose episode is over. */
  async step(actions: Actions): Promise<VectorStep<Observations, Rewards, Flags>> {
    const buffers = this.#session.actions.allocate();
    this.#session.actions.writeBatch(buffers, actions, "actions");
    const state = await this.#session.step(buffers, this.#acting);
    return {
      observations: this.#observations(state),
      rewards: this.#columns(state.reward) as Rewards,
      terminations: this.#columns(state.terminated) as Flags,
      truncations: this.#columns(state.truncated) as Flags,
      infos: this.#infos(state),
    };
  }

  /** What each copy shows. */
  async render(): Promise<readonly (RenderFrame | readonly RenderFrame[] | string | undefined)[]> {
    return this.#session.render();
  }

  async close(): Promise<void> {
    await this.#session.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #observations(state: State): Observations {
    this.#acting = state.agents;
    return this.#session.observations.readBatch(state.buffers) as Observations;
  }

  #infos({ infos, finals, finished }: State): readonly Info[] {
    if (!finals) return infos;
    const read = (copy: number) => this.#session.observations.read(finals, copy);
    return infos.map((info, copy) => (finished.includes(copy) ? { ...info, final_obs: read(copy) } : info));
  }

  /** [K], or for each agent its column of [K, P]. */
  #columns<T extends Float64Array | Uint8Array>(array: T): T | Readonly<Record<string, T>> {
    const agents = this.possibleAgents;
    if (!agents) return array;
    return byAgent(agents, (agent) => array.filter((_, k) => k % agents.length === agents.indexOf(agent)) as T);
  }
}

/** A multi-agent {@link VectorEnv}. */
export type ParallelVectorEnv<Observations extends SpaceValue = SpaceValue, Actions extends SpaceValue = SpaceValue> = VectorEnv<
  Readonly<Record<string, Observations>>,
  Readonly<Record<string, Actions>>,
  Readonly<Record<string, Float64Array>>,
  Readonly<Record<string, Uint8Array>>
>;

/**
 * Makes K copies of a Python environment in one process. Ids are those of `make`.
 *
 * @example
 * await using envs = await makeVector<VectorEnv<Float32Array, Int32Array>>("CartPole-v1", 8);
 * await envs.reset({ seed: 1 });
 * const { observations, rewards } = await envs.step(envs.actionSpace.sample()); // [8, 4], [8]
 */
// biome-ignore lint/suspicious/noExplicitAny: see `make`
export async function makeVector<E extends VectorEnv<any, any, any, any> = VectorEnv>(
  id: string,
  copies: number,
  { autoreset = "next-step", ...options }: VectorOptions = {},
): Promise<E> {
  return new VectorEnv(await GymSession.open(id, copies, autoreset, options)) as E;
}
