/** Checkpoints with a replay, on disks that break: whatever happens, the run can be resumed bit for bit. */
import { createHash } from "node:crypto";
import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { BatonError } from "../src/errors.js";
import { ReplayStore } from "../src/replay/index.js";
import { listCheckpoints, loadCheckpoint, RunFolder, saveBest, saveCheckpoint } from "../src/runs/index.js";
import { RandomStream } from "../src/tensor/random.js";
import { brokenDisk, Killed } from "./broken-disk.js";
import { smallReplay } from "./random-play.js";
import { digest, expectWhole, info, trained, weights } from "./saved-training.js";
import { temporaryFolder } from "./temporary-folder.js";

const filesOf = (run: RunFolder) => [
  ...readdirSync(run.checkpoints).map((n) => `checkpoints/${n}`),
  ...readdirSync(run.replay).map((n) => `replay/${n}`),
];

describe("checkpoints", () => {
  test("keep the last two, the best, and the segments that they need", () => {
    const { run, training } = trained(9);
    saveBest(run, { step: 70, state: weights(70), json: {} });
    for (let k = 0; k < 4; k++) {
      training.advance();
      training.save(run);
    }
    expect(listCheckpoints(run)).toEqual({ steps: [130, 120], best: true });
    for (const step of ["latest", 120] as const) expectWhole(loadCheckpoint(run, step), training);
    const best = loadCheckpoint(run, "best");
    expect([best.step, digest(best.state), best.replay, best.warnings]).toEqual([70, digest(weights(70)), null, []]);
    const names = filesOf(run);
    expect(names.filter((name) => name.startsWith("checkpoints/"))).toEqual([
      "checkpoints/000000000120.json",
      "checkpoints/000000000120.safetensors",
      "checkpoints/000000000130.json",
      "checkpoints/000000000130.safetensors",
      "checkpoints/best-000000000070.safetensors",
      "checkpoints/best.json",
    ]);
    // 30 rows a lane, 6 to 15 new ones with each checkpoint.
    expect(names.filter((name) => name.startsWith("replay/")).length).toBeLessThanOrEqual(6);
    expect(names).not.toContain("replay/000001.bin");
  });

  test("a step that was saved twice is the later one", () => {
    const { run } = trained(2);
    saveCheckpoint(run, { step: 20, state: weights(5), json: 1 });
    expect(digest(loadCheckpoint(run, 20).state)).toBe(digest(weights(5)));
    expect(listCheckpoints(run).steps).toEqual([20, 10]);
    expect(filesOf(run).filter((name) => name.endsWith(".safetensors"))).toHaveLength(2);
  });

  test("what was trained after the resumed checkpoint is given up with the next one", () => {
    const { run } = trained(3);
    saveCheckpoint(run, { step: 25, state: weights(25), json: 0 });
    expect(listCheckpoints(run).steps).toEqual([25, 20]);
  });

  test("a resumed training goes on as the one that was never stopped", () => {
    const { run, training } = trained(4);
    const loaded = loadCheckpoint(run, "latest");
    const buffer = smallReplay(60, 2);
    const store = new ReplayStore(buffer);
    store.restore(loaded.replay!.state, loaded.replay!.read);
    training.play.buffer = buffer; // The same play, into the restored replay.
    for (let k = 0; k < 5; k++) {
      training.advance();
      saveCheckpoint(run, {
        step: training.step,
        state: weights(training.step),
        json: { step: training.step, random: [1, -2] },
        replay: store,
      });
    }
    const straight = trained(9);
    expect([...training.saved]).toEqual([...straight.training.saved]);
    expectWhole(loadCheckpoint(run, "latest"), straight.training);
  });

  test("refuses state that JSON would change", () => {
    const { run } = trained(1);
    const bad = { step: 99, state: weights(1), json: { schedule: [{ best: Number.NEGATIVE_INFINITY }] } };
    expect(() => saveCheckpoint(run, bad)).toThrow("json.schedule.0.best is -Infinity");
    expect(listCheckpoints(run).steps).toEqual([10]);
    expect(filesOf(run)).toHaveLength(3);
  });
});

