import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { BatonError } from "../errors.js";
import { type Disk, isMissing, nodeDisk, onDisk, temporaryName } from "./files.js";

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

function readHolder(path: string): Holder | undefined {
  try {
    const holder = JSON.parse(readFileSync(path, "utf8")) as Partial<Holder> | null;
    if (holder && Number.isInteger(holder.pid) && typeof holder.host === "string" && typeof holder.started === "string") {
      return holder as Holder;
    }
  } catch (error) {
    if (!isMissing(error) && !(error instanceof SyntaxError)) throw error;
  }
  return undefined; // Gone in the meantime, or torn: its writer died while it wrote.
}

/** True when the process that `holder` names cannot be writing any more. */
function isStale(holder: Holder | undefined): boolean {
  if (holder === undefined) return true;
  if (holder.host !== hostname()) return false;
  return !isAlive(holder.pid) || startOf(holder.pid) !== holder.started;
}

function create(path: string, disk: Disk): boolean {
  let file: number;
  try {
    file = disk.openSync(path, "wx");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
  try {
    const holder: Holder = { pid: process.pid, host: hostname(), started: startOf(process.pid) };
    disk.writeSync(file, Buffer.from(JSON.stringify(holder)));
  } finally {
    disk.closeSync(file);
  }
  return true;
}

/**
 * Makes this process the only one that writes into a run, until the returned function is called. The lock of a process that is
 * dead is taken over.
 *
 * @throws BatonError "io" that names the process that is writing.
 */
export function acquireLock(path: string, disk: Disk = nodeDisk): () => void {
  onDisk("lock", path, () => {
    if (create(path, disk)) return;
    let holder = readHolder(path);
    if (isStale(holder)) {
      // Moving it aside shows whether it is still the stale one: another process may have taken over in the meantime.
      const aside = temporaryName(path);
      disk.renameSync(path, aside);
      const moved = readHolder(aside);
      if (isStale(moved)) {
        disk.rmSync(aside, { force: true });
        if (create(path, disk)) return;
      } else disk.renameSync(aside, path);
      holder = readHolder(path) ?? moved;
    }
    const who = holder ? `process ${holder.pid} on ${holder.host}` : "another process";
    throw new BatonError("io", `this run is being written by ${who} (${path})`, {
      hint: "wait for it to end or stop it; if it is certainly gone (another machine that crashed), delete that file",
    });
  });
  return () => onDisk("unlock", path, () => disk.rmSync(path, { force: true }));
}
