import type { EnvironmentSpec, VectorTimeStep } from "../environment.js";
import type { RandomStream } from "../tensor/random.js";
import { HostArray } from "../tensor/tree.js";

/** Windows of consecutive steps, as an agent that imitates takes them (`WindowTensors`). Allocated once, refilled each time. */
export type WindowBatch = {
  /** [B, W, n, O] */
  readonly observations: HostArray;
  /** [B, W, n] what was done one step before: 0 = nothing yet, a+1. */
  readonly previous: HostArray;
  /** [B, W, n, A] */
  readonly actionMask: HostArray;
  /** [B, W, n] what the teacher would do. */
  readonly labels: HostArray;
  /** [B, W] the step belongs to the episode of the last one. */
  readonly valid: HostArray;
};

/**
 * Keeps what teams went through and what a teacher would have done there: one ring of steps for each environment copy, in the order of
 * time, the oldest overwritten first.
 */
export class WindowStore {
  readonly #lanes: Ring[];

  constructor(
    readonly spec: EnvironmentSpec,
    options: { readonly lanes: number; readonly capacity: number },
  ) {
    const rows = Math.max(1, Math.floor(options.capacity / options.lanes));
    this.#lanes = Array.from({ length: options.lanes }, () => new Ring(spec, rows));
  }

  /** Steps held. */
  get rows(): number {
    return this.#lanes.reduce((sum, lane) => sum + Math.min(lane.end, lane.rows), 0);
  }

  /** One step of every copy: `steps` [E] since its episode began, `previous` [E,n] 0 = nothing yet or a+1, `labels` [E,n]. */
  record(step: VectorTimeStep, steps: ArrayLike<number>, previous: Int32Array, labels: Int32Array): void {
    const { agents: n, actions: A, observationSize: O } = this.spec;
    for (const [copy, lane] of this.#lanes.entries()) {
      const slot = lane.end % lane.rows;
      lane.age[slot] = steps[copy]!;
      lane.observations.set(step.observations.subarray(copy * n * O, (copy + 1) * n * O), slot * n * O);
      lane.actionMask.set(step.actionMask.subarray(copy * n * A, (copy + 1) * n * A), slot * n * A);
      lane.previous.set(previous.subarray(copy * n, (copy + 1) * n), slot * n);
      lane.labels.set(labels.subarray(copy * n, (copy + 1) * n), slot * n);
      lane.end += 1;
    }
  }

  /** Zeroed arrays for windows of `window` steps. */
  allocate(batchSize: number, window: number): WindowBatch {
    const { agents: n, actions: A, observationSize: O } = this.spec;
    const [B, W] = [batchSize, window];
    return {
      observations: HostArray.zeros({ shape: [B, W, n, O], dtype: "float32" }),
      previous: HostArray.zeros({ shape: [B, W, n], dtype: "int32" }),
      actionMask: HostArray.zeros({ shape: [B, W, n, A], dtype: "bool" }),
      labels: HostArray.zeros({ shape: [B, W, n], dtype: "int32" }),
      valid: HostArray.zeros({ shape: [B, W], dtype: "bool" }),
    };
  }

  /** Fills every place with the window that ends at a step drawn uniformly. Steps before the episode's first are zeros and not valid. */
  sample(batch: WindowBatch, rng: RandomStream): void {
    const { agents: n, actions: A, observationSize: O } = this.spec;
    const [B, W] = batch.valid.shape as [number, number];
    for (let b = 0; b < B; b++) {
      const lane = this.#lanes[rng.integer(this.#lanes.length)]!;
      const held = Math.min(lane.end, lane.rows);
      const last = lane.end - 1 - rng.integer(held);
      const known = Math.min(W, lane.age[last % lane.rows]! + 1, last - (lane.end - held) + 1);
      for (let w = 0; w < W; w++) {
        const place = b * W + w;
        const back = W - 1 - w;
        const valid = back < known;
        batch.valid.data[place] = valid ? 1 : 0;
        const slot = valid ? (last - back) % lane.rows : 0;
        const copy = (from: Float32Array | Int32Array | Uint8Array, to: HostArray, width: number) => {
          if (valid) to.data.set(from.subarray(slot * width, (slot + 1) * width), place * width);
          else to.data.fill(0, place * width, (place + 1) * width);
        };
        copy(lane.observations, batch.observations, n * O);
        copy(lane.actionMask, batch.actionMask, n * A);
        copy(lane.previous, batch.previous, n);
        copy(lane.labels, batch.labels, n);
      }
    }
  }
}

/** Steps of one copy. */
class Ring {
  end = 0;
  readonly age: Int32Array;
  readonly observations: Float32Array;
  readonly actionMask: Uint8Array;
  readonly previous: Int32Array;
  readonly labels: Int32Array;

  constructor(
    { agents: n, actions: A, observationSize: O }: EnvironmentSpec,
    readonly rows: number,
  ) {
    this.age = new Int32Array(rows);
    this.observations = new Float32Array(rows * n * O);
    this.actionMask = new Uint8Array(rows * n * A);
    this.previous = new Int32Array(rows * n);
    this.labels = new Int32Array(rows * n);
  }
}