describe("a process that dies while it saves", () => {
  test("leaves, at whichever operation, the checkpoint before or the new one", () => {
    const seen = new Set<number>();
    let operations = 0;
    for (let k = 0, whole = false; !whole; k++) {
      const { run, training } = trained(3);
      training.advance();
      const { disk } = brokenDisk(k, "kill");
      try {
        training.save(RunFolder.open(run.path, disk));
        whole = true;
        operations = k;
      } catch (error) {
        expect(error).toBeInstanceOf(Killed);
      }
      const loaded = loadCheckpoint(run, "latest");
      expect(loaded.warnings).toEqual([]);
      expectWhole(loaded, training);
      seen.add(loaded.step);
      // The next process goes on from there, and cleans up.
      const store = new ReplayStore(smallReplay(60, 2));
      store.restore(loaded.replay!.state, loaded.replay!.read);
      run.lock()();
      saveCheckpoint(run, { step: loaded.step + 1, state: weights(1), json: 0, replay: store });
      expect(loadCheckpoint(run, "latest").step).toBe(loaded.step + 1);
      const used = ["json", "safetensors", "bin"].map((end) => filesOf(run).filter((name) => name.endsWith(end)).length);
      expect(used.slice(0, 2)).toEqual([2, 2]);
      expect(filesOf(run)).toHaveLength(used.reduce((a, b) => a + b));
    }
    expect([...seen]).toEqual([30, 40]);
    expect(operations).toBeGreaterThan(25);
  });

  test("leaves, at whichever operation, the best before or the new one", () => {
    const seen = new Set<number>();
    for (let k = 0, whole = false; !whole; k++) {
      const { run } = trained(1);
      saveBest(run, { step: 5, state: weights(5), json: {} });
      const { disk } = brokenDisk(k, "kill");
      try {
        saveBest(RunFolder.open(run.path, disk), { step: 8, state: weights(8), json: {} });
        whole = true;
      } catch (error) {
        expect(error).toBeInstanceOf(Killed);
      }
      const { step, state, warnings } = loadCheckpoint(run, "best");
      expect([digest(state), warnings]).toEqual([digest(weights(step)), []]);
      seen.add(step);
    }
    expect([...seen]).toEqual([5, 8]);
  });
});

describe("a disk that refuses", () => {
  test.each(["ENOSPC", "EACCES"] as const)("%s at whichever operation: one sentence, no debris, nothing lost", (code) => {
    const sentence = { ENOSPC: /the disk is full: cannot .* \(.* free\)/, EACCES: /not allowed to .* \(EACCES; .* free\)/ }[code];
    for (let k = 0, whole = false; !whole; k++) {
      const { run, training } = trained(3);
      const before = filesOf(run);
      training.advance();
      const { disk } = brokenDisk(k, code);
      try {
        training.save(RunFolder.open(run.path, disk));
        whole = true;
      } catch (error) {
        expect(error).toBeInstanceOf(BatonError);
        expect((error as BatonError).code).toBe("io");
        expect((error as BatonError).message).toMatch(sentence);
        expect((error as BatonError).message).toContain(run.path);
        expect((error as BatonError).hint).toBeDefined();
      }
      const after = loadCheckpoint(run, "latest");
      expect(after.warnings).toEqual([]);
      expectWhole(after, training);
      if (after.step === 30) expect(filesOf(run)).toEqual(before);
      // Space was made: the same process saves again, the rows of the failed attempt included.
      training.advance();
      training.save(run);
      expectWhole(loadCheckpoint(run, 50), training);
    }
  });
});

