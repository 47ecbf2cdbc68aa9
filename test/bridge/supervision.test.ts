/** Hosts that die, hang, fail or send garbage are replaced, and say why when that does not help. */
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { encodeMessage } from "../../src/bridge/protocol.js";
import { servedEnvironment } from "../../src/bridge/served.js";
import { defaultSimulators } from "../../src/bridge/settings.js";
import { SupervisedHost } from "../../src/bridge/supervisor.js";
import type { VectorEnvironment } from "../../src/environment.js";
import { LostEpisodes } from "../../src/environments/lost.js";
import { allocateVectorTimeStep } from "../../src/environments/timestep.js";
import { childHosts } from "../faults/hosts.js";
import { temporaryFolder } from "../temporary-folder.js";
import { fakeHost } from "./fake-host.js";
import { findPython } from "./python.js";

const games = fileURLToPath(new URL("../../envs/python/tests/games.py", import.meta.url));
const python = findPython();
const opened: { close?(): void | Promise<void> }[] = [];
let sockets: string;
let warnings: string[];

beforeEach(() => {
  sockets = temporaryFolder();
  warnings = [];
  vi.stubEnv("TMPDIR", sockets);
  vi.stubEnv("PYTHONDONTWRITEBYTECODE", "1");
});

afterEach(async () => {
  for (const env of opened.splice(0)) await env.close?.();
  vi.unstubAllEnvs();
  expect(readdirSync(sockets).filter((name) => name.startsWith("baton-"))).toEqual([]);
});

const simulators = { ...defaultSimulators, python: python ?? null, backoffSeconds: 0.01, inFlight: 1 };

/** Four copies of the environment of games.py that does `trouble` when agent 0 plays action 1. */
async function troubled(trouble: string, settings: Partial<typeof simulators> = {}) {
  const resources = { envThreads: 0, simulators: { ...simulators, ...settings } };
  const game = trouble === "masked" ? "TroubledMask" : "Troubled";
  const served = servedEnvironment(`python:${games}:${game}`, { trouble });
  const env = await served.vectorize(4, resources, (sentence) => warnings.push(sentence));
  opened.push(env);
  return { env, ...playing(env) };
}

function playing(env: VectorEnvironment) {
  const out = allocateVectorTimeStep(env.spec, env.copies);
  const all = [0, 1, 2, 3].slice(0, env.copies);
  const calm = new Int32Array(env.copies * env.spec.agents);
  return {
    out,
    begin: async (copies = all) =>
      env.reset(
        copies,
        copies.map(() => 1),
        out,
      ),
    calm: async () => env.step(calm, out),
    strike: async () =>
      env.step(
        Int32Array.from(calm, (_, k) => (k === 2 ? 1 : 0)),
        out,
      ),
  };
}

