/**
 * Prioritised experience replay (Schaul et al., 2016): a transition is drawn with probability p_i^α / Σ p^α, where p is the error that the
 * learner last made on it, and weighs (P·p_i)^−β in the loss; at β = 1 the expectation is what it is without.
 *
 * @module
 */
import type { PrioritySpec } from "../agent.js";
import type { RandomStream } from "../tensor/random.js";
import { HostArray, type HostTree } from "../tensor/tree.js";
import { type Batch, copyTransition } from "./batch.js";
import type { ReplayBuffer } from "./buffer.js";
import { type Lane, RowKind } from "./lane.js";
import type { Sampler } from "./sampler.js";
import { SumTree } from "./sum-tree.js";

/** Added to every error, so that nothing becomes impossible. */
const SMALLEST = 1e-3;

/** Draws by priority, one transition from each of B equal shares of the total (stratified, as in the paper's appendix B.2.1). */
export class PrioritisedSampler implements Sampler {
  readonly #tree: SumTree;
  /** p^α by lane and slot, as it is saved; the tree holds the same numbers. */
  readonly #weights: Float32Array;
  /** What new transitions get, so that each is seen soon: the largest p^α so far. */
  #largest = 1;
  /** Lane and row of each place of the last batch. */
  #drawn: { lane: number; row: number }[] = [];

  constructor(
    readonly buffer: ReplayBuffer,
    readonly options: PrioritySpec,
  ) {
    const slots = buffer.lanes.length * buffer.rowsPerLane;
    this.#tree = new SumTree(slots);
    this.#weights = new Float32Array(slots);
  }

  #set(lane: number, row: number, weight: number): void {
    const index = lane * this.buffer.rowsPerLane + this.buffer.lanes[lane]!.slot(row);
    this.#weights[index] = weight;
    this.#tree.set(index, this.#weights[index]!);
  }

  /** Gives new transitions their first priority and takes it from rows that are gone, incomplete or boundaries. */
  #synchronise(): void {
    for (const [l, lane] of this.buffer.lanes.entries()) {
      const complete = lane.windowEnd(this.buffer.transition.nStep);
      const from = Math.max(Math.min(lane.ranked, complete), lane.written - lane.capacity);
      for (let row = from; row < lane.written; row++) {
        const inside = row >= lane.begin && row < complete && lane.kind[lane.slot(row)] !== RowKind.boundary;
        if (!inside) this.#set(l, row, 0);
        else if (row >= lane.ranked) this.#set(l, row, this.#largest);
      }
      lane.ranked = complete;
    }
  }

  /** @throws Error when the replay has no transition yet; ask `buffer.transitions` first. */
  sample(batch: Batch, rng: RandomStream, updates: number): void {
    this.#synchronise();
    const { buffer, options } = this;
    const total = this.#tree.total;
    if (!(total > 0)) throw new Error("the replay holds no transition yet");
    const size = batch.returns.data.length;
    const weights = batch.weights!.data;
    const progress = Math.min(1, updates / options.correctionUpdates);
    const beta = options.correction + (1 - options.correction) * progress;
    this.#drawn = [];
    let largest = 0;
    for (let b = 0; b < size; b++) {
      const index = this.#tree.find(((b + rng.uniform()) / size) * total);
      const lane = Math.floor(index / buffer.rowsPerLane);
      const row = rowAt(buffer.lanes[lane]!, index % buffer.rowsPerLane);
      this.#drawn.push({ lane, row });
      copyTransition(buffer, buffer.lanes[lane]!, row, batch, b);
      // (P · p_i/Σp)^−β; the number of transitions P cancels in the division by the largest
      weights[b] = (this.#tree.get(index) / total) ** -beta;
      largest = Math.max(largest, weights[b]!);
    }
    for (let b = 0; b < size; b++) weights[b]! /= largest;
  }

  /** New errors |δ| of the transitions of the last batch, [B]. */
  feedback(errors: ArrayLike<number>): void {
    for (const [b, { lane: l, row }] of this.#drawn.entries()) {
      const lane = this.buffer.lanes[l]!;
      // overwritten or dropped while the learner was at work
      if (row < lane.begin || row >= lane.windowEnd(this.buffer.transition.nStep)) continue;
      const error = Math.abs(errors[b]!);
      if (!Number.isFinite(error)) continue;
      const weight = Math.fround((error + SMALLEST) ** this.options.exponent);
      this.#largest = Math.max(this.#largest, weight);
      this.#set(l, row, weight);
    }
    this.#drawn = [];
  }

  /** Everything that a checkpoint must hold, in arrays that later calls overwrite. */
  arrays(): HostTree {
    const { lanes, rowsPerLane } = this.buffer;
    return {
      weights: HostArray.float32(this.#weights, lanes.length, rowsPerLane),
      ranked: HostArray.int32(
        Int32Array.from(lanes, (lane) => lane.ranked),
        lanes.length,
      ),
      written: HostArray.int32(
        Int32Array.from(lanes, (lane) => lane.written),
        lanes.length,
      ),
      largest: HostArray.scalar(this.#largest),
    };
  }

  /** Goes on as when {@link arrays} was called; the replay has been restored already. */
  restore(saved: HostTree): void {
    const { weights, ranked, written, largest } = saved as Record<"weights" | "ranked" | "written" | "largest", HostArray>;
    this.#weights.set(weights.data);
    this.#tree.fill(this.#weights);
    for (const [l, lane] of this.buffer.lanes.entries()) {
      lane.ranked = ranked.data[l]!;
      lane.written = written.data[l]!;
    }
    this.#largest = largest.data[0]!;
    this.#drawn = [];
  }
}

/** The row that lies in `slot` now. */
function rowAt(lane: Lane, slot: number): number {
  const newest = lane.end - 1;
  return newest - ((((newest - slot) % lane.capacity) + lane.capacity) % lane.capacity);
}
