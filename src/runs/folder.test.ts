import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { brokenDisk, bury, interruptedDisk, Killed } from "../../test/broken-disk.js";
import { temporaryFolder } from "../../test/temporary-folder.js";
import { BatonError } from "../errors.js";
import type { Disk } from "./files.js";
import { RunFolder } from "./folder.js";

const info = { baton: "0.1.0", env: "skirmish/3m", agent: "ace", seed: 3 };

function begun(): RunFolder {
  const run = RunFolder.create(join(temporaryFolder(), "run"), info, "seed: 3\n");
  run.lock()();
  return run;
}

describe("RunFolder", () => {
  test("a run that was begun can be opened", () => {
    const { path } = begun();
    expect(RunFolder.inspect(path)).toBe("run");
    const run = RunFolder.open(path);
    expect(run.info).toEqual({ ...info, format: 1 });
    expect(run.readConfig()).toBe("seed: 3\n");
  });

  test("never begins over a run or over something else", () => {
    const run = begun();
    expect(() => RunFolder.create(run.path, info, "")).toThrow("already holds a run");
    const other = temporaryFolder();
    writeFileSync(join(other, "thesis.tex"), "");
    expect(RunFolder.inspect(other)).toBe("other");
    expect(() => RunFolder.create(other, info, "")).toThrow("is not a run folder");
    expect(() => RunFolder.open(other)).toThrow("is not a run folder");
    expect(RunFolder.inspect(join(other, "thesis.tex"))).toBe("other");
    expect(RunFolder.inspect(join(other, "no"))).toBe("absent");
    expect(() => RunFolder.open(join(other, "no"))).toThrow(expect.objectContaining({ code: "invalid-file" }));
  });

  test("a folder of another version is refused with both versions", () => {
    const { path } = begun();
    writeFileSync(join(path, "run.json"), JSON.stringify({ format: 9, baton: "3.1.4" }));
    expect(() => RunFolder.open(path)).toThrow(
      expect.objectContaining({
        code: "incompatible",
        message: expect.stringContaining("has format 9 (written by Baton 3.1.4); this Baton reads format 1"),
      }),
    );
  });

  test.each([
    ["{", "its run.json is not JSON"],
    ["[]", "run.json, top level"],
    ['{"format":1,"baton":"0.1.0","env":"a","agent":"b","seed":"c"}', "run.json, seed"],
  ])("run.json with %s is refused", (text, why) => {
    const { path } = begun();
    writeFileSync(join(path, "run.json"), text);
    expect(() => RunFolder.open(path)).toThrow(why);
  });

  test("killed at any moment of its creation, it can be begun again", () => {
    for (let k = 0, whole = false; !whole; k++) {
      const path = join(temporaryFolder(), "run");
      const { disk } = brokenDisk(k, "kill");
      try {
        RunFolder.create(path, info, "seed: 3\n", disk);
        whole = true;
        expect(k).toBeGreaterThan(10);
      } catch (error) {
        expect(error).toBeInstanceOf(Killed);
        bury(path);
        if (RunFolder.inspect(path) === "absent") RunFolder.create(path, info, "seed: 3\n");
        expect(RunFolder.open(path).readConfig()).toBe("seed: 3\n");
      }
    }
  });

  test("of two that begin the same run one goes on with it, whenever the other one comes", () => {
    for (let k = 0, whole = false; !whole; k++) {
      const path = join(temporaryFolder(), "run");
      const errors: unknown[] = [];
      const begin = (config: string, disk?: Disk) => {
        try {
          const run = RunFolder.create(path, { ...info, agent: config }, config, disk);
          return [{ run, config, release: run.lock() }];
        } catch (error) {
          errors.push(error);
          return [];
        }
      };
      let second: ReturnType<typeof begin> = [];
      const { disk, count } = interruptedDisk(k, () => {
        second = begin("second");
      });
      const winners = [...begin("first", disk), ...second];
      whole = count() <= k;
      if (whole) second = begin("second");
      expect(winners, `operation ${k}`).toHaveLength(1);
      const { config, release } = winners[0]!;
      expect([RunFolder.open(path).readConfig(), RunFolder.open(path).info.agent]).toEqual([config, config]);
      expect(() => RunFolder.open(path).lock()).toThrow("is being written by process");
      expect(errors).toEqual([expect.any(BatonError)]);
      expect(String(errors[0])).toMatch(/already holds a run|is being written by process/);
      release();
      expect(readdirSync(path).filter((name) => name.startsWith("lock"))).toEqual([]);
    }
  });

  test("removes what is a run's, nothing else", () => {
    const run = begun();
    RunFolder.remove(run.path);
    expect(existsSync(run.path)).toBe(false);
    const mixed = begun();
    writeFileSync(join(mixed.path, "notes.txt"), "mine");
    RunFolder.remove(mixed.path);
    expect(readdirSync(mixed.path)).toEqual(["notes.txt"]);
    expect(() => RunFolder.remove(mixed.path)).toThrow("nothing was deleted");
  });

  test("removes nothing of a run that is being written", () => {
    const run = begun();
    const release = run.lock();
    const names = readdirSync(run.path);
    expect(() => RunFolder.remove(run.path)).toThrow(`is being written by process ${process.pid}`);
    expect(readdirSync(run.path)).toEqual(names);
    release();
    RunFolder.remove(run.path);
    expect(existsSync(run.path)).toBe(false);
  });

  test("a folder that may not be written is refused in a sentence", () => {
    const path = join(temporaryFolder(), "run");
    const { disk } = brokenDisk(0, "EACCES");
    expect(() => RunFolder.create(path, info, "", disk)).toThrow(
      expect.objectContaining({ code: "io", message: expect.stringContaining("not allowed to create the folder") }),
    );
  });
});
