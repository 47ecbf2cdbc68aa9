import type { Agent } from "../agent.js";
import type { VectorEnvironment, VectorTimeStep } from "../environment.js";
import { allocateVectorTimeStep } from "../environments/timestep.js";
import type { ReplayBuffer } from "../replay/index.js";
import type { Device } from "../tensor/device.js";
import { type RandomState, RandomStream } from "../tensor/random.js";
import type { HostTree } from "../tensor/tree.js";
import { Actor } from "./policy.js";

/** Where a collector stands; plain JSON. Running episodes are kept as seed and actions, from which they are played again. */
export interface CollectorState {
  readonly environmentSteps: number;
  readonly episodes: number;
  readonly exploration: RandomState;
  readonly seeds: RandomState;
  /** Sums over episodes that no curve shows yet. */
  readonly finished: Finished;
  readonly running: readonly {
    readonly seed: number;
    readonly actions: readonly (readonly number[])[];
    readonly return: number;
  }[];
}

/** Episodes that ended since the last look. */
export interface EpisodeSummary {
  readonly episodes: number;
  readonly wins: number;
  readonly meanReturn: number;
  readonly meanLength: number;
}

interface Finished {
  episodes: number;
  wins: number;
  returns: number;
  lengths: number;
}

/** One running episode of a copy. */
interface Running {
  seed: number;
  actions: number[][];
  return: number;
}

/** Plays E copies with the exploring policy and writes everything into the replay. */
export class Collector {
  readonly #environment: VectorEnvironment;
  readonly #agent: Agent;
  readonly #actor: Actor;
  readonly #replay: ReplayBuffer;
  readonly #step: VectorTimeStep;
  #exploration: RandomStream;
  #seeds: RandomStream;
  #running: Running[] = [];
  #pending: Promise<void> = Promise.resolve();
  #finished: Finished = { episodes: 0, wins: 0, returns: 0, lengths: 0 };
  /** Environment steps so far, over all copies. */
  environmentSteps = 0;
  /** Episodes finished so far. */
  episodes = 0;

  private constructor(
    environment: VectorEnvironment,
    agent: Agent,
    actor: Actor,
    replay: ReplayBuffer,
    step: VectorTimeStep,
    seed: number,
  ) {
    this.#environment = environment;
    this.#agent = agent;
    this.#actor = actor;
    this.#replay = replay;
    this.#step = step;
    this.#exploration = RandomStream.from(seed, "exploration");
    this.#seeds = RandomStream.from(seed, "episodes");
  }

  /** Ready to `start` or `restore`. */
  static async create(parts: {
    device: Device;
    environment: VectorEnvironment;
    agent: Agent;
    policy: HostTree;
    replay: ReplayBuffer;
    seed: number;
  }): Promise<Collector> {
    const { device, environment, agent, policy, replay, seed } = parts;
    const step = allocateVectorTimeStep(environment.spec, environment.copies);
    const actor = await Actor.create(device, agent, environment.spec, policy, step);
    return new Collector(environment, agent, actor, replay, step, seed);
  }

  /** Episodes are running: begun by {@link start} or {@link restore}. */
  get started(): boolean {
    return this.#running.length > 0;
  }

  /** Begins a first episode in every copy. */
  async start(): Promise<void> {
    this.#running = Array.from({ length: this.#environment.copies }, () => ({ seed: 0, actions: [], return: 0 }));
    await this.#begin(this.#running.map((_, copy) => copy));
  }

  /**
   * Chooses with exploration probability `rate` and sends every copy on its step. Until {@link finish} the copies play, in other
   * threads while this one may learn: nothing of the new step is seen before, and `policy` is not read any more.
   */
  async begin(policy: HostTree, rate: number): Promise<void> {
    const { copies, spec } = this.#environment;
    const choices = await this.#actor.act(policy, this.#agent.drawExploration(this.#exploration, rate, copies));
    const actions = choices.actions.data as Int32Array;
    this.#replay.recordDecisions(this.#step, actions);
    for (let copy = 0; copy < copies; copy++) {
      this.#running[copy]!.actions.push(Array.from(actions.subarray(copy * spec.agents, (copy + 1) * spec.agents)));
    }
    this.#pending = Promise.resolve(this.#environment.step(actions, this.#step));
    // whoever finishes hears of a failure; until then it is not lost
    this.#pending.catch(() => {});
  }

