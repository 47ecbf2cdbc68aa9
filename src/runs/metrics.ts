import { readdirSync, readFileSync, truncateSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { BatonError } from "../errors.js";
import { type Disk, isMissing, onDisk } from "./files.js";
import type { RunFolder } from "./folder.js";
import { decodeEvents, encodeEvent, fileVersion } from "./tensorboard.js";

/** How far a run is; a curve's x axis. */
export interface Progress {
  readonly environmentSteps: number;
  readonly updates: number;
}

/** One line of `metrics.jsonl`: progress and scalars by name. Values that are not finite are stored as null and read as NaN. */
export type MetricRecord = Progress & { readonly wallSeconds: number; readonly [name: string]: number };

type Line = { readonly record: MetricRecord; readonly end: number };

function parseLine(text: string): MetricRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || !("environmentSteps" in value) || !("updates" in value)) return undefined;
  const record = Object.fromEntries(Object.entries(value).map(([name, x]) => [name, x === null ? Number.NaN : x]));
  return Object.values(record).every((x) => typeof x === "number") ? (record as MetricRecord) : undefined;
}

function readIfThere(path: string): Buffer {
  return onDisk("read", path, () => {
    try {
      return readFileSync(path);
    } catch (error) {
      if (isMissing(error)) return Buffer.alloc(0);
      throw error;
    }
  });
}

/** The whole lines from the start to the first that is torn or is no record; `bad` is that line's number, 1-based. */
function readLines(file: Buffer): { lines: Line[]; bad: number | undefined; last: boolean } {
  const lines: Line[] = [];
  let start = 0;
  while (start < file.byteLength) {
    const newline = file.indexOf(10, start);
    const end = newline < 0 ? file.byteLength : newline + 1;
    const record = newline < 0 ? undefined : parseLine(file.toString("utf8", start, newline));
    if (record === undefined) return { lines, bad: lines.length + 1, last: end === file.byteLength };
    lines.push({ record, end });
    start = end;
  }
  return { lines, bad: undefined, last: false };
}

/**
 * All records of a run. A torn last line, left by a killed process, is passed over.
 *
 * @throws BatonError "invalid-file" that names the line which is not a record.
 */
export function readMetrics(run: RunFolder): MetricRecord[] {
  const { lines, bad, last } = readLines(readIfThere(run.metrics));
  if (bad !== undefined && !last) {
    throw new BatonError("invalid-file", `${run.metrics}, line ${bad}: not a JSON object of numbers`, {
      hint: "delete that line, or resume the run: it cuts the file off there",
    });
  }
  return lines.map(({ record }) => record);
}

const within = (at: Progress, limit: Progress) => at.environmentSteps <= limit.environmentSteps && at.updates <= limit.updates;

/** Cuts off the records from the first that is newer than `limit`, or torn. */
function cutLines(path: string, limit: Progress): void {
  const file = readIfThere(path);
  const { lines } = readLines(file);
  const newer = lines.findIndex(({ record }) => !within(record, limit));
  const kept = newer < 0 ? lines : lines.slice(0, newer);
  const end = kept.at(-1)?.end ?? 0;
  if (end < file.byteLength) onDisk("shorten", path, () => truncateSync(path, end));
}

function cutEvents(path: string, step: number): void {
  const file = readIfThere(path);
  let end = 0;
  for (const event of decodeEvents(file)) {
    if ((event.record.step ?? 0) > step) break;
    end = event.end;
  }
  if (end < file.byteLength) onDisk("shorten", path, () => truncateSync(path, end));
}

const isEventFile = (name: string) => name.startsWith("events.out.tfevents.");

/** An append-only file. */
class Appender {
  readonly #file: number;

  constructor(
    readonly path: string,
    readonly disk: Disk,
  ) {
    this.#file = onDisk("open", path, () => disk.openSync(path, "a"));
  }

  append(bytes: Uint8Array): void {
    onDisk("write", this.path, () => {
      for (let offset = 0; offset < bytes.byteLength; ) {
        offset += this.disk.writeSync(this.#file, bytes, offset, bytes.byteLength - offset);
      }
    });
  }

  flush(): void {
    onDisk("flush", this.path, () => this.disk.fsyncSync(this.#file));
  }

  close(): void {
    onDisk("close", this.path, () => this.disk.closeSync(this.#file));
  }
}

export interface MetricsOptions {
  /** Progress of the checkpoint that is resumed; records beyond it are cut off. Without it the curve begins anew. */
  readonly resume?: Progress;
  /** The time, in milliseconds since 1970, that TensorBoard shows. */
  readonly now?: () => number;
}

/**
 * Appends records to `metrics.jsonl` and the same scalars to a TensorBoard event file, whose x axis is environment steps. A record
 * is in the file when `write` returns; write those of a moment before its checkpoint, so that resuming neither loses nor doubles any.
 */
export class MetricsWriter {
  readonly #lines: Appender;
  readonly #events: Appender;
  readonly #now: () => number;

  /** The run must be locked. */
  constructor(run: RunFolder, options: MetricsOptions = {}) {
    this.#now = options.now ?? Date.now;
    const limit = options.resume ?? { environmentSteps: -1, updates: -1 };
    cutLines(run.metrics, limit);
    const files = onDisk("read the folder", run.events, () => readdirSync(run.events).filter(isEventFile).sort());
    for (const name of files) {
      if (options.resume) cutEvents(join(run.events, name), limit.environmentSteps);
      else onDisk("delete", join(run.events, name), () => run.disk.rmSync(join(run.events, name)));
    }
    const seconds = String(Math.floor(this.#now() / 1000)).padStart(10, "0");
    const last = options.resume ? files.at(-1) : undefined;
    const path = join(run.events, last ?? `events.out.tfevents.${seconds}.${hostname()}`);
    const begun = decodeEvents(readIfThere(path)).length > 0;
    this.#lines = new Appender(run.metrics, run.disk);
    this.#events = new Appender(path, run.disk);
    if (!begun) this.#events.append(encodeEvent({ wallTime: this.#now() / 1000, fileVersion }));
  }

  write(record: MetricRecord): void {
    this.#lines.append(Buffer.from(`${JSON.stringify(record)}\n`));
    const value = Object.entries(record)
      .filter(([name]) => name !== "environmentSteps")
      .map(([tag, simpleValue]) => ({ tag, simpleValue }));
    this.#events.append(encodeEvent({ wallTime: this.#now() / 1000, step: record.environmentSteps, summary: { value } }));
  }

  /** Makes what was written survive a power cut; call it before a checkpoint. */
  flush(): void {
    this.#lines.flush();
    this.#events.flush();
  }

  close(): void {
    this.#lines.close();
    this.#events.close();
  }
}
