import type { RandomStream } from "../tensor/random.js";
import type { HostTree } from "../tensor/tree.js";
import { type Batch, copyTransition } from "./batch.js";
import type { ReplayBuffer } from "./buffer.js";
import { RowKind } from "./lane.js";

/** Chooses transitions and copies them into the learner's batch. */
export interface Sampler {
  /** Fills every place of `batch`; the same replay, stream and number of updates so far give the same batch. */
  sample(batch: Batch, rng: RandomStream, updates: number): void;
  /** Takes the errors [B] that the learner made on the last batch, where they matter. */
  feedback?(errors: ArrayLike<number>): void;
  /** What a checkpoint must hold besides the replay, in arrays that later calls overwrite. */
  arrays?(): HostTree;
  /** Goes on as when {@link arrays} was called; the replay has been restored already. */
  restore?(saved: HostTree): void;
}

/** Every transition of the replay is equally likely, each time anew (with replacement). */
export class UniformSampler implements Sampler {
  constructor(readonly buffer: ReplayBuffer) {}

  /** @throws Error when the replay has no transition yet; ask `buffer.transitions` first. */
  sample(batch: Batch, rng: RandomStream): void {
    const { buffer } = this;
    if (buffer.transitions === 0) throw new Error("the replay holds no transition yet");
    // Candidates are contiguous in each lane; only boundary rows among them, at most every second one, are drawn again.
    const candidates = buffer.lanes.map((lane) => Math.max(0, lane.windowEnd(buffer.transition.nStep) - lane.begin));
    const total = candidates.reduce((a, b) => a + b, 0);
    const size = batch.returns.data.length;
    for (let b = 0; b < size; ) {
      let index = rng.integer(total);
      let l = 0;
      while (index >= candidates[l]!) index -= candidates[l++]!;
      const lane = buffer.lanes[l]!;
      const row = lane.begin + index;
      if (lane.kind[lane.slot(row)] === RowKind.boundary) continue;
      copyTransition(buffer, lane, row, batch, b++);
    }
  }
}