  /** Waits for the step that {@link begin} began, and writes down what came of it. */
  async finish(): Promise<void> {
    const { copies } = this.#environment;
    await this.#pending;
    this.#replay.recordOutcomes(this.#step);
    this.environmentSteps += copies;

    const ended: number[] = [];
    for (let copy = 0; copy < copies; copy++) {
      const running = this.#running[copy]!;
      running.return += this.#step.reward[copy]!;
      if (!this.#step.terminated[copy] && !this.#step.truncated[copy]) continue;
      ended.push(copy);
      this.episodes += 1;
      this.#finished.episodes += 1;
      this.#finished.wins += this.#step.infos[copy]!.won ? 1 : 0;
      this.#finished.returns += running.return;
      this.#finished.lengths += running.actions.length;
    }
    if (ended.length > 0) await this.#begin(ended);
  }

  async #begin(copies: readonly number[]): Promise<void> {
    const seeds = copies.map(() => this.#seeds.uint32());
    copies.forEach((copy, k) => {
      this.#running[copy] = { seed: seeds[k]!, actions: [], return: 0 };
    });
    await this.#environment.reset(copies, seeds, this.#step);
  }

  /** Episodes that ended since the last call. */
  takeSummary(): EpisodeSummary {
    const { episodes, wins, returns, lengths } = this.#finished;
    this.#finished = { episodes: 0, wins: 0, returns: 0, lengths: 0 };
    const per = Math.max(1, episodes);
    return { episodes, wins, meanReturn: returns / per, meanLength: lengths / per };
  }

  state(): CollectorState {
    return {
      environmentSteps: this.environmentSteps,
      episodes: this.episodes,
      exploration: this.#exploration.state(),
      seeds: this.#seeds.state(),
      finished: { ...this.#finished },
      running: this.#running.map(({ seed, actions, return: sum }) => ({ seed, actions, return: sum })),
    };
  }

  /**
   * Continues where {@link state} was taken: running episodes are played again from their seeds. All copies step together, so a
   * copy with a shorter history plays anything until its turn to start comes; every history then ends at the same step.
   */
  async restore(state: CollectorState): Promise<void> {
    const { copies, spec } = this.#environment;
    this.environmentSteps = state.environmentSteps;
    this.episodes = state.episodes;
    this.#exploration = RandomStream.restore(state.exploration);
    this.#seeds = RandomStream.restore(state.seeds);
    this.#finished = { ...state.finished };
    this.#running = state.running.map(({ seed, actions, return: sum }) => ({
      seed,
      actions: actions.map((a) => [...a]),
      return: sum,
    }));
    const longest = Math.max(...this.#running.map((running) => running.actions.length));
    const joint = new Int32Array(copies * spec.agents);
    const all = this.#running.map((_, copy) => copy);
    const startsAt = (copy: number) => longest - this.#running[copy]!.actions.length;
    await this.#environment.reset(
      all,
      this.#running.map((running) => running.seed),
      this.#step,
    );
    for (let t = 0; t <= longest; t++) {
      const due = all.filter((copy) => t > 0 && (startsAt(copy) === t || (startsAt(copy) > t && this.#ended(copy))));
      if (due.length > 0) {
        const seeds = due.map((copy) => this.#running[copy]!.seed);
        await this.#environment.reset(due, seeds, this.#step);
      }
      if (t === longest) break;
      for (const copy of all) {
        const history = this.#running[copy]!.actions[t - startsAt(copy)];
        for (let i = 0; i < spec.agents; i++) {
          const at = copy * spec.agents + i;
          joint[at] = history ? history[i]! : this.#step.actionMask.indexOf(1, at * spec.actions) - at * spec.actions;
        }
      }
      await this.#environment.step(joint, this.#step);
    }
  }

  #ended(copy: number): boolean {
    return this.#step.terminated[copy] === 1 || this.#step.truncated[copy] === 1;
  }

  dispose(): void {
    this.#actor.dispose();
  }
}
