import type { TransitionSpec } from "../src/agent.js";
import type { EnvironmentSpec, VectorTimeStep } from "../src/environment.js";
import { ReplayBuffer } from "../src/replay/index.js";
import { RandomStream } from "../src/tensor/random.js";

/** A small team with every kind of field; for tests. */
export const spec: EnvironmentSpec = {
  id: "test/small",
  agents: 2,
  entities: 3,
  actions: 4,
  untargetedActions: 2,
  entityFeatures: 5,
  relationFeatures: 2,
  observationSize: 30,
  stateSize: 3,
  episodeLimit: 9,
  actionNames: ["stop", "go", "target 0", "target 1"],
  predictedFeatures: [],
};

export const transition: TransitionSpec = {
  fields: ["entities", "alive", "actionMask", "actionTargets", "observations"],
  nStep: 3,
  gamma: 0.9,
};

/** What one copy went through, the obvious way: plain arrays of plain numbers. */
export interface PlainStep {
  readonly fields: Record<string, number[]>;
  readonly actions: number[];
  /** Of the step after the actions; undefined at an episode's last time step. */
  outcome?: { readonly reward: number; readonly terminated: boolean; readonly truncated: boolean };
}

/** Random play in E copies, recorded both into a {@link ReplayBuffer} and into plain lists of episodes. */
export class RandomPlay {
  readonly step: VectorTimeStep;
  readonly actions: Int32Array;
  /** [E] rows in the order of time, boundary rows included; dropped episodes are not there. */
  readonly history: PlainStep[][];
  /** [E] how many of those rows the ring has no room for any more. */
  readonly oldest: number[];
  readonly #rng: RandomStream;
  readonly #lengths: number[];

  constructor(
    /** May be replaced by one that was restored from it. */
    public buffer: ReplayBuffer,
    seed: number,
  ) {
    this.#rng = RandomStream.from(seed, "play");
    const copies = buffer.lanes.length;
    this.history = Array.from({ length: copies }, () => []);
    this.#lengths = Array.from({ length: copies }, () => 0);
    this.oldest = Array.from({ length: copies }, () => 0);
    this.actions = new Int32Array(copies * spec.agents);
    this.step = {
      entities: new Float32Array(copies * 15),
      relations: new Float32Array(copies * 18),
      alive: new Uint8Array(copies * 3),
      actionMask: new Uint8Array(copies * 8),
      actionTargets: new Int32Array(copies * 4),
      observations: new Float32Array(copies * 60),
      state: new Float32Array(copies * 3),
      reward: new Float32Array(copies),
      terminated: new Uint8Array(copies),
      truncated: new Uint8Array(copies),
      infos: Array.from({ length: copies }, () => ({})),
    };
    for (let copy = 0; copy < copies; copy++) this.#observe();
  }

  #observe(): void {
    const rng = this.#rng;
    const { entities, alive, actionMask, actionTargets, observations } = this.step;
    for (const array of [entities, observations])
      array.forEach((_, i) => {
        array[i] = rng.normal();
      });
    for (const array of [alive, actionMask])
      array.forEach((_, i) => {
        array[i] = rng.integer(2);
      });
    actionTargets.forEach((_, i) => {
      actionTargets[i] = rng.integer(4) - 1;
    });
  }

  #rowOf(copy: number, actions: number[]): PlainStep {
    const copies = this.history.length;
    const fields = Object.fromEntries(
      transition.fields.map((name) => {
        const width = this.step[name].length / copies;
        return [name, [...this.step[name].slice(copy * width, (copy + 1) * width)]];
      }),
    );
    return { fields, actions };
  }

  #makeRoom(copy: number): void {
    this.oldest[copy] = Math.max(this.oldest[copy]!, this.history[copy]!.length + 1 - this.buffer.rowsPerLane);
  }

  /** One vector step; episodes end at random, by their rules or at the time limit. `breaks` copies lose their episode instead. */
  play(breaks: readonly number[] = []): void {
    const rng = this.#rng;
    const { step, actions, buffer, history } = this;
    actions.forEach((_, i) => {
      actions[i] = rng.integer(spec.actions);
    });
    const rows = history.map((_, copy) => this.#rowOf(copy, [...actions.slice(copy * spec.agents, (copy + 1) * spec.agents)]));
    for (const [copy, lane] of buffer.lanes.entries()) lane.decide(step, copy, actions);
    this.#observe();
    for (const [copy, lane] of history.entries()) {
      this.#makeRoom(copy);
      if (breaks.includes(copy)) {
        buffer.lanes[copy]!.drop();
        lane.splice(lane.length - this.#lengths[copy]!);
        this.oldest[copy] = Math.min(this.oldest[copy]!, lane.length);
        this.#lengths[copy] = 0;
        continue;
      }
      const length = this.#lengths[copy]! + 1;
      step.reward[copy] = rng.normal();
      step.terminated[copy] = rng.uniform() < 0.15 ? 1 : 0;
      step.truncated[copy] = length === spec.episodeLimit || rng.uniform() < 0.05 ? 1 : 0;
      const outcome = {
        reward: step.reward[copy]!,
        terminated: step.terminated[copy] === 1,
        truncated: step.truncated[copy] === 1,
      };
      lane.push({ ...rows[copy]!, outcome });
      this.#lengths[copy] = length;
      if (outcome.terminated || outcome.truncated) {
        this.#makeRoom(copy);
        lane.push(this.#rowOf(copy, []));
        this.#lengths[copy] = 0;
      }
      buffer.lanes[copy]!.conclude(step, copy);
    }
  }
}

export function smallReplay(capacity = 120, lanes = 3): ReplayBuffer {
  return new ReplayBuffer(spec, transition, { lanes, capacity });
}
