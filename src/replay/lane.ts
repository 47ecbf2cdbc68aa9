import type { TimeStepField, VectorTimeStep } from "../environment.js";
import { type Column, type ColumnArray, columnArray, isField } from "./layout.js";

/** What a row is; stored in its column `kind`. */
export const RowKind = {
  /** The last time step of an episode: seen, but nothing was chosen there. */
  boundary: 0,
  /** A time step and the actions taken there; the episode went on. */
  ordinary: 1,
  /** The step that followed this row's actions ended the episode by its rules. */
  terminated: 2,
  /** The step that followed this row's actions reached the time limit. */
  truncated: 3,
} as const;

/** Copies `width` numbers; short rows by a loop, which beats making a view of them. */
export function copyRow(from: ArrayLike<number> & ColumnArray, at: number, to: ColumnArray, offset: number, width: number): void {
  if (width > 24) to.set(from.subarray(at, at + width), offset);
  else for (let i = 0; i < width; i++) to[offset + i] = from[at + i]!;
}

/**
 * The rows of one environment copy in the order of time, in a ring. Rows are numbered from the first that was ever written;
 * row r lies in slot r mod `capacity`, and rows `begin` … `end`−1 are there. A row counts only when its step's outcome is known.
 */
export class Lane {
  /** Oldest row that is still there. */
  begin = 0;
  /** One past the newest complete row. */
  end = 0;
  /** First row of the episode in progress; equal to `end` between episodes. */
  episodeStart = 0;
  /** How many of the rows are boundaries. */
  boundaries = 0;
  /** Rows before this one are as they were when they were last saved. */
  saved = 0;
  /** Rows before this one have a priority, where priorities are kept. */
  ranked = 0;
  /** One past the newest row that ever began to be written: after a drop it is beyond {@link end}. */
  written = 0;
  /** The row at `end` has its time step and actions, but not its outcome. */
  pending = false;
  readonly columns: readonly ColumnArray[];
  readonly kind: ColumnArray;
  readonly reward: ColumnArray;
  readonly actions: ColumnArray;
  readonly #fields: readonly { name: TimeStepField; width: number; array: ColumnArray }[];
  readonly #agents: number;

  constructor(
    layout: readonly Column[],
    readonly capacity: number,
  ) {
    this.columns = layout.map(({ type, width }) => columnArray(type, width * capacity));
    const column = (name: Column["name"]) => this.columns[layout.findIndex((c) => c.name === name)]!;
    this.kind = column("kind");
    this.reward = column("reward");
    this.actions = column("actions");
    this.#agents = layout.find((c) => c.name === "actions")!.width;
    this.#fields = layout.filter(isField).map(({ name, width }) => ({ name, width, array: column(name) }));
  }

  slot(row: number): number {
    return row % this.capacity;
  }

  /** Makes room for the row `end`: the oldest one goes when the ring is full. */
  #reserve(): number {
    if (this.end - this.begin === this.capacity) {
      if (this.kind[this.slot(this.begin)] === RowKind.boundary) this.boundaries -= 1;
      this.begin += 1;
      this.episodeStart = Math.max(this.episodeStart, this.begin);
    }
    this.written = Math.max(this.written, this.end + 1);
    return this.slot(this.end);
  }

  #writeFields(slot: number, step: VectorTimeStep, copy: number): void {
    for (const { name, width, array } of this.#fields) copyRow(step[name], copy * width, array, slot * width, width);
  }

  /** Writes a time step and what was chosen there. */
  decide(step: VectorTimeStep, copy: number, actions: Int32Array): void {
    if (this.pending) throw new Error("the outcome of this copy's last step was not recorded");
    const slot = this.#reserve();
    this.#writeFields(slot, step, copy);
    copyRow(actions, copy * this.#agents, this.actions, slot * this.#agents, this.#agents);
    this.pending = true;
  }

  /** Completes the row with what the step brought; at the end of the episode its last time step becomes a row too. */
  conclude(next: VectorTimeStep, copy: number): void {
    if (!this.pending) throw new Error("an outcome needs a decision before it");
    const slot = this.slot(this.end);
    const kind = next.terminated[copy] ? RowKind.terminated : next.truncated[copy] ? RowKind.truncated : RowKind.ordinary;
    this.reward[slot] = next.reward[copy]!;
    this.kind[slot] = kind;
    this.end += 1;
    this.pending = false;
    if (kind === RowKind.ordinary) return;
    const last = this.#reserve();
    this.#writeFields(last, next, copy);
    this.actions.fill(0, last * this.#agents, (last + 1) * this.#agents);
    this.reward[last] = 0;
    this.kind[last] = RowKind.boundary;
    this.boundaries += 1;
    this.end += 1;
    this.episodeStart = this.end;
  }

  /** Forgets the episode in progress, e.g. because its simulator broke. What came before it stays. */
  drop(): void {
    this.pending = false;
    this.end = this.episodeStart;
    this.saved = Math.min(this.saved, this.end);
    this.ranked = Math.min(this.ranked, this.end);
  }

  /** Sets the bounds of what the columns hold, e.g. after they were read from disk. */
  restore(begin: number, end: number, episodeStart: number): void {
    this.begin = begin;
    this.end = end;
    this.episodeStart = episodeStart;
    this.saved = end;
    this.ranked = 0;
    this.written = end;
    this.pending = false;
    this.boundaries = 0;
    for (let row = begin; row < end; row++) if (this.kind[this.slot(row)] === RowKind.boundary) this.boundaries += 1;
  }

  /** Rows before this one belong to whole episodes, or have `nStep` later rows in the episode in progress. */
  windowEnd(nStep: number): number {
    return Math.max(this.episodeStart, this.end - nStep);
  }
}
