import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import {
  type FleetRequest,
  hostState,
  logFile,
  readRecords,
  recordsFolder,
  startFleet,
  stopHost,
} from "../../src/bridge/fleet/index.js";
import { servedEnvironment } from "../../src/bridge/index.js";
import { makeKeys } from "../../src/bridge/keys.js";
import { processLives } from "../../src/bridge/launch/engine.js";
import { defaultSimulators } from "../../src/bridge/settings.js";
import type { VectorEnvironment } from "../../src/environment.js";
import { allocateVectorTimeStep } from "../../src/environments/timestep.js";
import { temporaryFolder } from "../temporary-folder.js";
import { findPython } from "./python.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const python = findPython();
const corridor = "experiments/examples/my_env.py:Corridor";

function request(overrides: Partial<FleetRequest> = {}): FleetRequest {
  return {
    ...{ environment: corridor, options: {}, launch: "process", hosts: 1, copies: 4, bind: "127.0.0.1", port: 22_000 },
    ...{ keys: undefined, python: python!, startSeconds: 60, image: null, network: "ports", memory: null, cpus: null },
    ...overrides,
  };
}

const resources = { envThreads: 0, simulators: { ...defaultSimulators, launch: "connect" as const, startSeconds: 20 } };
const served = (options = {}, id = `python:${corridor}`) => servedEnvironment(id, options);

async function play(env: VectorEnvironment, seed = 1): Promise<number[]> {
  const copies = Array.from({ length: env.copies }, (_, copy) => copy);
  const out = allocateVectorTimeStep(env.spec, env.copies);
  await env.reset(
    copies,
    copies.map(() => seed),
    out,
  );
  await env.step(new Int32Array(2 * env.copies), out);
  return [...out.observations];
}

describe.skipIf(!python)("a fleet", () => {
  beforeEach(() => {
    vi.stubEnv("XDG_STATE_HOME", temporaryFolder());
    vi.stubEnv("PYTHONDONTWRITEBYTECODE", "1");
  });

  afterEach(async () => {
    const left = readRecords();
    await Promise.all(left.map(stopHost));
    vi.unstubAllEnvs();
  });

  it("runs until it is ended, and leaves nothing", async () => {
    const fleet = await startFleet(request({ hosts: 2 }));
    expect(readRecords()).toEqual(fleet);
    expect(fleet.map(({ name }) => name)).toEqual(["baton-my_env-corridor-1", "baton-my_env-corridor-2"]);
    expect(new Set(fleet.map(({ endpoint }) => endpoint)).size).toBe(2);
    expect(statSync(join(recordsFolder(), "baton-my_env-corridor-1.json")).mode & 0o777).toBe(0o600);
    for (const host of fleet) {
      expect(await hostState(host)).toMatchObject({ lives: true, output: expect.stringContaining("ready at") });
    }
    await Promise.all(fleet.map(stopHost));
    for (const host of fleet) expect(processLives(host.pid, host.start)).toBe(false);
    expect(readdirSync(recordsFolder())).toEqual([]);
  });

  it("of which one cannot be written down is ended, all of it", async () => {
    mkdirSync(join(recordsFolder(), "baton-my_env-corridor-2.json.tmp"), { recursive: true });
    await expect(startFleet(request({ hosts: 2, port: 22_700 }))).rejects.toThrow(
      "cannot write down the host baton-my_env-corridor-2: EISDIR",
    );
    const running = execFileSync("ps", ["-eo", "args"], { encoding: "utf8" }).split("\n");
    expect(running.filter((line) => line.includes("tcp://127.0.0.1:227"))).toEqual([]);
    expect(readdirSync(recordsFolder())).toEqual(["baton-my_env-corridor-2.json.tmp"]);
  });

  it("serves several trainings at once, each with copies of its own", async () => {
    await startFleet(request({ hosts: 2, copies: 3 }));
    const [one, other] = [await served().vectorize(4, resources), await served().vectorize(2, resources)];
    const seen = await play(one);
    expect(await play(other, 5)).not.toEqual(seen.slice(0, 8));
    expect(await play(one)).toEqual(seen);
    await one.close?.();
    // What is given back can be lent again.
    const again = await served().vectorize(4, resources);
    expect(await play(again)).toEqual(seen);
    await again.close?.();
    await other.close?.();
  });

  it("is found by what it serves", async () => {
    await startFleet(request({ options: { length: 3 } }));
    const right = await served({ length: 3 }).vectorize(1, resources);
    await right.close?.();
    await expect(served({ length: 4 }).vectorize(1, resources)).rejects.toThrow(
      "runs on this machine, though 1 with other options",
    );
    await expect(served({}, "python:other:Env").vectorize(1, resources)).rejects.toThrow("no host of other:Env runs");
  });

  it("lends no more than it has", async () => {
    await startFleet(request({ copies: 2 }));
    await expect(served().vectorize(3, resources)).rejects.toThrow("3 copies are asked of a host that lends 2");
  });

  it("answers beyond loopback only those who have its keys", async () => {
    const { host, client } = makeKeys();
    await expect(startFleet(request({ bind: "0.0.0.0" }))).rejects.toThrow("which others can reach");
    const [started] = await startFleet(request({ bind: "0.0.0.0", keys: host }));
    const file = join(temporaryFolder(), "client.json");
    writeFileSync(file, JSON.stringify(client));
    const connect = [started!.endpoint];
    const open = (keys: string | null) =>
      served().vectorize(1, { ...resources, simulators: { ...resources.simulators, connect, keys } });
    const env = await open(file);
    await play(env);
    await env.close?.();
    writeFileSync(file, JSON.stringify(makeKeys().client));
    await expect(open(file)).rejects.toThrow("does not accept these keys");
    await expect(open(null)).rejects.toThrow("wants keys");
  });

  it("is not left half started", async () => {
    await expect(startFleet(request({ hosts: 2, environment: "no_such_module:Env" }))).rejects.toMatchObject({
      code: "unknown-name",
    });
    await expect(startFleet(request({ python: "no-such-python" }))).rejects.toMatchObject({ code: "missing-dependency" });
    const slow = "envs/python/tests/games.py:Slow";
    await expect(startFleet(request({ environment: slow, startSeconds: 0.3 }))).rejects.toThrow("is not ready after 0.3 s");
    expect(readdirSync(recordsFolder())).toEqual([]);
  });

  it("is taken back when whoever starts it is ended", async () => {
    const script = fileURLToPath(new URL("start-fleet.ts", import.meta.url));
    const program = spawn(process.execPath, ["--import", "tsx", script, python!], { cwd: root, stdio: "inherit" });
    onTestFinished(() => void program.kill("SIGKILL"));
    const [host] = await vi.waitFor(
      () => {
        const found = readRecords();
        expect(found).toHaveLength(1);
        return found;
      },
      { timeout: 60_000, interval: 20 },
    );
    const ended = once(program, "exit");
    program.kill("SIGTERM");
    expect(await ended).toEqual([null, "SIGTERM"]);
    await vi.waitFor(() => expect(processLives(host!.pid, host!.start)).toBe(false), { timeout: 20_000, interval: 20 });
    expect(existsSync(logFile(host!.name))).toBe(false);
    expect(readRecords()).toEqual([]);
  });

  it("passes over files that are no records", async () => {
    await startFleet(request());
    writeFileSync(
      join(recordsFolder(), "torn.json"),
      readFileSync(join(recordsFolder(), "baton-my_env-corridor-1.json")).subarray(0, 30),
    );
    writeFileSync(join(recordsFolder(), "other.json"), `{"name": "../../etc"}`);
    expect(readRecords()).toHaveLength(1);
  });
});
