import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { BatonError } from "../errors.js";
import type { HostTree } from "../tensor/tree.js";
import { isTemporary, onDisk } from "./files.js";
import type { RunFolder } from "./folder.js";
import {
  checkpointSteps,
  DamagedCheckpoint,
  type FileEntry,
  freshTensorName,
  type Json,
  looksWhole,
  type Manifest,
  manifestPath,
  partsOf,
  readManifest,
  readPart,
  writeManifest,
  writePart,
} from "./manifest.js";
import { decodeSafetensors, encodeSafetensors, nest } from "./safetensors.js";

/**
 * Something too large to be written anew in each checkpoint, such as the replay (`ReplayStore`): it hands out what changed as an
 * immutable segment, and says which earlier segments are still needed.
 */
export interface Segmented {
  prepare(name: string): {
    readonly state: Json;
    readonly segment: readonly Uint8Array[] | null;
    readonly needed: readonly string[];
  };
  /** What `prepare` described is safe on disk. */
  committed(): void;
}

export interface CheckpointContents {
  /** Environment steps so far; names the checkpoint. */
  readonly step: number;
  /** Everything that is arrays: weights, targets, optimiser. */
  readonly state: HostTree;
  /** Everything else: counters, random streams, schedules. No NaN or infinity. */
  readonly json: Json;
  readonly replay?: Segmented;
}

export interface LoadedCheckpoint {
  readonly step: number;
  readonly state: HostTree;
  readonly json: Json;
  /** Arguments for `ReplayStore.restore`; null when no replay was saved or asked for. */
  readonly replay: { readonly state: Json; readonly read: (segment: string) => Uint8Array } | null;
  /** Sentences for the user: which checkpoints could not be used, and why. */
  readonly warnings: readonly string[];
}

/** Full checkpoints that are kept. */
const kept = 2;

/** Manifests that can be read; unreadable ones are left out. */
function readableManifests(run: RunFolder): { which: number | "best"; manifest: Manifest }[] {
  return [...checkpointSteps(run), "best" as const].flatMap((which) => {
    try {
      return [{ which, manifest: readManifest(run, which) }];
    } catch (error) {
      if (error instanceof DamagedCheckpoint) return [];
      throw error;
    }
  });
}

function nextSegmentName(run: RunFolder): string {
  const numbers = readdirSync(run.replay).map((name) => Number.parseInt(name, 10) || 0);
  return `${String(Math.max(0, ...numbers) + 1).padStart(6, "0")}.bin`;
}

function writeReplay(run: RunFolder, replay: Segmented, written: (name: string) => void): NonNullable<Manifest["replay"]> {
  const name = nextSegmentName(run);
  const { state, segment, needed } = replay.prepare(name);
  const known = new Map(readableManifests(run).flatMap(({ manifest }) => partsOf(manifest).map((part) => [part.name, part])));
  const segments = needed.map((earlier): FileEntry => {
    const entry = known.get(`replay/${earlier}`);
    if (entry) return entry;
    throw new BatonError("io", `${join(run.replay, earlier)} is no longer part of any checkpoint of this run`, {
      hint: "something else changed the run folder; restart the run, it resumes from its last good checkpoint",
    });
  });
  if (segment) {
    written(`replay/${name}`);
    segments.push(writePart(run, `replay/${name}`, segment));
  }
  return { state: state as NonNullable<Manifest["replay"]>["state"], segments };
}

/** Deletes, best effort, what a failed attempt wrote, unless its manifest is in place already and only its flushing was refused. */
function discard(run: RunFolder, names: readonly string[]): void {
  try {
    const used = new Set(readableManifests(run).flatMap(({ manifest }) => partsOf(manifest).map(({ name }) => name)));
    for (const name of names) if (!used.has(name)) run.disk.rmSync(join(run.path, name), { force: true });
  } catch {
    // The first refusal is the one to report; the next successful checkpoint removes what is left.
  }
}

/** Deletes superseded checkpoints, then every file that none of the remaining ones refers to. */
function prune(run: RunFolder, current: number): void {
  const manifests = readableManifests(run);
  // Steps beyond the current one belong to a future that was given up when an earlier checkpoint was resumed.
  const usable = manifests.filter(({ which, manifest }) => which === "best" || (which <= current && looksWhole(run, manifest)));
  const keep = [
    ...usable.filter(({ which }) => which !== "best").slice(0, kept),
    ...usable.filter(({ which }) => which === "best"),
  ];
  const used = new Set(keep.flatMap(({ manifest }) => partsOf(manifest).map(({ name }) => name)));
  for (const { which } of keep) used.add(`checkpoints/${manifestPath(run, which).slice(run.checkpoints.length + 1)}`);
  const present = ["checkpoints", "replay"].flatMap((folder) =>
    readdirSync(join(run.path, folder)).map((name) => `${folder}/${name}`),
  );
  const superseded = present.filter((name) => !used.has(name) && (/\.(json|safetensors|bin)$/.test(name) || isTemporary(name)));
  // Manifests go first: a checkpoint must not be listed without its files.
  for (const name of superseded.sort((a, b) => Number(b.endsWith(".json")) - Number(a.endsWith(".json")))) {
    onDisk("delete", join(run.path, name), () => run.disk.rmSync(join(run.path, name), { force: true }));
  }
}

