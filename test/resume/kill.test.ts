/** A run that is killed at any moment and resumed ends exactly as one that was never disturbed. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { packageRoot } from "../../src/package.js";
import { ReplayBuffer, ReplayStore } from "../../src/replay/index.js";
import { listCheckpoints, loadCheckpoint, RunFolder, readMetrics } from "../../src/runs/index.js";
import { RandomStream } from "../../src/tensor/random.js";
import { type HostArray, leavesOf } from "../../src/tensor/tree.js";
import { resolveExperiment } from "../../src/training/experiment.js";
import { yamlLayer } from "../../src/training/layers.js";

const root = mkdtempSync(join(tmpdir(), "baton-resume-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const settings = {
  "agent.hidden": 8,
  "agent.batchSize": 8,
  "agent.order": "shuffle-sample",
  "agent.priority": 0.6,
  "agent.explorationSteps": 1000,
  "agent.explorationDuration": 6,
  "training.environmentSteps": 2400,
  "training.copies": 4,
  "training.replayCapacity": 600,
  "training.warmupSteps": 100,
  "evaluation.everySteps": 500,
  "evaluation.episodes": 4,
  "checkpoint.everySteps": 200,
};

function train(run: string): ChildProcess {
  const sets = Object.entries(settings).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
  const args = ["--import", "tsx", "src/cli/main.ts", "train", "--env", "matrix/spiders-and-fly", "--device", "cpu"];
  return spawn(process.execPath, [...args, "--threads", "1", "--run", run, ...sets], { cwd: packageRoot(), stdio: "ignore" });
}

async function finish(run: string): Promise<void> {
  const [code] = (await once(train(run), "exit")) as [number | null];
  expect(code).toBe(0);
}

/** Everything that must be equal: weights, optimiser, counters, streams, replay, curve. */
async function contents(path: string) {
  const run = RunFolder.open(path);
  const checkpoint = loadCheckpoint(run, "latest");
  const { config, spec, agent } = await resolveExperiment(yamlLayer(run.readConfig(), "config.yaml"));
  const replay = new ReplayBuffer(spec, agent.transition, {
    lanes: config.training.copies,
    capacity: config.training.replayCapacity,
  });
  new ReplayStore(replay).restore(checkpoint.replay!.state, checkpoint.replay!.read);
  const { wallSeconds: _, ...json } = checkpoint.json as Record<string, unknown>;
  return {
    step: checkpoint.step,
    json,
    weights: leavesOf(checkpoint.state).map(({ path: name, leaf }) => [name, Buffer.from(bytes(leaf)).toString("base64")]),
    replay: replay.lanes.map((lane) => ({
      begin: lane.begin,
      end: lane.end,
      columns: lane.columns.map((column) => Array.from(column)),
    })),
    // everything but the clock
    curve: readMetrics(run).map((record) =>
      Object.fromEntries(Object.entries(record).filter(([name]) => name !== "wallSeconds" && !name.startsWith("time"))),
    ),
  };
}

const checkpointsOf = (path: string) => (RunFolder.inspect(path) === "run" ? listCheckpoints(RunFolder.open(path)).steps : []);

const bytes = ({ data }: HostArray) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

const whole = join(root, "whole");
/** Milliseconds that an undisturbed run takes, so that kills fall into runs on a machine of any speed. */
let duration = 0;
beforeAll(async () => {
  const start = performance.now();
  await finish(whole);
  duration = performance.now() - start;
});

it("continues bit for bit after kill -9 at random moments", async () => {
  const run = join(root, "killed");
  const rng = RandomStream.from(Date.now(), "kills");
  let kills = 0;
  for (let attempt = 0; attempt < 4; attempt++) {
    const child = train(run);
    const exited = once(child, "exit");
    // the first one soon after a checkpoint, so that there is something to go on with; the others at any moment, starting up included
    if (attempt === 0) await vi.waitFor(() => expect(checkpointsOf(run)).not.toEqual([]), { timeout: 60_000, interval: 20 });
    const wait = (attempt === 0 ? 0.1 * rng.uniform() : 0.3 + 0.5 * rng.uniform()) * duration;
    const ended = await Promise.race([exited.then(() => true), sleep(wait).then(() => false)]);
    if (ended) break;
    child.kill("SIGKILL");
    await exited;
    kills += 1;
  }
  expect(kills).toBeGreaterThan(0);
  expect(checkpointsOf(run)).not.toEqual([]);
  await finish(run);
  expect(await contents(run)).toEqual(await contents(whole));
});

it("ends cleanly and resumably on Ctrl-C", async () => {
  const run = join(root, "interrupted");
  const child = train(run);
  const exited = once(child, "exit");
  const firstSeconds = () => readMetrics(RunFolder.open(run))[0]?.wallSeconds;
  await vi.waitFor(() => expect(firstSeconds()).toBeDefined(), { timeout: 60_000, interval: 20 });
  const stoppedAt = firstSeconds();
  child.kill("SIGINT");
  expect(await exited).toEqual([130, null]);
  expect(() => loadCheckpoint(RunFolder.open(run), "latest")).not.toThrow();
  await finish(run);
  expect(firstSeconds()).toBe(stoppedAt); // it was gone on with, not begun anew
  const resumed = await contents(run);
  const undisturbed = await contents(whole);
  expect(resumed.weights).toEqual(undisturbed.weights);
  expect(resumed.curve).toEqual(undisturbed.curve);
});

it("uses the checkpoint before a torn one, says so, and arrives at the same end", async () => {
  const checkpoints = join(whole, "checkpoints");
  const before = await contents(whole);
  const newest = readdirSync(checkpoints)
    .filter((name) => /^\d.*\.safetensors$/.test(name))
    .sort()
    .at(-1)!;
  truncateSync(join(checkpoints, newest), readFileSync(join(checkpoints, newest)).byteLength >> 1);
  const { warnings, step } = loadCheckpoint(RunFolder.open(whole), "latest");
  expect(step).toBeLessThan(before.step);
  expect(warnings.join()).toContain(newest);
  await finish(whole);
  expect(await contents(whole)).toEqual(before);
});
