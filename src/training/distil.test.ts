import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mistake } from "../../test/mistake.js";
import { listCheckpoints, RunFolder, readMetrics } from "../runs/index.js";
import { openDevice } from "../tensor/devices.js";
import { distilRun, studentExperiment } from "./distil.js";
import { resolveExperiment } from "./experiment.js";
import { setLayer } from "./layers.js";
import { beginRun, trainRun } from "./session.js";

const root = mkdtempSync(join(tmpdir(), "baton-distil-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const device = () => openDevice("cpu", { threads: 1 });
const teacher = join(root, "teacher");
beforeAll(async () => {
  const settings = {
    env: { id: "matrix/climbing" },
    agent: { name: "ace", hidden: 8, batchSize: 8 },
    training: { environmentSteps: 64, warmupSteps: 16 },
    evaluation: { everySteps: 64, episodes: 4 },
    envThreads: 1,
  };
  const experiment = await resolveExperiment({ settings, origin: () => undefined });
  await trainRun(beginRun(teacher, experiment), experiment, await device());
});

const experimentsOf = (...sets: string[]) => studentExperiment(RunFolder.open(teacher), {}, setLayer(sets));

async function distil(path: string, ...sets: string[]) {
  const small = ["training.environmentSteps=200", "training.copies=4", "evaluation.everySteps=80", "evaluation.episodes=4"];
  const experiments = await experimentsOf("agent.width=8", "agent.window=2", "training.warmupSteps=8", ...small, ...sets);
  return distilRun({ teacherPath: teacher, checkpoint: "best", ...experiments, path, device: await device() });
}

describe("a students' run", () => {
  it("holds a curve, the best weights and checkpoints on the way", async () => {
    const path = join(root, "students");
    const { environmentSteps, updates } = await distil(path, "checkpoint.everySteps=100");
    expect(environmentSteps).toBe(200);
    expect(updates).toBeGreaterThan(20);
    const run = RunFolder.open(path);
    expect(readMetrics(run).map((record) => record.environmentSteps)).toEqual([80, 160, 200]);
    expect(listCheckpoints(run).steps).toEqual([200, 100]);
    expect(run.info).toMatchObject({ agent: "student", teacher });
  });

  it("ends where enough is won", async () => {
    const { environmentSteps } = await distil(join(root, "early"), "evaluation.stopAtWinRate=0");
    expect(environmentSteps).toBe(80);
  });

  it("is played where the teacher was trained", async () => {
    const { student } = await experimentsOf();
    expect(student.config).toMatchObject({ envThreads: 1, env: { id: "matrix/climbing" } });
  });

  it.each([
    ["agent.name=ace", "agent.name is ace"],
    ["env.id=matrix/penalty", "env.id is matrix/penalty"],
    [`initial=${teacher}`, `initial is ${teacher}`],
    [`initialEncoder=${teacher}`, `initialEncoder is ${teacher}`],
  ])("cannot have %s", async (set, sentence) => {
    const said = await mistake(experimentsOf(set));
    expect(said).toContain(sentence);
    expect(said).toContain("leave");
  });
});