function save(run: RunFolder, which: number | "best", contents: CheckpointContents): void {
  const written: string[] = [];
  try {
    const replay = contents.replay ? writeReplay(run, contents.replay, (name) => written.push(name)) : null;
    const name = freshTensorName(run, which, contents.step);
    written.push(name);
    const tensors = writePart(run, name, encodeSafetensors(contents.state));
    writeManifest(run, which, { step: contents.step, tensors, json: contents.json as Manifest["json"], replay });
  } catch (error) {
    discard(run, written);
    throw error;
  }
  contents.replay?.committed();
}

/**
 * Writes a full checkpoint. At any instant either the ones before it or the new one can be loaded: the manifest comes last. Then
 * all but the last two (and the best) are deleted. The run must be locked.
 *
 * @throws BatonError "io" when the disk is full or refuses; what was there before is untouched.
 */
export function saveCheckpoint(run: RunFolder, contents: CheckpointContents): void {
  onDisk("write a checkpoint into", run.checkpoints, () => {
    save(run, contents.step, contents);
    prune(run, contents.step);
  });
}

/** Writes `state` (weights are enough) as the best so far; it replaces the best before it. */
export function saveBest(run: RunFolder, contents: Omit<CheckpointContents, "replay">): void {
  onDisk("write a checkpoint into", run.checkpoints, () => {
    save(run, "best", contents);
    prune(run, checkpointSteps(run)[0] ?? contents.step);
  });
}

/** Which checkpoints there are: steps of the full ones, newest first, and whether there is a best one. */
export function listCheckpoints(run: RunFolder): { readonly steps: readonly number[]; readonly best: boolean } {
  return { steps: checkpointSteps(run), best: existsSync(manifestPath(run, "best")) };
}

function load(run: RunFolder, which: number | "best", withReplay: boolean): Omit<LoadedCheckpoint, "warnings"> {
  const manifest = readManifest(run, which);
  const path = join(run.path, manifest.tensors.name);
  const state = nest(decodeSafetensors(readPart(run, manifest.tensors), path), path);
  const { replay } = manifest;
  if (!withReplay || replay === null) return { step: manifest.step, state, json: manifest.json, replay: null };
  for (const segment of replay.segments) readPart(run, segment);
  const segments = new Map(replay.segments.map((entry) => [entry.name, entry]));
  const read = (name: string) => readPart(run, segments.get(`replay/${name}`)!);
  return { step: manifest.step, state, json: manifest.json, replay: { state: replay.state, read } };
}

/** How often a checkpoint is looked for again when a training has replaced it meanwhile. */
const rereads = 10;

/** Which manifests there are, each as it was written: a rename gives a file another number. */
function versionsOf(run: RunFolder): string {
  const paths = [...checkpointSteps(run), "best" as const].map((which) => manifestPath(run, which));
  const stats = paths.map((path) => statSync(path, { bigint: true, throwIfNoEntry: false }));
  return stats.map((stat, k) => `${paths[k]} ${stat?.ino} ${stat?.mtimeNs}`).join("\n");
}

/**
 * Reads a checkpoint and verifies every byte of it. When the latest (or the best) is torn or damaged, the one before it (the
 * latest good one) is used and a warning says so; a checkpoint that was asked for by its step is never replaced by another.
 * The run may be in training: what is deleted between its manifest and its files is looked for again.
 *
 * @throws BatonError "unknown-name" when there is no such checkpoint, "invalid-file" when none can be used, "incompatible" when
 * it is of another version.
 */
export function loadCheckpoint(
  run: RunFolder,
  which: "latest" | "best" | number,
  options: { replay?: boolean } = {},
): LoadedCheckpoint {
  for (let again = 0; ; again++) {
    const before = versionsOf(run);
    const { loaded, failures } = loadUsable(run, which, options.replay ?? true);
    if (failures.length > 0 && again < rereads && versionsOf(run) !== before) continue;
    if (!loaded) {
      throw new BatonError("invalid-file", `no checkpoint of ${run.path} can be used: ${failures.join("; ")}`, {
        hint: "restore the folder from a copy, or start over with --fresh",
      });
    }
    const warnings = failures.map((why) => `${why}; using the checkpoint of step ${loaded.step} instead`);
    return { ...loaded, warnings };
  }
}

/** The first checkpoint that can be used of those that will do, and why those before it cannot. */
function loadUsable(
  run: RunFolder,
  which: "latest" | "best" | number,
  withReplay: boolean,
): { readonly loaded?: Omit<LoadedCheckpoint, "warnings">; readonly failures: readonly string[] } {
  const { steps, best } = listCheckpoints(run);
  if (steps.length === 0 && !best) {
    throw new BatonError("unknown-name", `the run ${run.path} has no checkpoint yet`, {
      hint: "train it first with `baton train`",
    });
  }
  if (typeof which === "number" && !steps.includes(which)) {
    throw new BatonError("unknown-name", `the run ${run.path} has no checkpoint at step ${which}`, {
      hint: `there are: ${[...steps, ...(best ? ["best"] : [])].join(", ")}`,
    });
  }
  const candidates = typeof which === "number" ? [which] : which === "best" && best ? ["best" as const, ...steps] : steps;
  const failures: string[] = [];
  if (which === "best" && !best) failures.push("there is no best checkpoint yet");
  for (const candidate of candidates) {
    try {
      return { loaded: load(run, candidate, withReplay), failures };
    } catch (error) {
      const damaged = error instanceof DamagedCheckpoint || (error instanceof BatonError && error.code === "invalid-file");
      if (!damaged) throw error;
      failures.push(`checkpoint ${candidate} cannot be used: ${error.message}`);
    }
  }
  return { failures };
}