describe("a damaged checkpoint", () => {
  /** Damages copies of one run in every way given; each must be noticed, and the checkpoint before it used. */
  function eachDamage(names: (name: string) => boolean, damage: (path: string, size: number) => Iterable<string>): number {
    const { run, training } = trained(3);
    let damages = 0;
    for (const name of filesOf(run).filter(names)) {
      const path = join(run.path, name);
      const contents = readFileSync(path);
      for (const what of damage(path, contents.byteLength)) {
        const damaged = expect.objectContaining({
          code: "invalid-file",
          message: expect.stringContaining("checkpoint 30 cannot be used: "),
        });
        expect(() => loadCheckpoint(run, 30), `${name}: ${what}`).toThrow(damaged);
        if (damages % 20 === 0) {
          const loaded = loadCheckpoint(run, "latest");
          expect(loaded.warnings).toEqual([expect.stringMatching(/^checkpoint 30 .*; using the checkpoint of step 20 instead$/)]);
          expectWhole(loaded, training);
        }
        writeFileSync(path, contents);
        damages += 1;
      }
    }
    expectWhole(loadCheckpoint(run, "latest"), training);
    return damages;
  }

  // The newest checkpoint's own files: those of the one before it stay as they are.
  const newest = (name: string) => /000000000030|000003/.test(name);

  test("a missing file is noticed; without its manifest there is no checkpoint", () => {
    const parts = (name: string) => newest(name) && !name.endsWith(".json");
    const damages = eachDamage(parts, function* (path) {
      rmSync(path);
      yield "missing";
    });
    expect(damages).toBe(2);
    const { run, training } = trained(3);
    rmSync(join(run.checkpoints, "000000000030.json"));
    expect(listCheckpoints(run).steps).toEqual([20]);
    expectWhole(loadCheckpoint(run, "latest"), training);
  });

  test("a file cut anywhere is noticed", () => {
    const damages = eachDamage(newest, function* (path, size) {
      for (const at of [0, 1, 8, size >> 2, size >> 1, size - 1]) {
        truncateSync(path, at);
        yield `cut at ${at}`;
      }
    });
    expect(damages).toBe(18);
  });

  test("a changed byte is noticed, wherever it is", () => {
    const rng = RandomStream.from(1, "bits");
    const damages = eachDamage(newest, function* (path, size) {
      const contents = readFileSync(path);
      const stride = path.endsWith(".bin") ? 97 : path.endsWith(".json") ? 4 : 1;
      for (let i = 0; i < size; i += stride) {
        const flipped = Buffer.from(contents);
        flipped[i]! ^= 1 << rng.integer(8);
        writeFileSync(path, flipped);
        yield `byte ${i}`;
      }
    });
    expect(damages).toBeGreaterThan(400);
  });

  test("bytes after the end are noticed", () => {
    eachDamage(newest, function* (path) {
      writeFileSync(path, "\n", { flag: "a" });
      yield "longer";
    });
  });

  test("does not count among those that are kept", () => {
    const { run, training } = trained(3);
    truncateSync(join(run.checkpoints, "000000000030.safetensors"), 5);
    const loaded = loadCheckpoint(run, "latest");
    const store = new ReplayStore(smallReplay(60, 2));
    store.restore(loaded.replay!.state, loaded.replay!.read);
    saveCheckpoint(run, { step: 31, state: weights(31), json: 0, replay: store });
    expect(listCheckpoints(run).steps).toEqual([31, 20]);
    expectWhole(loadCheckpoint(run, 20), training);
  });

  test("the best falls back to the latest", () => {
    const { run } = trained(2);
    expect(loadCheckpoint(run, "best").warnings).toEqual([
      "there is no best checkpoint yet; using the checkpoint of step 20 instead",
    ]);
    saveBest(run, { step: 15, state: weights(15), json: {} });
    truncateSync(join(run.checkpoints, "best.json"), 50);
    const loaded = loadCheckpoint(run, "best");
    expect(loaded.step).toBe(20);
    expect(loaded.warnings[0]).toContain("checkpoint best cannot be used");
  });

  test("when none is good, the error lists why", () => {
    const { run } = trained(2);
    for (const step of ["10", "20"]) rmSync(join(run.checkpoints, `0000000000${step}.safetensors`));
    expect(() => loadCheckpoint(run, "latest")).toThrow(
      /no checkpoint of .* can be used: checkpoint 20 .* is missing; checkpoint 10 .* is missing/,
    );
  });

  test("weights alone can be read from a checkpoint whose replay is damaged", () => {
    const { run } = trained(2);
    truncateSync(join(run.replay, "000002.bin"), 9);
    expect(loadCheckpoint(run, "latest", { replay: false })).toMatchObject({ step: 20, replay: null, warnings: [] });
  });

  test("a checkpoint of another version is refused, not replaced", () => {
    const { run } = trained(2);
    const path = join(run.checkpoints, "000000000020.json");
    const { sha256: _, ...manifest } = JSON.parse(readFileSync(path, "utf8"));
    const body = { ...manifest, format: 8 };
    const sha256 = createHash("sha256").update(JSON.stringify(body)).digest("hex");
    writeFileSync(path, `${JSON.stringify({ sha256, ...body }, null, 1)}\n`);
    expect(() => loadCheckpoint(run, "latest")).toThrow("has format 8; this Baton reads format 1");
  });

  test("steps that are not there are named with those that are", () => {
    const { run } = trained(3);
    expect(() => loadCheckpoint(run, 7)).toThrow(expect.objectContaining({ code: "unknown-name", hint: "there are: 30, 20" }));
    const empty = RunFolder.create(join(temporaryFolder(), "run"), info, "");
    expect(() => loadCheckpoint(empty, "latest")).toThrow("has no checkpoint yet");
  });

  test("a run can be copied elsewhere", () => {
    const { run, training } = trained(3);
    const copy = join(temporaryFolder(), "copy");
    cpSync(run.path, copy, { recursive: true });
    rmSync(run.path, { recursive: true });
    expectWhole(loadCheckpoint(RunFolder.open(copy), "latest"), training);
  });
});
