import type { Agent } from "../agent.js";
import type { VectorEnvironment, VectorTimeStep } from "../environment.js";
import { LostEpisodes } from "../environments/lost.js";
import { allocateVectorTimeStep } from "../environments/timestep.js";
import { BatonError } from "../errors.js";
import type { ReplayBuffer } from "../replay/index.js";
import type { Device } from "../tensor/device.js";
import { type RandomState, RandomStream } from "../tensor/random.js";
import type { HostTree } from "../tensor/tree.js";
import { Group } from "./group.js";
import { replayHistories } from "./histories.js";
import { begun, copyOf, type Running, type RunningState } from "./running.js";
import { EpisodeTally, type TallyState } from "./tally.js";
import { TimeBudget } from "./time-budget.js";

/** Where a collector stands; plain JSON. Running episodes are kept as seed and actions, from which they are played again. */
export interface CollectorState {
  readonly environmentSteps: number;
  readonly episodes: number;
  /** Absent from runs that began before it was counted. */
  readonly lostEpisodes?: number;
  readonly exploration: RandomState;
  readonly seeds: RandomState;
  /** Sums over episodes that no curve shows yet. */
  readonly finished: TallyState;
  readonly running: readonly RunningState[];
}

/** Milliseconds that a run which is to stop waits for steps that are under way. */
const stopPatience = 3000;

/**
 * Plays E copies with the exploring policy and writes everything into the replay. Groups of copies that are independent of each
 * other are: whichever is ready is sent on its next step, and none waits for another. A group whose simulators broke begins anew.
 */
export class Collector {
  readonly #environment: VectorEnvironment;
  readonly #groups: readonly Group[];
  readonly #agent: Agent;
  readonly #replay: ReplayBuffer;
  /** Groups are taken in turn, so that the same run comes out every time. */
  readonly #inTurn: boolean;
  #turn = 0;
  #exploration: RandomStream;
  #seeds: RandomStream;
  #running: Running[] = [];
  readonly #budget: TimeBudget;
  /** Episodes that ended since the last point of the curve. */
  readonly tally = new EpisodeTally();
  /** Environment steps so far, over all copies. */
  environmentSteps = 0;
  /** Episodes finished so far. */
  episodes = 0;
  /** Episodes that ended with their simulator. */
  lostEpisodes = 0;

