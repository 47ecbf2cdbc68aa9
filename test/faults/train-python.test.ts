/** `baton train --env python:…` stops, is killed and resumes, and leaves nothing behind. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, vi } from "vitest";
import { findPython } from "../bridge/python.js";
import { temporaryFolder } from "../temporary-folder.js";
import { childHosts } from "./hosts.js";

const python = findPython();
const root = fileURLToPath(new URL("../..", import.meta.url));
const settings = [
  "training.environmentSteps=100000000",
  "training.copies=8",
  "training.updatesPerStep=0.01",
  "evaluation.everySteps=2000",
  "evaluation.episodes=4",
  "checkpoint.everySteps=500",
  "simulators.hosts=2",
  "env.length=3",
].flatMap((setting) => ["--set", setting]);

interface Training {
  readonly process: ChildProcess;
  readonly ended: Promise<unknown[]>;
  output(): string;
}

function train(folder: string, ...more: string[]): Training {
  const env = { ...process.env, TMPDIR: folder, BATON_PYTHON: python!, PYTHONDONTWRITEBYTECODE: "1" };
  const location = ["--env", "python:experiments/examples/my_env.py:Corridor", "--agent", "iql", "--device", "cpu"];
  const run = ["--run", join(folder, "run"), "--threads", "1", ...settings, ...more];
  const started = spawn(process.execPath, ["--import", "tsx", "src/cli/main.ts", "train", ...location, ...run], {
    cwd: root,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  started.stdout.setEncoding("utf8").on("data", (part: string) => (text += part));
  started.stderr.setEncoding("utf8").on("data", (part: string) => (text += part));
  return { process: started, ended: once(started, "exit"), output: () => text };
}

/** Process ids of hosts and what they lie in, until both are gone. */
async function nothingLeft(folder: string, hosts: readonly number[]): Promise<void> {
  const lives = (pid: number) => {
    try {
      return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
    } catch {
      return false;
    }
  };
  const left = () => [...hosts.filter(lives), ...readdirSync(folder).filter((name) => name.startsWith("baton-"))];
  await vi.waitFor(() => expect(left()).toEqual([]), { timeout: 20_000, interval: 50 });
}

async function hasCheckpoint(folder: string): Promise<void> {
  const checkpoints = join(folder, "run", "checkpoints");
  await vi.waitFor(() => expect(existsSync(checkpoints) && readdirSync(checkpoints).length > 0).toBe(true), {
    timeout: 60_000,
    interval: 50,
  });
}

it.skipIf(!python || !existsSync("/proc"))("training with Python hosts stops, is killed and resumes", async () => {
  const folder = temporaryFolder();
  const killed = train(folder);
  await hasCheckpoint(folder);
  const hosts = childHosts(killed.process.pid!);
  expect(hosts).toHaveLength(3); // one more for evaluations
  killed.process.kill("SIGKILL");
  await killed.ended;
  await nothingLeft(folder, hosts);

  const stopped = train(folder);
  await vi.waitFor(() => expect(childHosts(stopped.process.pid!)).toHaveLength(3), { timeout: 60_000, interval: 50 });
  await vi.waitFor(() => expect(stopped.output()).toContain("resuming iql"), { timeout: 60_000, interval: 50 });
  const others = childHosts(stopped.process.pid!);
  stopped.process.kill("SIGINT");
  expect(await stopped.ended, stopped.output()).toEqual([130, null]);
  await nothingLeft(folder, others);
});
