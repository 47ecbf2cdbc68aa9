/** Checkpoints that are read while a training goes on and replaces them. */
import { describe, expect, test } from "vitest";
import { loadCheckpoint, type RunFolder, saveBest } from "../src/runs/index.js";
import { digest, expectWhole, type Training, trained, weights } from "./saved-training.js";

describe("a checkpoint of a run that is being trained", () => {
  /** The run as a process sees it that is overtaken by `training` between a manifest and its files, so many times. */
  function overtaken(run: RunFolder, times: number, training: (k: number) => void): RunFolder {
    let [left, inside] = [times, false];
    return Object.create(run, {
      path: {
        get() {
          if (left > 0 && !inside) {
            inside = true;
            training(times - left--);
            inside = false;
          }
          return run.path;
        },
      },
    });
  }

  function advanceTwice(run: RunFolder, training: Training): void {
    for (let k = 0; k < 2; k++) {
      training.advance();
      training.save(run);
    }
  }

  test("is the best of before or after, though it is replaced while it is read", () => {
    const { run } = trained(1);
    saveBest(run, { step: 5, state: weights(5), json: {} });
    const reading = overtaken(run, 3, (k) => saveBest(run, { step: 6 + k, state: weights(6 + k), json: {} }));
    const { step, state, warnings } = loadCheckpoint(reading, "best");
    expect([step, digest(state), warnings]).toEqual([8, digest(weights(8)), []]);
  });

  test("is the latest, though those before it are deleted while they are read", () => {
    const { run, training } = trained(2);
    const reading = overtaken(run, 1, () => advanceTwice(run, training));
    const loaded = loadCheckpoint(reading, "latest");
    expect([loaded.step, loaded.warnings]).toEqual([40, []]);
    expectWhole(loaded, training);
  });

  test("is missing in a sentence when it was asked for by its step and is deleted", () => {
    const { run, training } = trained(2);
    const reading = overtaken(run, 1, () => advanceTwice(run, training));
    expect(() => loadCheckpoint(reading, 20)).toThrow(
      expect.objectContaining({ code: "unknown-name", hint: "there are: 40, 30" }),
    );
  });

  test("is not looked for forever", () => {
    const { run } = trained(1);
    const reading = overtaken(run, 1000, (k) => saveBest(run, { step: 1 + k, state: weights(1 + k), json: {} }));
    expect(loadCheckpoint(reading, "best")).toMatchObject({ step: 10, warnings: [expect.stringContaining("cannot be used")] });
  });
});
