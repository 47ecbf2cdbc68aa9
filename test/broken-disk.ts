import { writeSync } from "node:fs";
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
  const names = ["openSync", "writeSync", "fsyncSync", "closeSync", "renameSync", "rmSync", "mkdirSync"] as const;
  const disk = Object.fromEntries(names.map((name) => [name, wrap(name, fastDisk[name] as (...args: unknown[]) => unknown)]));
  return { disk: disk as unknown as Disk, count: () => operations };
}
