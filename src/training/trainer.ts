import type { Agent } from "../agent.js";
import type { EnvironmentSpec, VectorEnvironment } from "../environment.js";
import { ReplayBuffer } from "../replay/index.js";
import type { Device } from "../tensor/device.js";
import type { HostTree } from "../tensor/tree.js";
import { Collector, type CollectorState } from "./collector.js";
import type { Config } from "./config.js";
import { type Evaluation, Evaluator, scoreOf } from "./evaluator.js";
import { Learner, type LearnerState } from "./learner.js";
import { type Seconds, sharesOf, TimeBudget } from "./time-budget.js";

/** Everything but weights and replay that a run needs to continue; plain JSON. */
export interface TrainerState {
  readonly collector: CollectorState;
  readonly learner: LearnerState;
  /** Updates owed to the experience collected so far, a fraction. */
  readonly owed: number;
  /** Seconds of training so far, over all sessions. */
  readonly wallSeconds: number;
  readonly best: { readonly score: number; readonly environmentSteps: number } | null;
  /** Of the last evaluation; null before the first. Absent from runs that began before it was kept. */
  readonly winRate?: number | null;
  /** Environment steps up to which evaluations and checkpoints have been seen to. Absent likewise. */
  readonly seen?: number;
}

/** One point of the learning curve. */
export type TrainingRecord = { readonly environmentSteps: number; readonly updates: number; readonly wallSeconds: number } & {
  readonly [metric: string]: number;
};

/** What happens while a run goes on; each may take its time, the loop waits. */
export interface TrainerEvents {
  /** After every vector step. */
  onStep?(trainer: Trainer): void | Promise<void>;
  /** After each evaluation; `best` when it is the best so far. */
  onEvaluation?(record: TrainingRecord, evaluation: Evaluation, best: boolean): void | Promise<void>;
  /** When `checkpoint.everySteps` has passed, and at the end. */
  onCheckpoint?(trainer: Trainer): void | Promise<void>;
}

/** What a trainer is made of. */
export interface TrainerParts {
  readonly config: Config;
  readonly spec: EnvironmentSpec;
  readonly agent: Agent;
  readonly device: Device;
  /** Copies that the experience comes from. */
  readonly environment: VectorEnvironment;
  /** Copies that evaluations are played in. */
  readonly evaluationEnvironment: VectorEnvironment;
  /** Weights to start from, instead of random ones. */
  readonly initial?: HostTree;
}

/**
 * The loop: send every copy on a step, learn meanwhile what the experience before it earns, see what the step brought; evaluate
 * and save now and then. Everything happens in a fixed order from seeded streams, so the same configuration gives the same run,
 * bit for bit, with any number of threads; of several hosts of simulators the first that is ready is taken, unless
 * `simulators.order` is `fixed`.
 */
export class Trainer {
  readonly config: Config;
  readonly replay: ReplayBuffer;
  readonly #agent: Agent;
  readonly #collector: Collector;
  readonly #learner: Learner;
  readonly #evaluator: Evaluator;
  readonly #budget: TimeBudget;
  #owed = 0;
  /** Environment steps that updates are owed for. */
  #earnedAt = 0;
  #elapsedBefore = 0;
  #startedAt = 0;
  #best: TrainerState["best"] = null;
  #winRate: number | null = null;
  #seen = 0;
  #lastEvaluation: Evaluation | undefined;
  #lastLearning: Record<string, number> = {};

  private constructor(
    parts: TrainerParts,
    replay: ReplayBuffer,
    collector: Collector,
    learner: Learner,
    evaluator: Evaluator,
    budget: TimeBudget,
  ) {
    this.#budget = budget;
    this.config = parts.config;
    this.#agent = parts.agent;
    this.replay = replay;
    this.#collector = collector;
    this.#learner = learner;
    this.#evaluator = evaluator;
  }

  static async create(parts: TrainerParts): Promise<Trainer> {
    const { config, spec, agent, device, environment } = parts;
    const { seed, training } = config;
    const replay = new ReplayBuffer(spec, agent.transition, { lanes: training.copies, capacity: training.replayCapacity });
    const learner = await Learner.create(device, agent, replay, seed, parts.initial);
    const policy = await learner.policy();
    const budget = new TimeBudget();
    const collector = await Collector.create({
      device,
      environment,
      agent,
      policy,
      replay,
      seed,
      order: config.simulators.order,
      budget,
    });
    const evaluator = await Evaluator.create({ device, environment: parts.evaluationEnvironment, agent, policy });
    return new Trainer(parts, replay, collector, learner, evaluator, budget);
  }

  get environmentSteps(): number {
    return this.#collector.environmentSteps;
  }

  /** Episodes that ended with their simulator instead of by themselves, since the run began. */
  get lostEpisodes(): number {
    return this.#collector.lostEpisodes;
  }

  get updates(): number {
    return this.#learner.updates;
  }

  /** Weights, targets, optimiser. Overwritten by later updates. */
  learnerState(): Promise<HostTree> {
    return this.#learner.state();
  }

  get wallSeconds(): number {
    return this.#elapsedBefore + (this.#startedAt === 0 ? 0 : (performance.now() - this.#startedAt) / 1000);
  }

  get finished(): boolean {
    const { stopAtWinRate } = this.config.evaluation;
    const solved = stopAtWinRate !== null && this.#winRate !== null && this.#winRate >= stopAtWinRate;
    return solved || this.environmentSteps >= this.config.training.environmentSteps;
  }

