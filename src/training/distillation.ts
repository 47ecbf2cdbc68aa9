/**
 * Distillation of a trained team into agents that decide by themselves (DAgger: Ross, Gordon and Bagnell, 2011): the teacher says what it
 * would do wherever the team gets to; at first its own decisions are played, later more and more the students', so that they learn to get
 * out of where their own mistakes lead.
 *
 * @module
 */
import type { Agent } from "../agent.js";
import type { EnvironmentSpec, VectorEnvironment, VectorTimeStep } from "../environment.js";
import { orLost } from "../environments/lost.js";
import { allocateVectorTimeStep } from "../environments/timestep.js";
import { type WindowBatch, WindowStore } from "../replay/windows.js";
import type { Device } from "../tensor/device.js";
import { refuseDiverged } from "../tensor/diverged.js";
import { RandomStream } from "../tensor/random.js";
import { StatefulStep } from "../tensor/step.js";
import { type HostArray, type HostTree, specOf, type TensorTree } from "../tensor/tree.js";
import type { Config } from "./config.js";
import { type Evaluation, Evaluator, scoreOf } from "./evaluator.js";
import { Actor } from "./policy.js";
import type { TrainingRecord } from "./trainer.js";

export interface DistillationParts {
  /** Of the student; how much is played and learnt. */
  readonly config: Config;
  readonly spec: EnvironmentSpec;
  readonly device: Device;
  readonly teacher: { readonly agent: Agent; readonly policy: HostTree };
  readonly student: Agent;
  readonly environment: VectorEnvironment;
  readonly evaluationEnvironment: VectorEnvironment;
}

export interface DistillationEvents {
  /** When `checkpoint.everySteps` has passed. */
  onCheckpoint?(): void | Promise<void>;
  /** After each evaluation of the students; `best` when it is the best so far. */
  onEvaluation?(record: TrainingRecord, evaluation: Evaluation, best: boolean): void | Promise<void>;
}

/** Share of the run during which the teacher gradually hands over. */
const HANDOVER = 0.5;

/** One run: deterministic for a configuration. */
export class Distillation {
  environmentSteps = 0;
  updates = 0;
  readonly #parts: DistillationParts;
  readonly #step: VectorTimeStep;
  readonly #teacher: Actor;
  readonly #student: Actor;
  readonly #learner: StatefulStep;
  readonly #store: WindowStore;
  readonly #batch: WindowBatch;
  readonly #evaluator: Evaluator;
  readonly #streams: { seeds: RandomStream; who: RandomStream; sampling: RandomStream; greedy: RandomStream };
  /** [E] steps since the episode began, and whether the teacher plays it. */
  readonly #steps: Int32Array;
  readonly #taught: Uint8Array;
  /** [E,n] what was done one step before: 0 = nothing yet, a+1. */
  readonly #previous: Int32Array;
  #sums: Record<string, number> = {};
  #counted = 0;
  #best = Number.NEGATIVE_INFINITY;
  /** Of the last evaluation; −1 before the first. */
  #winRate = -1;

  private constructor(
    parts: DistillationParts,
    made: {
      step: VectorTimeStep;
      teacher: Actor;
      student: Actor;
      learner: StatefulStep;
      evaluator: Evaluator;
      store: WindowStore;
    },
    batch: WindowBatch,
  ) {
    const { seed } = parts.config;
    const { copies, spec } = parts.environment;
    this.#parts = parts;
    this.#step = made.step;
    this.#teacher = made.teacher;
    this.#student = made.student;
    this.#learner = made.learner;
    this.#evaluator = made.evaluator;
    this.#store = made.store;
    this.#batch = batch;
    const stream = (label: string) => RandomStream.from(seed, `distillation ${label}`);
    this.#streams = { seeds: stream("episodes"), who: stream("who"), sampling: stream("sampling"), greedy: stream("greedy") };
    this.#steps = new Int32Array(copies);
    this.#taught = new Uint8Array(copies);
    this.#previous = new Int32Array(copies * spec.agents);
  }

  static async create(parts: DistillationParts): Promise<Distillation> {
    const { config, spec, device, teacher, student, environment, evaluationEnvironment } = parts;
    const { copies } = environment;
    const store = new WindowStore(spec, { lanes: copies, capacity: config.training.replayCapacity });
    const batch = store.allocate(student.batchSize, student.imitates!.window);
    const state = student.init(RandomStream.from(config.seed, "initial weights"));
    const update = (s: TensorTree, b: TensorTree) => {
      const { state: next, metrics } = student.update(s, b as never, {});
      return { state: next, outputs: metrics };
    };
    const learner = await StatefulStep.create(device, update, state, [specOf(batch as HostTree)], "imitation");
    const step = allocateVectorTimeStep(spec, copies);
    const policy = student.policy(state);
    const made = {
      store,
      learner,
      step,
      teacher: await Actor.create(device, teacher.agent, spec, teacher.policy, step),
      student: await Actor.create(device, student, spec, policy, step),
      evaluator: await Evaluator.create({ device, environment: evaluationEnvironment, agent: student, policy }),
    };
    return new Distillation(parts, made, batch);
  }

  /** The students' whole learner state. */
  state(): Promise<HostTree> {
    return this.#learner.read();
  }

