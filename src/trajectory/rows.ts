import type { TimeStepField, VectorTimeStep } from "../environment.js";
import { RowKind } from "../replay/lane.js";
import { type Column, type ColumnArray, columnArray } from "../replay/layout.js";

/** Rows that there is room for at first; it doubles as an episode goes on. */
const FIRST_ROWS = 32;

/** The rows of one episode as it is played: memory grows with its length. */
export class GrowingRows {
  #columns: ColumnArray[];
  #capacity = FIRST_ROWS;
  rows = 0;

  constructor(private readonly layout: readonly Column[]) {
    this.#columns = layout.map(({ type, width }) => columnArray(type, width * FIRST_ROWS));
  }

  /** A time step of copy `copy` and the actions [n] taken there; null at the episode's last one. */
  see(step: VectorTimeStep, copy: number, actions: Int32Array | null): void {
    if (this.rows === this.#capacity) this.#grow();
    this.layout.forEach(({ name, width }, c) => {
      const column = this.#columns[c]!;
      const at = this.rows * width;
      if (name === "actions") column.set(actions ?? new Int32Array(width), at);
      else if (name === "kind") column[at] = RowKind.boundary;
      else if (name !== "reward") column.set(step[name as TimeStepField].subarray(copy * width, (copy + 1) * width), at);
    });
    this.rows += 1;
  }

  /** What the step that followed the last row brought. */
  conclude(step: VectorTimeStep, copy: number): void {
    const at = this.rows - 1;
    const kind = step.terminated[copy] ? RowKind.terminated : step.truncated[copy] ? RowKind.truncated : RowKind.ordinary;
    this.#column("kind")[at] = kind;
    this.#column("reward")[at] = step.reward[copy]!;
  }

  /** The columns, [rows, width] each. */
  take(): ColumnArray[] {
    return this.layout.map(({ width }, c) => this.#columns[c]!.slice(0, this.rows * width));
  }

  #column(name: Column["name"]): ColumnArray {
    return this.#columns[this.layout.findIndex((column) => column.name === name)]!;
  }

  #grow(): void {
    this.#capacity *= 2;
    this.#columns = this.layout.map(({ type, width }, c) => {
      const larger = columnArray(type, width * this.#capacity);
      larger.set(this.#columns[c]!);
      return larger;
    });
  }
}
