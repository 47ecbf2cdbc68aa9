import type { TransitionSpec } from "../agent.js";
import type { EnvironmentSpec } from "../environment.js";
import { HostArray } from "../tensor/tree.js";
import type { ReplayBuffer } from "./buffer.js";
import { copyRow, type Lane, RowKind } from "./lane.js";
import { fieldSpec } from "./layout.js";

/** Arrays of a {@link Batch}'s time steps by field, each with a leading axis B. */
export type BatchFields = { readonly [field: string]: HostArray };

/** A batch of n-step transitions in host arrays, as `Agent.update` takes it (`BatchTensors`). Allocated once, refilled each time. */
export type Batch = {
  /** Time step t. */
  readonly now: BatchFields;
  /** Time step t+k. */
  readonly next: BatchFields;
  /** [B, n] int32 */
  readonly actions: HostArray;
  /** [B] Σ_{i<k} γ^i r_{t+i} */
  readonly returns: HostArray;
  /** [B] γ^k, or 0 when the episode terminated within the window. */
  readonly discounts: HostArray;
  /** [B] weight of each transition in the loss; only with prioritised replay. */
  readonly weights?: HostArray;
};

/** Zeroed arrays for `batchSize` transitions with the fields that the agent asked for. */
export function allocateBatch(spec: EnvironmentSpec, transition: TransitionSpec, batchSize: number): Batch {
  const fields = (): BatchFields =>
    Object.fromEntries(
      transition.fields.map((field) => {
        const { shape, dtype } = fieldSpec(spec, field);
        return [field, HostArray.zeros({ shape: [batchSize, ...shape], dtype })];
      }),
    );
  return {
    now: fields(),
    next: fields(),
    actions: HostArray.zeros({ shape: [batchSize, spec.agents], dtype: "int32" }),
    returns: HostArray.zeros({ shape: [batchSize], dtype: "float32" }),
    discounts: HostArray.zeros({ shape: [batchSize], dtype: "float32" }),
    ...(transition.priority && { weights: HostArray.zeros({ shape: [batchSize], dtype: "float32" }) }),
  };
}

/** The window of up to `nStep` steps that starts at `row`: it stops where the episode does. */
function walkWindow(lane: Lane, row: number, nStep: number, gamma: number) {
  let sum = 0;
  let discount = 1;
  for (let k = 0; k < nStep; k++) {
    const slot = lane.slot(row + k);
    const kind = lane.kind[slot]!;
    sum += discount * lane.reward[slot]!;
    discount *= gamma;
    if (kind === RowKind.terminated) return { next: row + k + 1, sum, discount: 0 };
    if (kind === RowKind.truncated) return { next: row + k + 1, sum, discount };
  }
  return { next: row + nStep, sum, discount };
}

/** Copies the n-step transition that starts at `row` of `lane` into place `b` of the batch. */
export function copyTransition(buffer: ReplayBuffer, lane: Lane, row: number, batch: Batch, b: number): void {
  const { nStep, gamma } = buffer.transition;
  const { next, sum, discount } = walkWindow(lane, row, nStep, gamma);
  const from = lane.slot(row);
  const to = lane.slot(next);
  for (let c = 0; c < buffer.transition.fields.length; c++) {
    const { name, width } = buffer.layout[c]!;
    const column = lane.columns[c]!;
    copyRow(column, from * width, batch.now[name]!.data, b * width, width);
    copyRow(column, to * width, batch.next[name]!.data, b * width, width);
  }
  const { agents } = buffer.spec;
  copyRow(lane.actions, from * agents, batch.actions.data, b * agents, agents);
  batch.returns.data[b] = sum;
  batch.discounts.data[b] = discount;
}
