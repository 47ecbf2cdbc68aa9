import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { BatonError } from "../errors.js";
import { codeOf, type Disk, isMissing, isTemporary, nodeDisk, onDisk, temporaryName } from "./files.js";

/** Who writes into a run. */
type Holder = { readonly pid: number; readonly host: string; readonly started: string };

/** When a process started, so that a recycled process number is not taken for it; "" where the system does not tell. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The second field, the program's name, may hold spaces and brackets; the start time is the 20th after it.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** Who a lock belongs to; "torn" when it does not say, undefined when there is none. */
function readHolder(path: string): Holder | "torn" | undefined {
  try {
    const holder = JSON.parse(readFileSync(path, "utf8")) as Partial<Holder> | null;
    if (holder && Number.isInteger(holder.pid) && typeof holder.host === "string" && typeof holder.started === "string") {
      return holder as Holder;
    }
  } catch (error) {
    if (isMissing(error)) return undefined;
    if (!(error instanceof SyntaxError)) throw error;
  }
  return "torn";
}

/** A torn lock that is younger may still be being written, where the disk has no hard links. */
const graceMilliseconds = 3_000;

/** True when there is a lock at `path`, and the process that it belongs to cannot be writing any more. */
function isStale(path: string): boolean {
  const holder = readHolder(path);
  if (holder === undefined) return false;
  if (holder === "torn") {
    const written = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    return written !== undefined && Date.now() - written > graceMilliseconds;
  }
  if (holder.host !== hostname()) return false;
  return !isAlive(holder.pid) || startOf(holder.pid) !== holder.started;
}

function writeHolder(path: string, disk: Disk): void {
  const holder: Holder = { pid: process.pid, host: hostname(), started: startOf(process.pid) };
  const file = disk.openSync(path, "wx");
  try {
    disk.writeSync(file, Buffer.from(JSON.stringify(holder)));
  } finally {
    disk.closeSync(file);
  }
}

/** A name of its own for each attempt: processes in containers that share a disk may have the same number. */
const ownName = (path: string) => `${temporaryName(path)}-${randomUUID().slice(0, 8)}`;

/** Writes a file of this process and moves it to `path` in one step, so that nobody ever reads half of it. */
function place(path: string, disk: Disk, move: (temporary: string) => void): void {
  const temporary = ownName(path);
  try {
    writeHolder(temporary, disk);
    move(temporary);
  } finally {
    disk.rmSync(temporary, { force: true });
  }
}

/** Makes a lock where there is none; false where there is one. */
function create(path: string, disk: Disk): boolean {
  try {
    place(path, disk, (temporary) => {
      try {
        disk.linkSync(temporary, path); // a rename would overwrite
      } catch (error) {
        if (codeOf(error) === undefined || codeOf(error) === "EEXIST") throw error;
        writeHolder(path, disk); // FAT and some network disks have no hard links
      }
    });
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

/** Whose a lock is, and which file says so. */
function ownerOf(path: string): string {
  const holder = readHolder(path);
  return `${typeof holder === "object" ? `process ${holder.pid} on ${holder.host}` : "another process"} (${path})`;
}

/** Ends the name of the lock that whoever replaces a stale lock holds meanwhile. */
const takeoverMark = ".tmp-takeover";

/** Takes the lock at `path`; returns who has it when it cannot be had. */
function take(path: string, disk: Disk): string | undefined {
  if (create(path, disk)) return undefined;
  if (!isStale(path)) return create(path, disk) ? undefined : ownerOf(path); // it may have been given back just now
  // Of several that find it stale, one may replace it: to the others it might still look stale when it is no more.
  const takeover = path + takeoverMark;
  const other = take(takeover, disk);
  if (other !== undefined) return other;
  try {
    if (!isStale(path)) return create(path, disk) ? undefined : ownerOf(path);
    place(path, disk, (temporary) => disk.renameSync(temporary, path));
    return undefined;
  } finally {
    disk.rmSync(takeover, { force: true });
  }
}

/** True for what may be deleted from a folder whose lock one has: files that were never finished, but not what others lock with. */
export function isLeftOver(name: string): boolean {
  return isTemporary(name) && !name.startsWith("lock.");
}

/** Deletes what attempts to lock left behind whose processes died in their midst. */
function tidy(path: string, disk: Disk): void {
  for (const name of readdirSync(dirname(path))) {
    // The lock of a takeover is replaced by the next takeover: deleted here, two might have it.
    if (!isTemporary(name) || !name.startsWith(`${basename(path)}.`) || name.endsWith(takeoverMark)) continue;
    const found = join(dirname(path), name);
    if (isStale(found)) disk.rmSync(found, { force: true });
  }
}

/**
 * Makes this process the only one that writes into a run, until the returned function is called. The lock of a process that is
 * dead is taken over.
 *
 * @throws BatonError "io" that names the process that is writing.
 */
export function acquireLock(path: string, disk: Disk = nodeDisk): () => void {
  onDisk("lock", path, () => {
    const who = take(path, disk);
    if (who !== undefined) {
      throw new BatonError("io", `this run is being written by ${who}`, {
        hint: "wait for it to end or stop it; if it is certainly gone (another machine that crashed), delete that file",
      });
    }
    tidy(path, disk);
  });
  return () => onDisk("unlock", path, () => disk.rmSync(path, { force: true }));
}