  private constructor(
    environment: VectorEnvironment,
    groups: readonly Group[],
    agent: Agent,
    replay: ReplayBuffer,
    seed: number,
    order: "ready" | "fixed",
    budget: TimeBudget,
  ) {
    this.#budget = budget;
    this.#environment = environment;
    this.#groups = groups;
    this.#agent = agent;
    this.#replay = replay;
    this.#inTurn = order === "fixed" || groups.length === 1;
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
    /** Of several groups, whose steps are taken first: of those that are ready (the default), or of all in turn. */
    order?: "ready" | "fixed";
    /** Where the time of `begin`, `finish` and `settle` is booked. */
    budget?: TimeBudget;
  }): Promise<Collector> {
    const { environment, agent, replay, seed, order = "ready", budget = new TimeBudget() } = parts;
    const step = allocateVectorTimeStep(environment.spec, environment.copies, environment.fields);
    const groups = await Group.all(environment, step, { ...parts, budget });
    return new Collector(environment, groups, agent, replay, seed, order, budget);
  }

  /** Episodes are running: begun by {@link start} or {@link restore}. */
  get started(): boolean {
    return this.#running.length > 0;
  }

  /** Begins a first episode in every copy. */
  async start(): Promise<void> {
    this.#running = Array.from({ length: this.#environment.copies }, () => this.#begun(0));
    for (const group of this.#groups) this.#begin(group, allOf(group));
    await this.#whenIdle(this.#groups);
  }

  /** Some group has played its step and waits to be sent on. */
  get waited(): boolean {
    return !this.#inTurn && this.#groups.some((group) => group.arrived);
  }

  /**
   * Chooses with exploration probability `rate` and sends every copy that can be on its step. Until {@link finish} the copies
   * play, in other threads or processes while this one may learn: nothing of the new step is seen before, and `policy` is not read
   * any more.
   */
  async begin(policy: HostTree, rate: number): Promise<void> {
    for (const group of this.#groups) if (group.phase === "idle") await this.#send(group, policy, rate);
  }

  async #send(group: Group, policy: HostTree, rate: number): Promise<void> {
    const { copies } = group.environment;
    const choices = await this.#budget.spend("act", () =>
      group.actor.act(policy, this.#agent.drawExploration(this.#exploration, rate, copies, this.#lasting(group))),
    );
    this.#budget.book("collect", () => this.#play(group, choices.actions.data as Int32Array));
  }

  #lasting = ({ first, environment }: Group) =>
    this.#running.slice(first, first + environment.copies).map(({ lasting }) => lasting);

  #begun = (seed: number) => begun(seed, this.#environment.spec.agents);

  #play(group: Group, chosen: Int32Array): void {
    const { copies, spec } = group.environment;
    group.actions.set(chosen);
    for (let copy = 0; copy < copies; copy++) {
      const actions = group.actions.subarray(copy * spec.agents, (copy + 1) * spec.agents);
      this.#replay.lanes[group.first + copy]!.decide(group.step, copy, group.actions);
      this.#running[group.first + copy]!.actions.push(Array.from(actions));
    }
    group.play();
  }

  /**
   * Waits for a step that {@link begin} began, and writes down what came of it and of all others that are done.
   *
   * @param stop ends the wait for simulators elsewhere.
   */
  finish(stop?: AbortSignal): Promise<void> {
    return this.#budget.spend("idle", () => this.#finish(stop));
  }

  async #finish(stop?: AbortSignal): Promise<void> {
    const signal = this.#environment.groups && stop;
    if (this.#inTurn) {
      const group = this.#groups[this.#turn]!;
      this.#turn = (this.#turn + 1) % this.#groups.length;
      await this.#whenIdle([group], signal);
      return;
    }
    const busy = this.#groups.filter(({ phase }) => phase !== "idle");
    if (!busy.some((group) => group.arrived)) await orAborted(Promise.race(busy.map((group) => group.untilArrived())), signal);
    for (const group of busy) if (group.arrived) this.#take(group);
  }

  /** Waits until no step is under way. When the run is to stop, episodes of simulators elsewhere that take long are given up. */
  async settle(stop?: AbortSignal): Promise<void> {
    const inTurn = [...this.#groups.slice(this.#turn), ...this.#groups.slice(0, this.#turn)];
    this.#turn = 0;
    const signal = this.#environment.groups && stop;
    await this.#whenIdle(inTurn, signal);
    if (!signal?.aborted) return;
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), stopPatience);
    await this.#whenIdle(inTurn, patience.signal);
    clearTimeout(timer);
    for (const group of this.#groups) {
      if (group.phase === "step") this.#lose(group, allOf(group));
    }
  }

  /** Until the groups have played their steps and begun their new episodes; taken one after another where the run is to repeat. */
  async #whenIdle(groups: readonly Group[], signal?: AbortSignal): Promise<void> {
    const untilIdle = async (group: Group) => {
      while (group.phase !== "idle") {
        await orAborted(group.untilArrived(), signal);
        if (signal?.aborted && !group.arrived) return;
        if (group.arrived) this.#take(group);
      }
    };
    if (!this.#inTurn) await Promise.all(groups.map(untilIdle));
    else for (const group of groups) await untilIdle(group);
  }

  /** Deals with what has arrived from a group. */
  #take(group: Group): void {
    this.#budget.book("collect", () => this.#receive(group));
  }

  #receive(group: Group): void {
    const { phase } = group;
    const error = group.take();
    if (error !== undefined && !(error instanceof LostEpisodes)) throw error;
    if (error !== undefined) {
      // Those that were only about to begin are not lost.
      this.#lose(group, phase === "step" ? allOf(group) : allOf(group).filter((copy) => !group.resetting.includes(copy)));
      this.#begin(group, allOf(group));
    } else if (phase === "step") {
      const ended = this.#record(group);
      if (ended.length > 0) this.#begin(group, ended);
    }
  }

  /** Writes down what a step brought. Returns the copies whose episode it ended. */
  #record({ step, first, environment: { copies } }: Group): number[] {
    this.environmentSteps += copies;
    const ended: number[] = [];
    for (let copy = 0; copy < copies; copy++) {
      this.#replay.lanes[first + copy]!.conclude(step, copy);
      const running = this.#running[first + copy]!;
      running.return += step.reward[copy]!;
      if (!step.terminated[copy] && !step.truncated[copy]) continue;
      ended.push(copy);
      this.episodes += 1;
      this.tally.add({ return: running.return, won: step.infos[copy]!.won === true });
    }
    return ended;
  }

  /** Episodes of these copies of a group are no more. */
  #lose(group: Group, copies: readonly number[]): void {
    for (const copy of copies) {
      this.#replay.lanes[group.first + copy]!.drop();
      this.#running[group.first + copy] = this.#begun(this.#seeds.uint32());
    }
    this.lostEpisodes += copies.length;
  }

  #begin(group: Group, copies: readonly number[]): void {
    const seeds = copies.map(() => this.#seeds.uint32());
    copies.forEach((copy, k) => {
      this.#running[group.first + copy] = this.#begun(seeds[k]!);
    });
    group.begin(copies, seeds);
  }

  state(): CollectorState {
    return {
      environmentSteps: this.environmentSteps,
      episodes: this.episodes,
      lostEpisodes: this.lostEpisodes,
      exploration: this.#exploration.state(),
      seeds: this.#seeds.state(),
      finished: this.tally.state(),
      running: this.#running.map((episode) => copyOf(episode, this.#environment.spec.agents)),
    };
  }

  /**
   * Continues where {@link state} was taken: running episodes are played again from their seeds. A simulator that does not repeat
   * its episodes cannot; those are dropped and count as lost.
   */
  async restore(state: CollectorState): Promise<void> {
    this.environmentSteps = state.environmentSteps;
    this.episodes = state.episodes;
    this.lostEpisodes = state.lostEpisodes ?? 0;
    this.#exploration = RandomStream.restore(state.exploration);
    this.#seeds = RandomStream.restore(state.seeds);
    this.tally.restore(state.finished);
    this.#running = state.running.map((episode) => copyOf(episode, this.#environment.spec.agents));
    await Promise.all(this.#groups.map((group) => this.#restoreGroup(group)));
    await this.#whenIdle(this.#groups);
  }

  async #restoreGroup(group: Group): Promise<void> {
    const { first, environment, step } = group;
    const histories = this.#running.slice(first, first + environment.copies);
    if (await this.#repeats(environment, step, histories)) return;
    const begun = allOf(group).filter((copy) => histories[copy]!.actions.length > 0);
    this.#lose(group, begun);
    this.#begin(group, allOf(group));
  }

  /** Plays the episodes again. Says whether they came out as they had. */
  async #repeats(environment: VectorEnvironment, step: VectorTimeStep, histories: readonly Running[]): Promise<boolean> {
    try {
      const returns = await replayHistories(environment, step, histories);
      return histories.every((history, copy) => returns[copy] === history.return);
    } catch (error) {
      // an action that is not legal where the episode has come to
      const elsewhere = this.#environment.groups !== undefined && error instanceof BatonError && error.code === "invalid-value";
      if (!(error instanceof LostEpisodes || elsewhere)) throw error;
      return false;
    }
  }

  dispose(): void {
    for (const { actor } of this.#groups) actor.dispose();
  }
}

const allOf = ({ environment }: Group) => Array.from({ length: environment.copies }, (_, copy) => copy);

/** Waits for `pending`, but not beyond the signal. */
async function orAborted(pending: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return pending;
  if (signal.aborted) return;
  let stop = () => {};
  const aborted = new Promise<void>((resolve) => {
    stop = resolve;
    signal.addEventListener("abort", stop);
  });
  await Promise.race([pending, aborted]);
  signal.removeEventListener("abort", stop);
}