const caught = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe.skipIf(!python)("a supervised host", () => {
  it.each([
    ["die", /its Python host ended \(killed by SIGKILL\); its last words:\nlast words/],
    ["hang", /no answer to "step" within 0.3 s/],
    ["raise", /Troubled failed in step: ValueError: the lights went out\nTraceback/],
    ["nan", /observations\[1, 0\] is nan/],
    ["shape", /observations has shape \[2, 2\], but at first it had shape \[2, 1\]/],
    ["masked", /agent 0 has no action to choose from/],
  ])("that does %s loses its episodes, is mended, and plays on", async (trouble, why) => {
    const { begin, calm, strike, out } = await troubled(trouble, { answerSeconds: trouble === "hang" ? 0.3 : 60 });
    await begin();
    await calm();
    expect(await caught(strike())).toBeInstanceOf(LostEpisodes);
    expect(await caught(calm())).toBeInstanceOf(Error); // nothing runs in it now
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/^a host of python:.*:Troubled(Mask)? failed \(1 of at most 5 times in a row\): /);
    expect(warnings[0]).toMatch(why);
    for (let attempt = 0; (await caught(begin())) instanceof LostEpisodes && attempt < 3; attempt++);
    for (let t = 0; t < 3; t++) await calm();
    expect([...out.truncated]).toEqual([1, 1, 1, 1]);
  });

  it("cannot begin some of its episodes while the others are lost", async () => {
    const { begin, strike } = await troubled("die");
    await begin();
    expect(await caught(strike())).toBeInstanceOf(LostEpisodes);
    expect(await caught(begin([2]))).toBeInstanceOf(LostEpisodes);
    await begin();
  });

  it.each([
    ["die", "io", /failed 3 times in a row without finishing an episode: [\s\S]*its last words:\nlast words$/],
    ["raise", "environment", /failed 3 times in a row [\s\S]*: ValueError: the lights went out\nTraceback[\s\S]*in step/],
  ])("that goes on to %s stops everything, with its own last words", async (trouble, code, message) => {
    const { begin, strike } = await troubled(trouble, { failures: 3 });
    for (let failure = 1; failure < 3; failure++) {
      await begin();
      expect(await caught(strike())).toBeInstanceOf(LostEpisodes);
    }
    await begin();
    await expect(strike()).rejects.toMatchObject({ name: "BatonError", code, message: expect.stringMatching(message) });
    expect(warnings).toHaveLength(2);
  });

  it("starts counting anew when an episode comes to its end", async () => {
    const { begin, calm, strike } = await troubled("raise", { failures: 2 });
    for (let k = 0; k < 3; k++) {
      await begin();
      for (let t = 0; t < 3; t++) await calm();
      await begin();
      expect(await caught(strike())).toBeInstanceOf(LostEpisodes);
    }
    expect(warnings).toHaveLength(3);
  });

  it("is only one of several, and the others play on", async () => {
    const { env } = await troubled("die", { hosts: 2, inFlight: 2 });
    expect(env.groups?.map(({ copies }) => copies)).toEqual([1, 1, 1, 1]);
    const groups = env.groups!.map(playing);
    await Promise.all(groups.map((group) => group.begin()));
    const strike = env.groups![0]!.step(Int32Array.of(1, 0), groups[0]!.out) as Promise<void>;
    expect(await caught(strike)).toBeInstanceOf(LostEpisodes);
    expect(await caught(groups[1]!.calm())).toBeInstanceOf(LostEpisodes); // the same host
    await groups[2]!.calm();
    await groups[3]!.calm();
    expect(warnings).toHaveLength(1);
    await groups[1]!.begin();
    await groups[0]!.begin();
    await groups[0]!.calm();
  });

  it("that is stopped loses nothing when it goes on in time", async () => {
    const { begin, calm, out } = await troubled("none", { answerSeconds: 60 });
    const [host] = childHosts();
    await begin();
    await calm();
    process.kill(host!, "SIGSTOP");
    const stepping = calm() as Promise<void>;
    const first = await Promise.race([stepping.then(() => "answered"), sleep(300, "waiting")]);
    process.kill(host!, "SIGCONT");
    await stepping;
    await calm();
    expect({ first, host: childHosts(), warnings }).toEqual({ first: "waiting", host: [host], warnings: [] });
    expect([...out.truncated]).toEqual([1, 1, 1, 1]);
  });

  it("that is stopped for too long is replaced, and ends although it is stopped", async () => {
    const { begin, calm, out } = await troubled("none", { answerSeconds: 0.5 });
    const [host] = childHosts();
    await begin();
    await calm();
    process.kill(host!, "SIGSTOP");
    expect(await caught(calm())).toBeInstanceOf(LostEpisodes);
    expect(warnings).toEqual([expect.stringMatching(/no answer to "step" within 0.5 s/)]);
    for (let attempt = 0; (await caught(begin())) instanceof LostEpisodes && attempt < 5; attempt++);
    for (let t = 0; t < 3; t++) await calm();
    expect([...out.truncated]).toEqual([1, 1, 1, 1]);
    expect(childHosts()).toHaveLength(1);
    expect(childHosts()).not.toContain(host);
  });

  it("does not leave the others running when one cannot be started", async () => {
    const served = servedEnvironment(`python:${games}:Troubled`, { trouble: "make" });
    const opening = served.vectorize(4, { envThreads: 0, simulators: { ...simulators, hosts: 3 } });
    await expect(opening).rejects.toMatchObject({ code: "environment", message: expect.stringMatching(/no simulator here/) });
  });

  it("can be closed while it is being replaced", async () => {
    const { env, begin, strike } = await troubled("die", { backoffSeconds: 100 });
    await begin();
    expect(await caught(strike())).toBeInstanceOf(LostEpisodes);
    const beginning = caught(begin());
    await env.close?.();
    expect(await beginning).toBeInstanceOf(Error);
  });
});

describe("a host that sends garbage", () => {
  it("is replaced", async () => {
    const spec = { id: "game", agents: 1, actions: 1, episodeLimit: 9, observationSize: 1 };
    const one = (data: Float32Array | Uint8Array) => ({ shape: [1], data });
    let started = 0;
    const start = async () => {
      const mine = ++started;
      return fakeHost(({ kind, fields: { id } }) => {
        if (kind === "hello") return encodeMessage("welcome", { id, copies: 1, spec, fields: ["observations"] });
        if (kind === "step" && mine === 1) return new Uint8Array(40).fill(7);
        const outcome = {
          reward: one(new Float32Array(1)),
          terminated: one(new Uint8Array(1)),
          truncated: one(new Uint8Array(1)),
        };
        return encodeMessage("timestep", { id, infos: [{}] }, { observations: one(new Float32Array(1)), ...outcome });
      });
    };
    const hosts = [await start(), await start()];
    const launched = [...hosts];
    const launch = () => ({ endpoint: launched.shift()!.endpoint, ended: new Promise<never>(() => {}), close: async () => {} });
    const host = await SupervisedHost.start({ id: "game", launch, copies: 1 }, simulators, (w) => warnings.push(w));
    opened.push(host, ...hosts);
    const { begin, calm } = playing(host.groups[0]!);
    await begin();
    expect(await caught(calm())).toBeInstanceOf(LostEpisodes);
    expect(warnings[0]).toMatch(/a peer sent something that is no bridge message/);
    await begin();
    await calm();
  });
});

describe.skipIf(!python)("baton envs check python:…", () => {
  const check = (location: string, ...options: string[]) => {
    const root = fileURLToPath(new URL("../..", import.meta.url));
    const command = ["--import", "tsx", "src/cli/main.ts", "envs", "check", location, ...options];
    try {
      return execFileSync(process.execPath, command, {
        cwd: root,
        env: { ...process.env, BATON_PYTHON: python! },
        encoding: "utf8",
      });
    } catch (error) {
      return (error as { stdout: string }).stdout;
    }
  };

  it("judges the example in sentences", () => {
    const report = check("python:experiments/examples/my_env.py:Corridor", "--set", "env.length=3");
    expect(report).toContain("python:experiments/examples/my_env.py:Corridor keeps the contract.");
    expect(report).toMatch(/pass {2}deterministic {2}The same seed and actions give the same episode in another copy/);
  });

  it("says where an environment fails, with the traceback", () => {
    const report = check(`python:${games}:Troubled`, "--set", "env.trouble=raise");
    expect(report).toMatch(/FAIL {2}plays .*ValueError: the lights went out\nTraceback/);
    expect(report.match(/Traceback/g)).toHaveLength(1);
  });
});
