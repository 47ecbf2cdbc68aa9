import { z } from "zod";
import { BatonError } from "../errors.js";
import type { ReplayBuffer } from "./buffer.js";
import type { Lane } from "./lane.js";
import type { ColumnArray } from "./layout.js";

const count = z.number().int().nonnegative();

/** Rows `from` … `to`−1 of one lane. */
const range = z.tuple([count, count]);
type Range = z.infer<typeof range>;

/** A file of rows: which ones, per lane. */
const segmentFields = z.strictObject({ name: z.string(), rows: z.array(range) });
type Segment = z.infer<typeof segmentFields>;

const stateFields = z.strictObject({
  /** Describes spec and fields; a replay of another shape is not restored. */
  layout: z.string(),
  rowsPerLane: count,
  lanes: z.array(z.strictObject({ begin: count, end: count, episodeStart: count })),
  /** In the order of writing: a later one overrides an earlier one. */
  segments: z.array(segmentFields),
});
/** What must be remembered beside the segments; JSON. */
export type ReplayState = z.infer<typeof stateFields>;

/** What has to be on disk so that the replay of this moment can be read back. */
export interface ReplaySnapshot {
  readonly state: ReplayState;
  /** Contents of the new segment, null when no row changed since the last snapshot. */
  readonly segment: readonly Uint8Array[] | null;
  /** Earlier segments that are still needed. */
  readonly needed: readonly string[];
}

const magic = "BATONRP1";
/** With more segments than this everything is written anew, as one. */
const mostSegments = 64;

const overlaps = ([from, to]: Range, begin: number, end: number) => Math.max(from, begin) < Math.min(to, end);

/** The stretches of slots that hold `rows`: one, or two where they wrap around the ring's end. */
function stretches(lane: Lane, [from, to]: Range): [slot: number, rows: number][] {
  if (from >= to) return [];
  const slot = lane.slot(from);
  const first = Math.min(to - from, lane.capacity - slot);
  return first === to - from
    ? [[slot, first]]
    : [
        [slot, first],
        [0, to - from - first],
      ];
}

const bytesOf = (array: ColumnArray, from: number, to: number): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset + from * array.BYTES_PER_ELEMENT, (to - from) * array.BYTES_PER_ELEMENT);

/**
 * Saves a replay bit for bit without writing all of it each time: every snapshot adds one immutable segment with the rows that
 * are new since the one before. Segments whose rows have all been overwritten are no longer needed.
 */
export class ReplayStore {
  #segments: Segment[] = [];
  #prepared: Segment[] | undefined;

  constructor(readonly buffer: ReplayBuffer) {}

  #layout(): string {
    const columns = this.buffer.layout.map(({ name, width, type }) => `${name}:${type}x${width}`).join(" ");
    return `${this.buffer.spec.id} ${columns}`;
  }

  /**
   * Describes the replay as it is now; `name` is what the new segment will be called. The bytes are views of the live buffer: write
   * them before anything is recorded, then call {@link committed}. Without that call the next snapshot holds these rows again.
   */
  prepare(name: string): ReplaySnapshot {
    const { lanes } = this.buffer;
    const live = this.#segments.filter(({ rows }) => lanes.some((lane, l) => overlaps(rows[l]!, lane.begin, lane.end)));
    const kept = live.length < mostSegments ? live : [];
    const rows = lanes.map((lane): Range => [kept === live ? Math.max(lane.saved, lane.begin) : lane.begin, lane.end]);
    const changed = rows.some(([from, to]) => from < to);
    this.#prepared = changed ? [...kept, { name, rows }] : kept;
    return {
      state: {
        layout: this.#layout(),
        rowsPerLane: this.buffer.rowsPerLane,
        lanes: lanes.map(({ begin, end, episodeStart }) => ({ begin, end, episodeStart })),
        segments: this.#prepared,
      },
      segment: changed ? [Buffer.from(magic, "latin1"), ...this.#views(rows)] : null,
      needed: kept.map((segment) => segment.name),
    };
  }

  /** What {@link prepare} described is safe on disk. */
  committed(): void {
    if (this.#prepared === undefined) throw new Error("nothing was prepared");
    this.#segments = this.#prepared;
    this.#prepared = undefined;
    for (const lane of this.buffer.lanes) lane.saved = lane.end;
  }

  /** Views of all columns of the given rows, lane by lane, column by column. */
  #views(rows: readonly Range[]): Uint8Array[] {
    return this.buffer.lanes.flatMap((lane, l) =>
      this.buffer.layout.flatMap(({ width }, c) =>
        stretches(lane, rows[l]!).map(([slot, n]) => bytesOf(lane.columns[c]!, slot * width, (slot + n) * width)),
      ),
    );
  }

  /**
   * Puts the replay back as it was when `saved`, a {@link ReplayState}, was prepared. `read` gives the contents of a segment by name.
   *
   * @throws BatonError "incompatible" when the replay was saved for another environment, agent or capacity, "invalid-file" when
   * a segment is not one.
   */
  restore(saved: unknown, read: (name: string) => Uint8Array): void {
    const { buffer } = this;
    const state = stateFields.parse(saved);
    const here = { layout: this.#layout(), rowsPerLane: buffer.rowsPerLane, lanes: buffer.lanes.length };
    const there = { layout: state.layout, rowsPerLane: state.rowsPerLane, lanes: state.lanes.length };
    for (const key of ["layout", "rowsPerLane", "lanes"] as const) {
      if (here[key] === there[key]) continue;
      throw new BatonError("incompatible", `the saved replay has another ${key}: "${there[key]}", this run has "${here[key]}"`, {
        hint: "resume with the settings that the run was started with (its config.yaml), or start over with --fresh",
      });
    }
    for (const segment of state.segments) this.#apply(segment, read(segment.name));
    buffer.lanes.forEach((lane, l) => {
      const { begin, end, episodeStart } = state.lanes[l]!;
      lane.restore(begin, end, episodeStart);
    });
    this.#segments = state.segments;
    this.#prepared = undefined;
  }

  #apply(segment: Segment, bytes: Uint8Array): void {
    const views = this.#views(segment.rows);
    const expected = magic.length + views.reduce((sum, view) => sum + view.byteLength, 0);
    const found = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(magic.length, bytes.byteLength)).toString("latin1");
    if (found !== magic || bytes.byteLength !== expected) {
      throw new BatonError(
        "invalid-file",
        `replay segment ${segment.name} is not one, or is torn (${bytes.byteLength} bytes, expected ${expected})`,
        {
          hint: "resume from an earlier checkpoint",
        },
      );
    }
    let offset = magic.length;
    for (const view of views) {
      view.set(bytes.subarray(offset, offset + view.byteLength));
      offset += view.byteLength;
    }
  }
}
