import * as fs from "node:fs";
import { dirname } from "node:path";
import { BatonError } from "../errors.js";

/**
 * The file operations that change a run folder. They are passed in, so that tests can stop or refuse any one of them; everybody
 * else leaves the default, Node's own.
 */
export type Disk = Pick<
  typeof fs,
  "openSync" | "writeSync" | "fsyncSync" | "closeSync" | "renameSync" | "linkSync" | "rmSync" | "mkdirSync"
>;

export const nodeDisk: Disk = fs;

/** Names of files that are being written contain this; whatever still has such a name was never finished. */
const temporaryMark = ".tmp-";

export function temporaryName(path: string): string {
  return `${path}${temporaryMark}${process.pid}`;
}

export function isTemporary(name: string): boolean {
  return name.includes(temporaryMark);
}

/** The code of an error of the operating system, such as "ENOSPC". */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("errno" in error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** True for errors of the operating system that say "there is no such file". */
export function isMissing(error: unknown): boolean {
  return codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR";
}

function freeMegabytes(path: string): string {
  try {
    const { bavail, bsize } = fs.statfsSync(path);
    return `${((bavail * bsize) / 1e6).toFixed(1)} MB`;
  } catch {
    return "an unknown amount of space";
  }
}

/** The sentence for a refusal of the operating system while `doing` (e.g. "write") something to `path`. */
export function diskError(error: unknown, doing: string, path: string): unknown {
  if (error instanceof BatonError) return error;
  const code = codeOf(error);
  if (code === undefined) return error;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new BatonError("io", `the disk is full: cannot ${doing} ${path} (${freeMegabytes(dirname(path))} free)`, {
      hint: "free some space or move the run folder to a larger disk, then start the same command again; it resumes from its last checkpoint",
      cause: error,
    });
  }
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
    return new BatonError("io", `not allowed to ${doing} ${path} (${code}; ${freeMegabytes(dirname(path))} free)`, {
      hint: "make the folder writable for this user (chmod, chown) or choose another folder with --run",
      cause: error,
    });
  }
  const hint = isMissing(error) ? "check that the path exists" : "check the disk and the path, then try again";
  return new BatonError("io", `cannot ${doing} ${path} (${code}; ${freeMegabytes(dirname(path))} free)`, { hint, cause: error });
}

/** Runs `operation`; refusals of the operating system become a {@link BatonError} "io" that names the file. */
export function onDisk<T>(doing: string, path: string, operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    throw diskError(error, doing, path);
  }
}

export function makeFolder(path: string, disk: Disk = nodeDisk): void {
  onDisk("create the folder", path, () => disk.mkdirSync(path, { recursive: true }));
}

/** Removes a folder unless something is in it. */
export function removeEmptyFolder(path: string): void {
  try {
    fs.rmdirSync(path);
  } catch (error) {
    if (!["ENOTEMPTY", "EEXIST", "ENOENT"].includes(codeOf(error) ?? "")) throw error;
  }
}

/** Makes renames within `path` survive a power cut. Not every platform can open a folder; there this does nothing. */
export function syncFolder(path: string, disk: Disk = nodeDisk): void {
  if (process.platform === "win32") return;
  const file = disk.openSync(path, "r");
  try {
    disk.fsyncSync(file);
  } finally {
    disk.closeSync(file);
  }
}

function writeAll(file: number, chunk: Uint8Array, disk: Disk): void {
  let offset = 0;
  while (offset < chunk.byteLength) offset += disk.writeSync(file, chunk, offset, chunk.byteLength - offset);
}

/**
 * Writes a file so that at any instant `path` is either as before or whole: the bytes go to a temporary name in the same folder,
 * are flushed to the disk, and the file is renamed. When the disk refuses, the temporary file is removed.
 *
 * @throws BatonError "io" that names the file and the space left.
 */
export function writeFileAtomic(path: string, chunks: readonly Uint8Array[], disk: Disk = nodeDisk): void {
  const temporary = temporaryName(path);
  try {
    const file = disk.openSync(temporary, "w");
    try {
      for (const chunk of chunks) writeAll(file, chunk, disk);
      disk.fsyncSync(file);
    } finally {
      disk.closeSync(file);
    }
    disk.renameSync(temporary, path);
    syncFolder(dirname(path), disk);
  } catch (error) {
    try {
      disk.rmSync(temporary, { force: true });
    } catch {
      // The first refusal is the one to report; whoever opens the folder next removes what is left.
    }
    throw diskError(error, "write", path);
  }
}
