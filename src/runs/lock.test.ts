import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { brokenDisk, bury, fastDisk, interruptedDisk, Killed, systemError } from "../../test/broken-disk.js";
import { temporaryFolder } from "../../test/temporary-folder.js";
import { BatonError } from "../errors.js";
import { RunFolder } from "./folder.js";
import { acquireLock } from "./lock.js";

const info = { baton: "0.1.0", env: "skirmish/3m", agent: "ace", seed: 3 };
// Linux hands out process numbers below 2²², so this one never lives.
const dead = JSON.stringify({ pid: 2 ** 30, host: hostname(), started: "1" });

/** The path of a lock that says this; of none without. */
function lockOf(contents?: string): { path: string; names: () => string[] } {
  const folder = temporaryFolder();
  if (contents !== undefined) writeFileSync(join(folder, "lock"), contents);
  return { path: join(folder, "lock"), names: () => readdirSync(folder) };
}

function age(path: string): void {
  const before = Date.now() / 1000 - 60;
  utimesSync(path, before, before);
}

test("one writer at a time", () => {
  const run = RunFolder.create(join(temporaryFolder(), "run"), info, "");
  const release = run.lock();
  expect(() => RunFolder.open(run.path).lock()).toThrow(
    `is being written by process ${process.pid} on ${hostname()} (${join(run.path, "lock")})`,
  );
  release();
  run.lock()();
  expect(existsSync(join(run.path, "lock"))).toBe(false);
});

test("a run that was just begun is locked", () => {
  const run = RunFolder.create(join(temporaryFolder(), "run"), info, "");
  expect(() => RunFolder.open(run.path).lock()).toThrow(`is being written by process ${process.pid}`);
  run.lock()();
  expect(existsSync(join(run.path, "lock"))).toBe(false);
});

test("a dead process's lock is taken over", () => {
  const { path, names } = lockOf(dead);
  const release = acquireLock(path);
  expect(JSON.parse(readFileSync(path, "utf8")).pid).toBe(process.pid);
  expect(names()).toEqual(["lock"]);
  release();
});

test.skipIf(process.platform !== "linux")("a process with a recycled number is not the one that locked", () => {
  acquireLock(lockOf(JSON.stringify({ pid: process.pid, host: hostname(), started: "before" })).path)();
});

test("another machine's lock is not taken over", () => {
  const { path } = lockOf(JSON.stringify({ pid: 2 ** 30, host: "elsewhere", started: "1" }));
  expect(() => acquireLock(path)).toThrow(BatonError);
  expect(() => acquireLock(path)).toThrow("on elsewhere");
});

test.each(["", '{"pid":12'])("a lock that says %j is taken over unless it may still be being written", (torn) => {
  const { path } = lockOf(torn);
  expect(() => acquireLock(path)).toThrow("is being written by another process");
  age(path);
  acquireLock(path)();
});

test("is whole whenever somebody can see it", () => {
  const { path } = lockOf();
  const seen = () => existsSync(path) && expect(JSON.parse(readFileSync(path, "utf8")).pid).toBe(process.pid);
  let whole = false;
  for (let k = 0; !whole; k++) {
    const { disk, count } = interruptedDisk(k, seen);
    acquireLock(path, disk)();
    whole = count() <= k;
  }
});

describe.each([
  ["none", undefined],
  ["a dead process's", dead],
])("where there is %s, two that come at once", (_, contents) => {
  test("do not both get it, whenever the second one comes", () => {
    for (let k = 0, whole = false; !whole; k++) {
      const { path, names } = lockOf(contents);
      const got: (() => void)[] = [];
      const attempt = (disk?: Parameters<typeof acquireLock>[1]) => {
        try {
          got.push(acquireLock(path, disk));
        } catch (error) {
          expect((error as Error).message).toContain(`is being written by process ${process.pid}`);
        }
      };
      const { disk, count } = interruptedDisk(k, attempt);
      attempt(disk);
      whole = count() <= k;
      expect(got, `operation ${k}`).toHaveLength(1);
      expect(names()).toEqual(["lock"]);
      got[0]!();
      expect(names()).toEqual([]);
    }
  });

  test("leave nothing that lasts, whenever one of them dies", () => {
    for (let k = 0, whole = false; !whole; k++) {
      const { path, names } = lockOf(contents);
      try {
        acquireLock(path, brokenDisk(k, "kill").disk);
        whole = true;
      } catch (error) {
        expect(error).toBeInstanceOf(Killed);
      }
      bury(join(path, ".."));
      acquireLock(path)();
      expect(names(), `operation ${k}`).toEqual([]);
    }
  });
});

test("a disk without hard links has locks too", () => {
  const disk = {
    ...fastDisk,
    linkSync: () => {
      throw systemError("EPERM");
    },
  };
  const { path, names } = lockOf();
  const release = acquireLock(path, disk);
  expect(() => acquireLock(path, disk)).toThrow(`is being written by process ${process.pid}`);
  expect(names()).toEqual(["lock"]);
  release();
});

test("what an interrupted writer left is removed, what others lock with is not", () => {
  const run = RunFolder.create(join(temporaryFolder(), "run"), info, "");
  run.lock()();
  writeFileSync(join(run.checkpoints, "000000000001.safetensors.tmp-17"), "half");
  writeFileSync(join(run.path, "lock.tmp-17"), dead);
  writeFileSync(join(run.path, "lock.tmp-18"), ""); // about to be written
  mkdirSync(join(run.path, "mine"));
  run.lock()();
  expect(readdirSync(run.checkpoints)).toEqual([]);
  expect(readdirSync(run.path).filter((name) => name.includes(".tmp-"))).toEqual(["lock.tmp-18"]);
  expect(existsSync(join(run.path, "mine"))).toBe(true);
});