  get finished(): boolean {
    const { training, evaluation } = this.#parts.config;
    const solved = evaluation.stopAtWinRate !== null && this.#winRate >= evaluation.stopAtWinRate;
    return solved || this.environmentSteps >= training.environmentSteps;
  }

  async run(events: DistillationEvents = {}, signal?: AbortSignal): Promise<void> {
    const { config, environment, student } = this.#parts;
    const { training, evaluation, checkpoint } = config;
    const started = performance.now();
    await this.#begin(allCopies(environment));
    let owed = 0;
    while (!this.finished && !signal?.aborted) {
      const before = this.environmentSteps;
      const policy = await this.#learner.read((state) => student.policy(state));
      await this.#play(policy);
      if (this.environmentSteps >= training.warmupSteps) owed += environment.copies * training.updatesPerStep;
      for (; owed >= 1; owed -= 1) await this.#learn();
      const passed = (every: number) => Math.floor(this.environmentSteps / every) > Math.floor(before / every);
      if (passed(evaluation.everySteps) || this.finished) await this.#evaluate((performance.now() - started) / 1000, events);
      if (passed(checkpoint.everySteps) && !this.finished) await events.onCheckpoint?.();
    }
  }

  /** One step of every copy, with the teacher's opinion of it. */
  async #play(policy: HostTree): Promise<void> {
    const { teacher, student, environment } = this.#parts;
    const { copies, spec } = environment;
    const n = spec.agents;
    const { greedy } = this.#streams;
    const wanted = await this.#teacher.act(teacher.policy, teacher.agent.drawExploration(greedy, 0, copies));
    const done = await this.#student.act(policy, student.drawExploration(greedy, 0, copies));
    const labels = wanted.actions.data as Int32Array;
    this.#store.record(this.#step, this.#steps, this.#previous, labels);
    const actions = Int32Array.from(done.actions.data);
    for (let copy = 0; copy < copies; copy++) {
      if (this.#taught[copy] === 1) actions.set(labels.subarray(copy * n, (copy + 1) * n), copy * n);
    }
    this.#student.did(actions);
    this.#teacher.did(actions);
    actions.forEach((action, i) => {
      this.#previous[i] = action + 1;
    });
    if (await orLost(() => environment.step(actions, this.#step))) return this.#begin(allCopies(environment));
    this.environmentSteps += copies;
    const ended: number[] = [];
    for (let copy = 0; copy < copies; copy++) {
      this.#steps[copy]! += 1;
      if (this.#step.terminated[copy] === 1 || this.#step.truncated[copy] === 1) ended.push(copy);
    }
    if (ended.length > 0) await this.#begin(ended);
  }

  /** Begins episodes; where simulators broke, in all copies. */
  async #begin(copies: readonly number[]): Promise<void> {
    const n = this.#parts.spec.agents;
    const taught = 1 - this.environmentSteps / (HANDOVER * this.#parts.config.training.environmentSteps);
    for (const copy of copies) {
      this.#steps[copy] = 0;
      this.#previous.fill(0, copy * n, (copy + 1) * n);
      this.#taught[copy] = this.#streams.who.uniform() < taught ? 1 : 0;
    }
    this.#student.forget(copies);
    this.#teacher.forget(copies);
    const { environment } = this.#parts;
    const seeds = copies.map(() => this.#streams.seeds.uint32());
    if (await orLost(() => environment.reset(copies, seeds, this.#step))) await this.#begin(allCopies(environment));
  }

  async #learn(): Promise<void> {
    this.#store.sample(this.#batch, this.#streams.sampling);
    const metrics = (await this.#learner.run([this.#batch as HostTree])) as Record<string, HostArray>;
    this.updates += 1;
    const reported = Object.fromEntries(Object.entries(metrics).map(([name, { data }]) => [name, data[0]!]));
    refuseDiverged(reported, this.updates, "agent.learningRate");
    for (const [name, value] of Object.entries(reported)) this.#sums[name] = (this.#sums[name] ?? 0) + value;
    this.#counted += 1;
  }

  async #evaluate(wallSeconds: number, events: DistillationEvents): Promise<void> {
    const { config, student } = this.#parts;
    const policy = await this.#learner.read((state) => student.policy(state));
    const result = await this.#evaluator.evaluate(policy, { episodes: config.evaluation.episodes, seed: config.seed });
    const means = Object.entries(this.#sums).map(([name, sum]) => [name, sum / Math.max(1, this.#counted)] as const);
    this.#sums = {};
    this.#counted = 0;
    const record: TrainingRecord = {
      environmentSteps: this.environmentSteps,
      updates: this.updates,
      wallSeconds,
      winRate: result.winRate,
      meanReturn: result.meanReturn,
      meanLength: result.meanLength,
      ...Object.fromEntries(means),
    };
    const score = scoreOf(result);
    this.#winRate = result.winRate;
    const best = score >= this.#best;
    if (best) this.#best = score;
    await events.onEvaluation?.(record, result, best);
  }

  dispose(): void {
    this.#teacher.dispose();
    this.#student.dispose();
    this.#learner.dispose();
    this.#evaluator.dispose();
  }
}

const allCopies = ({ copies }: VectorEnvironment) => Array.from({ length: copies }, (_, copy) => copy);
