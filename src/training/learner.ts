import type { Agent, BatchTensors } from "../agent.js";
import {
  allocateBatch,
  type Batch,
  PrioritisedSampler,
  type ReplayBuffer,
  type Sampler,
  UniformSampler,
} from "../replay/index.js";
import type { Device } from "../tensor/device.js";
import { refuseDiverged } from "../tensor/diverged.js";
import { type RandomState, RandomStream } from "../tensor/random.js";
import { StatefulStep } from "../tensor/step.js";
import { type HostArray, type HostTree, specOf, type TensorTree } from "../tensor/tree.js";

/** Where a learner stands besides its weights; plain JSON. */
export interface LearnerState {
  readonly updates: number;
  readonly sampling: RandomState;
  readonly random: RandomState;
  /** Sums of the metrics of `counted` updates that no curve shows yet. */
  readonly sums: { readonly [name: string]: number };
  readonly counted: number;
}

type HostRecord = { readonly [key: string]: HostTree };
type Outputs = { metrics: { [name: string]: HostArray }; errors?: HostArray };

/** Scalars of the updates since the last look, averaged. */
export type LearnerMetrics = { readonly [name: string]: number };

/** Samples batches from the replay and applies the agent's compiled update. */
export class Learner {
  readonly #agent: Agent;
  readonly #step: StatefulStep;
  readonly #sampler: Sampler;
  readonly #batch: Batch;
  #sampling: RandomStream;
  #random: RandomStream;
  #sums: Record<string, number> = {};
  #counted = 0;
  /** Updates so far. */
  updates = 0;

  private constructor(agent: Agent, step: StatefulStep, replay: ReplayBuffer, seed: number) {
    this.#agent = agent;
    this.#step = step;
    const { priority } = agent.transition;
    this.#sampler = priority ? new PrioritisedSampler(replay, priority) : new UniformSampler(replay);
    this.#batch = allocateBatch(replay.spec, agent.transition, agent.batchSize);
    this.#sampling = RandomStream.from(seed, "sampling");
    this.#random = RandomStream.from(seed, "update");
  }

  static async create(
    device: Device,
    agent: Agent,
    replay: ReplayBuffer,
    seed: number,
    /** Weights to start from, instead of random ones. */
    initial?: HostTree,
  ): Promise<Learner> {
    const state = agent.init(RandomStream.from(seed, "initial weights"), initial);
    const batch = allocateBatch(replay.spec, agent.transition, agent.batchSize);
    const random = agent.drawUpdate(RandomStream.from(0));
    const update = (s: TensorTree, b: TensorTree, r: TensorTree) => {
      const { state: next, metrics, errors } = agent.update(s, b as unknown as BatchTensors, r);
      return { state: next, outputs: { metrics, ...(errors && { errors }) } as TensorTree };
    };
    const step = await StatefulStep.create(device, update, state, [specOf(batch as HostTree), specOf(random)], "update");
    return new Learner(agent, step, replay, seed);
  }

  /** The learner's whole state: parameters, targets, optimiser, step counter, priorities. Overwritten by later updates. */
  async state(): Promise<HostTree> {
    const state = await this.#step.read();
    const sampler = this.#sampler.arrays?.();
    return sampler ? { ...(state as HostRecord), sampler } : state;
  }

  /** The part that acts; nothing else leaves the device. Overwritten by later updates. */
  policy(): Promise<HostTree> {
    return this.#step.read((state) => this.#agent.policy(state));
  }

  /**
   * One gradient step on a fresh batch.
   *
   * @throws BatonError "diverged" when what it reports is not a number.
   */
  async update(): Promise<void> {
    this.#sampler.sample(this.#batch, this.#sampling, this.updates);
    const { metrics, errors } = (await this.#step.run([
      this.#batch as HostTree,
      this.#agent.drawUpdate(this.#random),
    ])) as Outputs;
    this.updates += 1;
    const reported = Object.fromEntries(Object.entries(metrics).map(([name, { data }]) => [name, data[0]!]));
    refuseDiverged(reported, this.updates, "agent.learningRate");
    if (errors) this.#sampler.feedback?.(errors.data);
    for (const [name, value] of Object.entries(reported)) this.#sums[name] = (this.#sums[name] ?? 0) + value;
    this.#counted += 1;
  }

  /** Means over the updates since the last call; empty when there were none. */
  takeMetrics(): LearnerMetrics {
    const means = Object.fromEntries(Object.entries(this.#sums).map(([name, sum]) => [name, sum / this.#counted]));
    this.#sums = {};
    this.#counted = 0;
    return means;
  }

  position(): LearnerState {
    return {
      updates: this.updates,
      sampling: this.#sampling.state(),
      random: this.#random.state(),
      sums: { ...this.#sums },
      counted: this.#counted,
    };
  }

  /** Continues from {@link state} and {@link position}; the replay has been restored already. */
  restore(state: HostTree, position: LearnerState): void {
    const { sampler, ...weights } = state as HostRecord;
    this.#step.load(weights);
    if (sampler) this.#sampler.restore?.(sampler);
    this.updates = position.updates;
    this.#sampling = RandomStream.restore(position.sampling);
    this.#random = RandomStream.restore(position.random);
    this.#sums = { ...position.sums };
    this.#counted = position.counted;
  }

  dispose(): void {
    this.#step.dispose();
  }
}
