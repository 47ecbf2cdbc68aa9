import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { mistake } from "../../test/mistake.js";
import { EvaluationLog, listCheckpoints, loadCheckpoint, RunFolder, readMetrics } from "../runs/index.js";
import { openDevice } from "../tensor/devices.js";
import { type HostArray, leavesOf } from "../tensor/tree.js";
import { resolveExperiment } from "./experiment.js";
import { beginRun, trainRun } from "./session.js";

const root = mkdtempSync(join(tmpdir(), "baton-trainer-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Trains in a folder of that name, goes on where there is one, with these settings. */
async function train(name: string, { agent = {}, evaluation = {}, training = {}, checkpoint = {} }: Record<string, object> = {}) {
  const settings = {
    env: { id: "skirmish/3m" }, // nobody wins it in so few steps
    agent: { name: "ace", hidden: 8, batchSize: 8, ...agent },
    training: { environmentSteps: 128, copies: 4, warmupSteps: 16, ...training },
    evaluation: { everySteps: 32, episodes: 4, ...evaluation },
    checkpoint,
  };
  const experiment = await resolveExperiment({ settings, origin: () => undefined });
  const path = join(root, name);
  const run = RunFolder.inspect(path) === "run" ? RunFolder.open(path) : beginRun(path, experiment);
  return trainRun(run, experiment, await openDevice("cpu", { threads: 1 }));
}

describe("a run that has won enough", () => {
  const enough = { stopAtWinRate: 0 };

  it("ends there, and is not taken up again", async () => {
    expect((await train("won", { evaluation: enough })).environmentSteps).toBe(32);
    expect((await train("won", { evaluation: enough })).environmentSteps).toBe(32);
  });

  it("goes on when more is asked for, or when it shall never end", async () => {
    await train("more", { evaluation: enough });
    expect(
      (await train("more", { evaluation: { stopAtWinRate: 0.5 }, training: { environmentSteps: 64 } })).environmentSteps,
    ).toBe(64);
    expect((await train("more", { evaluation: { stopAtWinRate: null } })).environmentSteps).toBe(128);
  });
});

describe("a run that diverges", () => {
  it("ends in a sentence, and its checkpoints are from before", async () => {
    const path = join(root, "diverged");
    await train("diverged", { training: { environmentSteps: 64 } });
    const finite = () =>
      leavesOf<HostArray>(loadCheckpoint(RunFolder.open(path), "latest").state).every(({ leaf }) =>
        leaf.data.every(Number.isFinite),
      );
    // a loss whose gradient is beyond all numbers
    const said = await mistake(train("diverged", { agent: { auxiliaryWeight: 1e38 }, training: { environmentSteps: 256 } }));
    expect(said).toMatch(/^training diverged: \w+ is (NaN|Infinity) after update \d+; lower agent.learningRate/);
    expect(listCheckpoints(RunFolder.open(path)).steps[0]).toBe(64);
    expect(finite()).toBe(true);
    await train("diverged", { training: { environmentSteps: 96 } });
    expect(readMetrics(RunFolder.open(path)).map(({ environmentSteps }) => environmentSteps)).toEqual([32, 64, 96]);
    expect(EvaluationLog.open(RunFolder.open(path)).points.map(({ stepCount }) => stepCount)).toEqual([32, 64, 96]);
  });
});