  /** What a progress display shows besides counters. */
  get latest(): { winRate: number | undefined; meanReturn: number | undefined; loss: number | undefined; exploration: number } {
    return {
      winRate: this.#lastEvaluation?.winRate,
      meanReturn: this.#lastEvaluation?.meanReturn,
      loss: this.#lastLearning.loss,
      exploration: this.#agent.explorationRate(this.environmentSteps),
    };
  }

  state(): TrainerState {
    return {
      collector: this.#collector.state(),
      learner: this.#learner.position(),
      owed: this.#owed,
      wallSeconds: this.wallSeconds,
      best: this.#best,
      winRate: this.#winRate,
      seen: this.#seen,
    };
  }

  /** Continues from a checkpoint; the replay has been restored already. */
  async restore(weights: HostTree, state: TrainerState): Promise<void> {
    this.#learner.restore(weights, state.learner);
    await this.#collector.restore(state.collector);
    this.#owed = state.owed;
    this.#elapsedBefore = state.wallSeconds;
    this.#best = state.best;
    this.#winRate = state.winRate ?? null;
    this.#seen = state.seen ?? this.environmentSteps;
  }

  /** Trains until the end or until `signal` is aborted; in either case everything is checkpointed at last. */
  async run(events: TrainerEvents = {}, signal?: AbortSignal): Promise<void> {
    const { training, evaluation, checkpoint } = this.config;
    this.#startedAt = performance.now();
    this.#budget.take(); // what lies before is not training
    if (!this.#collector.started) {
      await this.#collector.start();
      // Weights from another run may be the best that a short run sees.
      if (this.config.initial !== null) await this.evaluate(events);
    }
    this.#earnedAt = this.environmentSteps;
    while (!this.finished && !signal?.aborted) {
      await this.#collector.begin(await this.#learner.policy(), this.#agent.explorationRate(this.environmentSteps));
      await this.#learn();
      await this.#collector.finish(signal);
      this.#earn();
      await events.onStep?.(this);
      const [before, now] = [this.#seen, this.environmentSteps];
      this.#seen = now;
      const passed = (every: number) => Math.floor(now / every) > Math.floor(before / every);
      const last = this.environmentSteps >= training.environmentSteps;
      if (passed(evaluation.everySteps) || last) await this.evaluate(events);
      if (passed(checkpoint.everySteps) && !this.finished) await this.#checkpoint(events, signal);
    }
    await this.#checkpoint(events, signal);
    this.#elapsedBefore = this.wallSeconds;
    this.#startedAt = 0;
  }

  /** Owes the updates that the environment steps since the last time earn. */
  #earn(): void {
    const { updatesPerStep, warmupSteps } = this.config.training;
    const steps = this.environmentSteps - this.#earnedAt;
    this.#earnedAt = this.environmentSteps;
    if (this.environmentSteps >= warmupSteps && this.replay.transitions > 0) this.#owed += steps * updatesPerStep;
  }

  /**
   * The updates that are owed. Simulators that wait for their next actions come first, as long as the learner is not further
   * behind than what one step of all copies earns.
   */
  async #learn(): Promise<void> {
    const { updatesPerStep, copies } = this.config.training;
    for (; this.#owed >= 1; this.#owed -= 1) {
      if (this.#collector.waited && this.#owed < 1 + updatesPerStep * copies) return;
      await this.#budget.spend("learn", () => this.#learner.update());
    }
  }

  async #checkpoint(events: TrainerEvents, signal?: AbortSignal): Promise<void> {
    await this.#collector.settle(signal);
    this.#earn();
    await events.onCheckpoint?.(this);
  }

  /** Seconds by activity since the last evaluation. */
  takeSeconds(): Seconds {
    return this.#budget.take();
  }

  /** Plays the evaluation's episodes and tells `events` what became of them. */
  async evaluate(events: TrainerEvents): Promise<void> {
    const { evaluation, seed } = this.config;
    const policy = await this.#learner.policy();
    const play = { episodes: evaluation.episodes, seed };
    const result = await this.#budget.spend("evaluate", () => this.#evaluator.evaluate(policy, play));
    const collected = this.#collector.tally.take();
    const learning = this.#learner.takeMetrics();
    this.#lastEvaluation = result;
    this.#lastLearning = learning;
    const { environmentSteps, updates, wallSeconds } = this;
    const record: TrainingRecord = {
      environmentSteps,
      updates,
      wallSeconds,
      winRate: result.winRate,
      meanReturn: result.meanReturn,
      meanLength: result.meanLength,
      exploration: this.#agent.explorationRate(environmentSteps),
      ...(collected.episodes > 0
        ? { trainingWinRate: collected.wins / collected.episodes, trainingReturn: collected.meanReturn }
        : {}),
      ...(this.#collector.lostEpisodes > 0 ? { lostEpisodes: this.#collector.lostEpisodes } : {}),
      ...learning,
      ...sharesOf(this.#budget.take()),
    };
    const score = scoreOf(result);
    const best = this.#best === null || score >= this.#best.score;
    if (best) this.#best = { score, environmentSteps };
    this.#winRate = result.winRate;
    await events.onEvaluation?.(record, result, best);
  }

  dispose(): void {
    this.#collector.dispose();
    this.#learner.dispose();
    this.#evaluator.dispose();
  }
}
