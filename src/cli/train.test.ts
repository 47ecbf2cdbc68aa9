/** `baton train` through its command: what it goes on with, what it refuses, and that nothing is deleted for a run that cannot be. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { mistake } from "../../test/mistake.js";
import { listCheckpoints, RunFolder } from "../runs/index.js";
import { trainCommand } from "./train.js";

const root = mkdtempSync(join(tmpdir(), "baton-train-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let said = "";
beforeEach(() => {
  said = "";
  const listen = (text: unknown) => {
    said += String(text);
    return true;
  };
  vi.spyOn(process.stdout, "write").mockImplementation(listen);
  vi.spyOn(process.stderr, "write").mockImplementation(listen);
  return () => vi.restoreAllMocks();
});

const small = ["agent.hidden=8", "agent.batchSize=8", "training.copies=4", "training.warmupSteps=16", "evaluation.episodes=4"];
const sets = small.flatMap((set) => ["--set", set]);
const train = (...args: string[]) => trainCommand().parseAsync([...args, "--device", "cpu"], { from: "user" });
const steps = (path: string) => listCheckpoints(RunFolder.open(path)).steps[0];

const run = join(root, "run");
beforeAll(() => train("--env", "matrix/climbing", "--run", run, ...sets, "--set", "training.environmentSteps=64"));

describe("a run that is there", () => {
  it("is gone on with by its own settings", async () => {
    await train("--run", run, "--set", "training.environmentSteps=80");
    expect(said).toContain(`resuming ace on matrix/climbing, seed 0, in ${run}`);
    expect(steps(run)).toBe(80);
  });

  it.each([
    ["another environment", ["--env", "matrix/penalty"]],
    ["another seed", ["--seed", "3"]],
    ["another agent", ["--agent", "iql", "--set", "agent.hidden=8"]],
  ])("is not mixed with %s", async (_, args) => {
    const sentence = await mistake(train("--run", run, ...args));
    expect(sentence).toMatch(/is a run of ace on matrix\/climbing with seed 0, not of|agent\./);
  });

  it("does not start from elsewhere, and says nothing else", async () => {
    expect(await mistake(train("--run", run, "--init", join(root, "elsewhere")))).toContain("would change nothing");
    expect(said).toBe("");
  });

  it.each([
    ["nobody said yes", ["--fresh"], "add --yes"],
    ["the new settings are wrong", ["--fresh", "--yes", "--set", "agent.hidden=no"], "agent.hidden"],
    ["the new run would start from it", ["--fresh", "--yes", "--init", run, ...sets], "--fresh would delete"],
    ["the new agent learns from a teacher", ["--fresh", "--yes", "--agent", "student"], "learns from a teacher"],
    ["there are no such weights", ["--fresh", "--yes", "--init", join(root, "nowhere")], "nowhere"],
  ])("is kept where %s", async (_, args, sentence) => {
    const before = steps(run);
    expect(await mistake(train("--env", "matrix/climbing", "--run", run, ...args))).toContain(sentence);
    expect(steps(run)).toBe(before);
  });

  it("makes room for another", async () => {
    const path = join(root, "other");
    const other = ["--run", path, ...sets, "--set", "training.environmentSteps=32"];
    await train("--env", "matrix/climbing", ...other);
    await train("--env", "matrix/penalty", "--seed", "1", "--fresh", "--yes", ...other);
    expect(RunFolder.open(path).info).toMatchObject({ env: "matrix/penalty", seed: 1 });
    expect(steps(path)).toBe(32);
  });
});

it("says when so little is played that nothing is learnt", async () => {
  await train("--env", "matrix/climbing", "--run", join(root, "short"), ...sets, "--set", "training.environmentSteps=16");
  expect(said).toContain("nothing is learnt: training.warmupSteps, 16, are not fewer than training.environmentSteps, 16");
});
