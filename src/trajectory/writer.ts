import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { BatonError } from "../errors.js";
import { type Column, type ColumnArray, rowBytes } from "../replay/layout.js";
import { type Disk, nodeDisk, onDisk, writeFileAtomic } from "../runs/files.js";
import { acquireLock, isLeftOver } from "../runs/lock.js";
import {
  type EpisodeFacts,
  type Manifest,
  manifestName,
  prefixBytes,
  recordedColumns,
  recordingFormat,
  segmentMagic,
  segmentName,
} from "./format.js";
import { readManifest, recordingPresence } from "./recording.js";

/** A whole episode: a column [rows, width] for each of the recording's. */
export interface EpisodeRows {
  readonly facts: EpisodeFacts;
  readonly columns: readonly ColumnArray[];
}

/** Bytes of rows that are gathered before they are written as one segment. */
const SEGMENT_BYTES = 32 * 2 ** 20;

/**
 * Streams episodes into a recording's folder. At any instant the folder holds a whole recording: segments are written under a temporary name,
 * flushed and renamed, and only then listed. No more than one segment is held in memory.
 */
export class RecordingWriter {
  readonly columns: readonly Column[];
  #manifest: Manifest;
  #pending: EpisodeRows[] = [];
  #pendingBytes = 0;
  readonly #rowBytes: number;

  private constructor(
    readonly path: string,
    manifest: Manifest,
    private readonly disk: Disk,
    private readonly release: () => void,
    private readonly segmentBytes: number,
  ) {
    this.#manifest = manifest;
    this.columns = recordedColumns(manifest);
    this.#rowBytes = rowBytes(this.columns);
  }

  /**
   * Begins a recording, or goes on with one of the very same description, and keeps everybody else from writing into it.
   *
   * @throws BatonError "invalid-value" when the folder holds something else, "incompatible" when it holds a recording of something
   *   else (and says what differs), "io" when the disk refuses or somebody else is writing.
   */
  static open(
    path: string,
    description: Omit<Manifest, "format" | "segments">,
    { disk = nodeDisk, segmentBytes = SEGMENT_BYTES }: { disk?: Disk; segmentBytes?: number } = {},
  ): RecordingWriter {
    const presence = recordingPresence(path);
    if (presence === "other") {
      throw new BatonError("invalid-value", `${path} is not empty and holds no recording`, {
        hint: "choose another folder for the recording",
      });
    }
    const wanted: Manifest = { format: recordingFormat, ...description, segments: [] };
    if (presence === "recording") refuseOther(path, readManifest(path), wanted);
    onDisk("create the folder", path, () => mkdirSync(path, { recursive: true }));
    const release = acquireLock(join(path, "lock"), disk);
    try {
      // Read again: whoever held the lock may have written meanwhile.
      const found = recordingPresence(path) === "recording" ? readManifest(path) : undefined;
      if (found) refuseOther(path, found, wanted);
      const writer = new RecordingWriter(path, found ?? wanted, disk, release, segmentBytes);
      writer.#tidy();
      if (!found) writer.#writeManifest(wanted);
      return writer;
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Whole episodes so far, those not yet on disk included: the number of the next one. */
  get episodes(): number {
    return sum(this.#manifest.segments, "episodes") + this.#pending.length;
  }

  get rows(): number {
    return sum(this.#manifest.segments, "rows") + this.#pending.reduce((rows, { facts }) => rows + facts.rows, 0);
  }

  get bytes(): number {
    return sum(this.#manifest.segments, "bytes") + this.#pendingBytes;
  }

  /** Appends the next episode. */
  write(episode: EpisodeRows): void {
    this.#pending.push(episode);
    this.#pendingBytes += episode.facts.rows * this.#rowBytes;
    if (this.#pendingBytes >= this.segmentBytes) this.flush();
  }

  /** Puts everything that was written on disk. */
  flush(): void {
    if (this.#pending.length === 0) return;
    const file = segmentName(this.#manifest.segments.length);
    const header = Buffer.from(JSON.stringify({ episodes: this.#pending.map(({ facts }) => facts) }));
    const prefix = Buffer.alloc(prefixBytes);
    prefix.write(segmentMagic, "latin1");
    prefix.writeUInt32LE(recordingFormat, segmentMagic.length);
    prefix.writeUInt32LE(header.length, segmentMagic.length + 4);
    const columns = this.columns.flatMap((_, c) => this.#pending.map((episode) => bytesOf(episode.columns[c]!)));
    const chunks = [prefix, header, ...columns];
    writeFileAtomic(join(this.path, file), chunks, this.disk);
    const bytes = chunks.reduce((total, chunk) => total + chunk.byteLength, 0);
    const rows = this.#pending.reduce((total, { facts }) => total + facts.rows, 0);
    const segments = [...this.#manifest.segments, { file, episodes: this.#pending.length, rows, bytes }];
    this.#writeManifest({ ...this.#manifest, segments });
    this.#pending = [];
    this.#pendingBytes = 0;
  }

  /** Flushes, and lets others write. */
  close(): void {
    try {
      this.flush();
    } finally {
      this.release();
    }
  }

  #writeManifest(manifest: Manifest): void {
    writeFileAtomic(join(this.path, manifestName), [Buffer.from(`${JSON.stringify(manifest, null, 1)}\n`)], this.disk);
    this.#manifest = manifest;
  }

  /** Removes what an interrupted writer left: temporary files, and segments that are not listed. */
  #tidy(): void {
    const listed = new Set(this.#manifest.segments.map(({ file }) => file));
    for (const name of readdirSync(this.path)) {
      if (!isLeftOver(name) && (!name.endsWith(".rows") || listed.has(name))) continue;
      onDisk("delete", join(this.path, name), () => this.disk.rmSync(join(this.path, name), { force: true }));
    }
  }
}

const sum = (segments: Manifest["segments"], key: "episodes" | "rows" | "bytes"): number =>
  segments.reduce((total, segment) => total + segment[key], 0);

const bytesOf = (array: ColumnArray): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** Only the same recording is gone on with: everything but the version of Baton and the segments must agree. */
function refuseOther(path: string, found: Manifest, wanted: Manifest): void {
  const words = {
    options: "options of the environment",
    seed: "seed",
    policies: "policies",
    fields: "fields",
    spec: "environment",
  };
  for (const key of Object.keys(words) as (keyof typeof words)[]) {
    if (isDeepStrictEqual(found[key], JSON.parse(JSON.stringify(wanted[key])))) continue;
    const shown = (manifest: Manifest) => (key === "spec" ? manifest.spec.id : JSON.stringify(manifest[key]));
    throw new BatonError(
      "incompatible",
      `${path} is a recording with other ${words[key]}: ${shown(found)}, not ${shown(wanted)}`,
      {
        hint: "choose another folder, or record with the settings that it was begun with",
      },
    );
  }
}
