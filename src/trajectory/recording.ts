import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { EnvironmentSpec } from "../environment.js";
import { BatonError } from "../errors.js";
import { type Column, type ColumnArray, columnArray, rowBytes } from "../replay/layout.js";
import { isMissing, isTemporary, onDisk } from "../runs/files.js";
import {
  type EpisodeFacts,
  type Manifest,
  manifestFields,
  manifestName,
  prefixBytes,
  recordedColumns,
  recordingFormat,
  segmentHeader,
  segmentMagic,
  specOfManifest,
} from "./format.js";

/** What is at a path: nothing (or an unfinished beginning), a recording, or something else. */
export function recordingPresence(path: string): "absent" | "recording" | "other" {
  let names: string[];
  try {
    names = readdirSync(path);
  } catch (error) {
    return isMissing(error) && (error as NodeJS.ErrnoException).code === "ENOENT" ? "absent" : "other";
  }
  if (names.includes(manifestName)) return "recording";
  return names.every((name) => name === "lock" || isTemporary(name)) ? "absent" : "other";
}

function notARecording(path: string, why: string, cause?: unknown): BatonError {
  return new BatonError("invalid-file", `${path} is not a recording: ${why}`, {
    hint: "give a folder that `baton record` made, for example: baton record --env skirmish/3m --to recordings/3m",
    cause,
  });
}

/** What `recording.json` says. Throws a BatonError when there is none, or it is of another version or damaged. */
export function readManifest(path: string): Manifest {
  const file = join(path, manifestName);
  if (recordingPresence(path) !== "recording") throw notARecording(path, `there is no ${manifestName}`);
  let value: unknown;
  try {
    value = JSON.parse(onDisk("read", file, () => readFileSync(file, "utf8")));
  } catch (error) {
    if (error instanceof BatonError) throw error;
    throw notARecording(path, `its ${manifestName} is not JSON`, error);
  }
  const version = z.looseObject({ format: z.number(), baton: z.string().optional() }).safeParse(value);
  if (version.success && version.data.format !== recordingFormat) {
    const { format, baton } = version.data;
    const message = `the recording ${path} has format ${format}${baton ? ` (written by Baton ${baton})` : ""}`;
    throw new BatonError("incompatible", `${message}; this Baton reads format ${recordingFormat}`, {
      hint: "record it again with this version",
    });
  }
  const parsed = manifestFields.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw notARecording(path, `${manifestName}, ${issue.path.join(".") || "top level"}: ${issue.message}`, parsed.error);
}

/** An episode and where its rows are. */
export interface RecordedRows extends EpisodeFacts {
  readonly segment: number;
  /** Its first row, within the segment. */
  readonly first: number;
}

interface OpenSegment {
  readonly file: number;
  readonly path: string;
  readonly rows: number;
  /** Byte at which the columns begin. */
  readonly start: number;
}

/** A recording that is read; nothing of its rows is kept in memory. */
export class Recording {
  readonly spec: EnvironmentSpec;
  readonly columns: readonly Column[];
  /** In the order in which they were recorded. */
  readonly episodes: readonly RecordedRows[];
  readonly #segments: OpenSegment[] = [];

  private constructor(
    readonly path: string,
    readonly manifest: Manifest,
  ) {
    this.spec = specOfManifest(manifest);
    this.columns = recordedColumns(manifest);
    const episodes: RecordedRows[] = [];
    try {
      for (const segment of manifest.segments) episodes.push(...this.#openSegment(segment));
    } catch (error) {
      this.close();
      throw error;
    }
    this.episodes = episodes;
  }

  /** Opens a recording. Throws a BatonError that names what is missing, torn, or of another version. */
  static open(path: string): Recording {
    return new Recording(path, readManifest(path));
  }

  get rows(): number {
    return this.#segments.reduce((total, { rows }) => total + rows, 0);
  }

  #openSegment({ file: name, rows, bytes }: Manifest["segments"][number]): RecordedRows[] {
    const path = join(this.path, name);
    const torn = (why: string) =>
      new BatonError("invalid-file", `the recording's file ${path} is torn or damaged: ${why}`, {
        hint: "delete the folder and record it again",
      });
    const size = onDisk("read", path, () => statSync(path)).size;
    if (size !== bytes) throw torn(`it has ${size} bytes instead of ${bytes}`);
    const file = onDisk("open", path, () => openSync(path, "r"));
    const segment = this.#segments.length;
    const prefix = readBytes(file, path, 0, Math.min(prefixBytes, size));
    const headerBytes = size < prefixBytes ? 0 : prefix.readUInt32LE(segmentMagic.length + 4);
    const start = prefixBytes + headerBytes;
    this.#segments.push({ file, path, rows, start });
    if (prefix.toString("latin1", 0, segmentMagic.length) !== segmentMagic) throw torn("it does not begin as one");
    if (prefix.readUInt32LE(segmentMagic.length) !== recordingFormat) throw torn("it is of another version than the recording");
    if (start + rows * rowBytes(this.columns) !== size) throw torn("its rows are not of the recording's columns");
    let header: z.infer<typeof segmentHeader>;
    try {
      header = segmentHeader.parse(JSON.parse(readBytes(file, path, prefixBytes, headerBytes).toString()));
    } catch {
      throw torn("its header is not what it should be");
    }
    let first = 0;
    const episodes = header.episodes.map((facts) => {
      first += facts.rows;
      return { ...facts, segment, first: first - facts.rows };
    });
    if (first !== rows) throw torn(`its episodes have ${first} rows instead of ${rows}`);
    return episodes;
  }

  /** Number of a column by its name. Throws a BatonError when it was not recorded. */
  columnOf(name: Column["name"]): number {
    const column = this.columns.findIndex((candidate) => candidate.name === name);
    if (column >= 0) return column;
    throw new BatonError("incompatible", `${this.path} was recorded without ${name}`, {
      hint: `record it again with --fields ${[...this.manifest.fields, name].join(",")}`,
    });
  }

  /** Rows `from` … `from+count`−1 of an episode, of one column: [count, width], into the beginning of `out` where given. */
  read(episode: RecordedRows, column: number, from: number, count: number, out?: ColumnArray): ColumnArray {
    if (from < 0 || count < 0 || from + count > episode.rows) {
      throw new RangeError(`rows ${from} to ${from + count} of an episode of ${episode.rows}`);
    }
    const { file, path, rows, start } = this.#segments[episode.segment]!;
    const { width, type } = this.columns[column]!;
    const into = out ?? columnArray(type, count * width);
    const bytes = into.BYTES_PER_ELEMENT * width;
    const before = rowBytes(this.columns.slice(0, column)) * rows;
    const view = new Uint8Array(into.buffer, into.byteOffset, count * bytes);
    fill(file, path, start + before + (episode.first + from) * bytes, view);
    return into;
  }

  close(): void {
    for (const { file } of this.#segments) closeSync(file);
    this.#segments.length = 0;
  }
}

/** Reads exactly as many bytes as `into` has. */
function fill(file: number, path: string, position: number, into: Uint8Array): void {
  for (let done = 0; done < into.length; ) {
    const read = onDisk("read", path, () => readSync(file, into, done, into.length - done, position + done));
    if (read === 0) throw new BatonError("invalid-file", `${path} ends before its rows do`, { hint: "record it again" });
    done += read;
  }
}

function readBytes(file: number, path: string, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  fill(file, path, position, bytes);
  return bytes;
}
