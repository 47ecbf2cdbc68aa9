import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { BatonError } from "../errors.js";
import { isMissing, onDisk, writeFileAtomic } from "./files.js";
import type { RunFolder } from "./folder.js";

/** What JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const checkpointFormat = 1;

const fileEntry = z.strictObject({
  /** Path below the run folder, with "/". */
  name: z.string(),
  bytes: z.number().int(),
  sha256: z.string(),
});
/** One of the files that a checkpoint consists of. */
export type FileEntry = z.infer<typeof fileEntry>;

const manifestFields = z.strictObject({
  format: z.number(),
  step: z.number().int(),
  /** Weights, optimiser and the like. */
  tensors: fileEntry,
  /** What the caller wants to find again: counters, random streams, schedules. */
  json: z.json(),
  /** The replay's bookkeeping and its segments; null when the replay was not saved. */
  replay: z.strictObject({ state: z.json(), segments: z.array(fileEntry) }).nullable(),
});
/** A checkpoint's table of contents; the checkpoint exists when this does. */
export type Manifest = z.infer<typeof manifestFields>;

const signedFields = z.looseObject({ sha256: z.string(), format: z.number() });

const padded = (step: number) => String(step).padStart(12, "0");

/** Steps of the full checkpoints, newest first, whether they can be used or not. */
export function checkpointSteps(run: RunFolder): number[] {
  const names = onDisk("read the folder", run.checkpoints, () => {
    try {
      return readdirSync(run.checkpoints);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  });
  const steps = names.flatMap((name) => (/^\d{12,}\.json$/.test(name) ? [Number.parseInt(name, 10)] : []));
  return steps.sort((a, b) => b - a);
}

export function manifestPath(run: RunFolder, which: number | "best"): string {
  return join(run.checkpoints, which === "best" ? "best.json" : `${padded(which)}.json`);
}

/** A name of a tensor file that no checkpoint uses yet. */
export function freshTensorName(run: RunFolder, stem: number | "best", step: number): string {
  const taken = new Set(readdirSync(run.checkpoints));
  const base = stem === "best" ? `best-${padded(step)}` : padded(step);
  for (let k = 0; ; k++) {
    const name = `${base}${k === 0 ? "" : `-${k}`}.safetensors`;
    if (!taken.has(name)) return `checkpoints/${name}`;
  }
}

const hash = (chunks: readonly (Uint8Array | string)[]): string => {
  const sha = createHash("sha256");
  for (const chunk of chunks) sha.update(chunk);
  return sha.digest("hex");
};

/** Writes a file of a checkpoint and tells what the manifest must say of it. */
export function writePart(run: RunFolder, name: string, chunks: readonly Uint8Array[]): FileEntry {
  writeFileAtomic(join(run.path, name), chunks, run.disk);
  return { name, bytes: chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0), sha256: hash(chunks) };
}

/** JSON has no NaN or infinity: they would come back as null, and the run would continue differently. */
function refuseNonFinite(value: unknown, path: string): void {
  if (typeof value === "number" && !Number.isFinite(value)) throw new TypeError(`${path} is ${value}, which JSON cannot hold`);
  if (typeof value !== "object" || value === null) return;
  for (const [key, child] of Object.entries(value)) refuseNonFinite(child, `${path}.${key}`);
}

/** The manifest's text: the digest of the body stands in the same file, so that any changed byte shows. */
function manifestText(manifest: object): string {
  return `${JSON.stringify({ sha256: hash([JSON.stringify(manifest)]), ...manifest }, null, 1)}\n`;
}

export function writeManifest(run: RunFolder, which: number | "best", contents: Omit<Manifest, "format">): void {
  refuseNonFinite(contents.json, "json");
  const text = manifestText({ format: checkpointFormat, ...contents });
  writeFileAtomic(manifestPath(run, which), [Buffer.from(text)], run.disk);
}

/** A file of a checkpoint is missing, torn or damaged; the checkpoint before it may still be good. */
export class DamagedCheckpoint extends Error {}

function readOrDamaged(path: string): Buffer {
  return onDisk("read", path, () => {
    try {
      return readFileSync(path);
    } catch (error) {
      if (isMissing(error)) throw new DamagedCheckpoint(`${path} is missing`);
      throw error;
    }
  });
}

/**
 * @throws DamagedCheckpoint when it is missing, torn or changed, BatonError "incompatible" when it is of another version.
 */
export function readManifest(run: RunFolder, which: number | "best"): Manifest {
  const path = manifestPath(run, which);
  const text = readOrDamaged(path).toString("utf8");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new DamagedCheckpoint(`${path} is torn or damaged (not JSON)`);
  }
  const signed = signedFields.safeParse(value);
  if (!signed.success) throw new DamagedCheckpoint(`${path} is damaged (${signed.error.issues[0]!.message})`);
  // Not the parsed copy: the digest depends on the order of the keys in the file.
  const { sha256, ...body } = value as z.infer<typeof signedFields>;
  if (hash([JSON.stringify(body)]) !== sha256 || manifestText(body) !== text) {
    throw new DamagedCheckpoint(`${path} is damaged (its checksum does not match)`);
  }
  if (body.format !== checkpointFormat) {
    throw new BatonError(
      "incompatible",
      `the checkpoint ${path} has format ${body.format}; this Baton reads format ${checkpointFormat}`,
      {
        hint: "use the Baton version that wrote it, or start over with --fresh",
      },
    );
  }
  const parsed = manifestFields.safeParse(body);
  if (!parsed.success) throw new DamagedCheckpoint(`${path} is not a manifest (${parsed.error.issues[0]!.message})`);
  return parsed.data;
}

/** Contents of a checkpoint's file, verified. */
export function readPart(run: RunFolder, { name, bytes, sha256 }: FileEntry): Buffer {
  const path = join(run.path, name);
  const contents = readOrDamaged(path);
  if (contents.byteLength !== bytes) throw new DamagedCheckpoint(`${path} has ${contents.byteLength} bytes instead of ${bytes}`);
  if (hash([contents]) !== sha256) throw new DamagedCheckpoint(`${path} is damaged (its checksum does not match)`);
  return contents;
}

/** All files of a checkpoint. */
export function partsOf(manifest: Manifest): FileEntry[] {
  return [manifest.tensors, ...(manifest.replay?.segments ?? [])];
}

/** True when every file is there in full length: what a quick look can tell. */
export function looksWhole(run: RunFolder, manifest: Manifest): boolean {
  return partsOf(manifest).every(({ name, bytes }) => statSync(join(run.path, name), { throwIfNoEntry: false })?.size === bytes);
}
