import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { readRecords, removeOrphans, startFleet, stopHost } from "../../src/bridge/fleet/index.js";
import { openPythonEnvironment } from "../../src/bridge/index.js";
import { kindLabel, ownerLabel, thisOwner } from "../../src/bridge/launch/engine.js";
import { launcherOf } from "../../src/bridge/launch/index.js";
import { defaultSimulators, type SimulatorSettings } from "../../src/bridge/settings.js";
import { allocateVectorTimeStep } from "../../src/environments/timestep.js";
import { trainInMemory } from "../learning/train.js";
import { temporaryFolder } from "../temporary-folder.js";
import { containers, podmanServes } from "./podman.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const corridor = "experiments/examples/my_env.py:Corridor";
const games = "envs/python/tests/games.py";

const open = (environment: string, settings: Partial<SimulatorSettings>, options = {}) => {
  const launcher = launcherOf({ ...defaultSimulators, launch: "podman", ...settings });
  return openPythonEnvironment(`python:${environment}`, 2, { launcher, options });
};

const nothingLeft = () => vi.waitFor(() => expect(containers("run")).toEqual([]), { timeout: 30_000, interval: 100 });

describe.skipIf(!podmanServes())("containers", () => {
  beforeEach(() => void vi.stubEnv("XDG_STATE_HOME", temporaryFolder()));
  afterEach(async () => {
    vi.unstubAllEnvs();
    await nothingLeft();
  });

  it("are trained against, and replaced when they are killed meanwhile", async () => {
    const killed: string[] = [];
    const kill = setInterval(() => {
      const container = containers("run").find((name) => !killed.includes(name));
      if (!container || killed.length === 2) return;
      killed.push(container);
      // Not before it has had time to serve a little.
      setTimeout(() => spawnSync("podman", ["kill", container]), 1500);
    }, 500);
    try {
      const { records, last } = await trainInMemory({
        env: { id: `python:${corridor}`, length: 3 },
        agent: { name: "ace", hidden: 16 },
        training: { environmentSteps: 2000, warmupSteps: 200, copies: 8, updatesPerStep: 0.1 },
        evaluation: { everySteps: 2000, episodes: 8 },
        simulators: { launch: "podman", memory: "512m", cpus: 1, backoffSeconds: 0.1 },
      });
      expect(killed).toHaveLength(2);
      expect(records.at(-1)!.environmentSteps).toBeGreaterThanOrEqual(2000);
      expect(last.episodes).toHaveLength(8);
      expect(last.winRate).toBeGreaterThan(0.5);
    } finally {
      clearInterval(kill);
    }
  });

  it("play the same episodes whatever network they have", async () => {
    const rewards: number[][] = [];
    for (const network of ["ports", "host"] as const) {
      const env = await open(corridor, { network });
      const out = allocateVectorTimeStep(env.spec, 2);
      await env.reset([0, 1], [4, 5], out);
      const seen = [...out.observations];
      for (let t = 0; t < 8; t++) {
        await env.step(Int32Array.of(2, 2, 2, 2), out);
        seen.push(...out.observations, ...out.reward, ...out.terminated);
        if (out.terminated.includes(1)) break;
      }
      rewards.push(seen);
      await env.close?.();
      expect(containers("run")).toEqual([]);
    }
    expect(rewards[1]).toEqual(rewards[0]);
  });

  it("are gone when their host dies, with its last words", async () => {
    const env = await open(`${games}:Troubled`, {}, { trouble: "die" });
    const out = allocateVectorTimeStep(env.spec, 2);
    await env.reset([0, 1], [1, 2], out);
    await expect(env.step(Int32Array.of(0, 0, 1, 0), out)).rejects.toMatchObject({
      code: "io",
      message: "a container of baton-python was killed; its last words:\nlast words",
    });
    await nothingLeft();
    await env.close?.();
  });

  it("say what is missing", async () => {
    await expect(open(corridor, { image: "baton-nothing" })).rejects.toMatchObject({
      code: "missing-dependency",
      message: 'there is no container image "baton-nothing"',
      hint: expect.stringContaining("never pulls images"),
    });
    await expect(open(`${games}:Nobody`, {})).rejects.toMatchObject({ code: "unknown-name" });
    await expect(open("/elsewhere/env.py:Env", {})).rejects.toMatchObject({ code: "invalid-value" });
  });

  it.each(["SIGINT", "SIGTERM", "SIGKILL"] as const)("do not outlive a program that %s ends", async (signal) => {
    const program = await opened("wait");
    expect(containers("run")).toHaveLength(1);
    const ended = once(program, "exit");
    program.kill(signal);
    expect(await ended).toEqual([null, signal]);
    await nothingLeft();
  });

  it("do not outlive a program that forgets them", async () => {
    const program = await opened();
    if (program.exitCode === null) await once(program, "exit");
    expect(program.exitCode).toBe(0);
    await nothingLeft();
  });

  it("that nobody could end are removed later, and only those", async () => {
    const begin = (name: string, owner: string) => {
      const labels = ["--label", `${kindLabel}=run`, "--label", `${ownerLabel}=${owner}`];

      execFileSync("podman", [
        "run",
        "--detach",
        "--stop-signal",
        "KILL",
        "--name",
        name,
        "--entrypoint",
        "sleep",
        ...labels,
        "baton-python",
        "600",
      ]);
    };
    begin(`orphan-${process.pid}`, "999999999.1");
    begin(`child-${process.pid}`, thisOwner());
    try {
      expect(await removeOrphans()).toEqual([`orphan-${process.pid}`]);
      expect(containers("run")).toEqual([`child-${process.pid}`]);
    } finally {
      execFileSync("podman", ["rm", "--force", "--time", "0", `child-${process.pid}`]);
    }
  });

  it("go on by themselves once they are up, for whoever connects", async () => {
    const settings = { image: null, network: "ports", memory: "512m", cpus: null, bind: "127.0.0.1", port: 21_700 } as const;
    const rest = { keys: undefined, python: "python3", startSeconds: 60, hosts: 2, copies: 3, options: {} };
    const fleet = await startFleet({ ...settings, ...rest, environment: corridor, launch: "podman" });
    expect(containers("up")).toHaveLength(2);
    const [one, other] = [await open(corridor, { launch: "connect" }), await open(corridor, { launch: "connect" })];
    for (const env of [one, other]) {
      const out = allocateVectorTimeStep(env.spec, 2);
      await env.reset([0, 1], [4, 5], out);
      await env.step(new Int32Array(4), out);
      await env.close?.();
    }
    expect(containers("up")).toHaveLength(2);
    await Promise.all(fleet.map(stopHost));
    expect(containers("up")).toEqual([]);
    expect(readRecords()).toEqual([]);
  });
});

/** A program that has opened a container. */
async function opened(...mode: string[]) {
  const script = fileURLToPath(new URL("open-container.ts", import.meta.url));
  const program = spawn(process.execPath, ["--import", "tsx", script, ...mode], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void program.kill("SIGKILL"));
  await once(program.stdout, "data");
  return program;
}
