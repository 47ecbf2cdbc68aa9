import { existsSync, readdirSync, statSync, utimesSync, writeFileSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { type Disk, nodeDisk } from "../src/runs/files.js";

/** Does everything but wait for the hardware, so that tests of many checkpoints are fast. */
export const fastDisk: Disk = { ...nodeDisk, fsyncSync: () => {} };

/** Thrown by every operation of a disk whose process was "killed". */
export class Killed extends Error {}

/** An error as the operating system would give it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code, errno: -1 });
}

/**
 * A disk whose `k`-th operation (from 0) does not happen: with "kill", neither does any later one, as when the process dies there
 * (a write leaves half of its bytes); otherwise it fails with that code of the operating system, and so does every later write.
 */
export function brokenDisk(k: number, how: "kill" | "ENOSPC" | "EACCES"): { disk: Disk; count: () => number } {
  let operations = 0;
  const wrap =
    <A extends unknown[], R>(name: string, operation: (...args: A) => R) =>
    (...args: A): R => {
      const now = operations++;
      if (now < k) return operation(...args);
      if (how === "kill") {
        if (now === k && name === "writeSync") {
          const [file, chunk, offset, length] = args as unknown as [number, Uint8Array, number, number];
          writeSync(file, chunk, offset, Math.floor(length / 2));
        }
        throw new Killed();
      }
      if (now === k || name === "writeSync") throw systemError(how);
      return operation(...args);
    };
  return { disk: wrapped(wrap), count: () => operations };
}

/** A disk before whose `k`-th operation (from 0) something else happens: another process, which comes just then. */
export function interruptedDisk(k: number, interrupt: () => void): { disk: Disk; count: () => number } {
  let operations = 0;
  const disk = wrapped((_, operation) => (...args) => {
    if (operations++ === k) interrupt();
    return operation(...args);
  });
  return { disk, count: () => operations };
}

type Operation = (...args: unknown[]) => unknown;

function wrapped(wrap: (name: string, operation: Operation) => Operation): Disk {
  const names = ["openSync", "writeSync", "fsyncSync", "closeSync", "renameSync", "linkSync", "rmSync", "mkdirSync"] as const;
  return Object.fromEntries(names.map((name) => [name, wrap(name, fastDisk[name] as Operation)])) as unknown as Disk;
}

/** Makes the locks of a folder those of a process that died a minute ago: a test's own "killed" process lives on. */
export function bury(folder: string): void {
  const [holder, then] = [JSON.stringify({ pid: 2 ** 30, host: hostname(), started: "1" }), Date.now() / 1000 - 60];
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    if (!/^lock($|\.)/.test(name)) continue;
    const path = join(folder, name);
    if (statSync(path).size > 0) writeFileSync(path, holder);
    utimesSync(path, then, then);
  }
}
