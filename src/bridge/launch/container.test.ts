import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { makeKeys } from "../keys.js";
import { defaultSimulators } from "../settings.js";
import { containerArguments, explainEnd, keysEnvironment } from "./container.js";
import { ownerLives, processLives, startOf, thisOwner } from "./engine.js";
import { buildCommand, defaultImage } from "./images.js";
import { launcherOf } from "./index.js";

const settings = { image: null, network: "ports", memory: null, cpus: null } as const;
const place = {
  name: "baton-1-a",
  image: "baton-python",
  bind: "127.0.0.1",
  port: 21_000,
  options: ["--rm"],
  hostOptions: ["--with-parent"],
};
const request = { environment: "smac:3m", copies: 4, options: { difficulty: "7" } };

describe("a container's command", () => {
  it("publishes one port on loopback, or shares the network", () => {
    const host = ["--env", "smac:3m", "--copies", "4", "--options", '{"difficulty":"7"}'];
    expect(containerArguments(settings, request, place)).toEqual([
      ...["run", "--pull=never", "--name", "baton-1-a", "--rm", "--publish", "127.0.0.1:21000:5555", "--env", "BATON_HOST_KEYS"],
      ...["baton-python", ...host, "--bind", "tcp://0.0.0.0:5555", "--with-parent"],
    ]);
    const shared = containerArguments({ ...settings, network: "host" }, request, place);
    expect(shared).toEqual(expect.arrayContaining(["--network", "host", "tcp://127.0.0.1:21000"]));
    expect(shared).not.toContain("--publish");
  });

  it("limits memory and cores where that is asked for", () => {
    const limited = containerArguments({ ...settings, memory: "4g", cpus: 1.5 }, request, place).join(" ");
    expect(limited).toContain("--memory 4g --cpus 1.5");
  });

  it("shows the working folder to classes of the user's own, and to them only", () => {
    const mounts = (environment: string) => containerArguments(settings, { ...request, environment }, place).join(" ");
    for (const adapter of ["smac:3m", "football:academy", "smaclite:3m", "gymnasium:CartPole-v1", "pettingzoo:mpe2.simple_v3"]) {
      expect(mounts(adapter)).not.toContain("--mount");
    }
    const own = `--mount type=bind,source=${process.cwd()},target=/work,readonly --workdir /work`;
    expect(mounts("my_module:Env")).toContain(`${own} baton-python --env my_module:Env `);
    expect(mounts(`${process.cwd()}/envs/my.py:Env`)).toContain(`${own} baton-python --env envs/my.py:Env `);
    expect(() => mounts("../my.py:Env")).toThrow("lies outside the working folder");
  });

  it("shows a working folder with a colon in its path, and refuses one with a comma", () => {
    const cwd = vi.spyOn(process, "cwd");
    onTestFinished(() => cwd.mockRestore());
    const own = () => containerArguments(settings, { ...request, environment: "my_module:Env" }, place);
    cwd.mockReturnValue("/runs/12:30");
    expect(own()).toContain("type=bind,source=/runs/12:30,target=/work,readonly");
    cwd.mockReturnValue("/runs/a,b");
    expect(own).toThrow("containers cannot be shown the working folder /runs/a,b, for its path has a comma or quote");
  });

  it("keeps its keys out of every list of processes", () => {
    const { host } = makeKeys();
    expect(keysEnvironment(host).BATON_HOST_KEYS).toContain(host.secretKey);
    expect(containerArguments(settings, request, place).join(" ")).not.toContain(host.secretKey);
  });

  it("takes Baton's image for the environment, and tells how it is built", () => {
    const environments = ["smac:3m", "football:academy_3_vs_1_with_keeper", "my_module:Env", "smaclite:3m"];
    expect(environments.map(defaultImage)).toEqual(["baton-smac", "baton-football", "baton-python", "baton-python"]);
    expect(buildCommand("podman", "baton-smac")).toMatch(
      /^podman build -t baton-python -f \S+envs\/python\/Containerfile \S+ && podman build -t baton-smac -f \S+envs\/smac\/Containerfile \S+$/,
    );
    expect(buildCommand("docker", "theirs")).toContain("never pulls images");
  });

  it.each([
    [125, "Error: baton-smac: image not known", "missing-dependency", "podman build"],
    [125, "Error response: No such image: baton-smac:latest", "missing-dependency", "podman build"],
    [126, "Error: crun: setrlimit `RLIMIT_NOFILE`: Operation not permitted", "io", "containers.conf"],
    [125, "Error: something else", "io", undefined],
    [137, "", "io", "raise simulators.memory"],
  ])("explains its end with %i: %s", (code, tail, kind, hint) => {
    const error = explainEnd("podman", "baton-smac", { ...settings, memory: "1g" }, { code, tail });
    expect(error?.code).toBe(kind);
    if (hint === undefined) expect(error?.hint).toBeUndefined();
    else expect(error?.hint).toContain(hint);
  });

  it("leaves what a host says itself to the host", () => {
    expect(
      explainEnd("podman", "baton-smac", settings, { code: 1, tail: "baton_host: unknown-name: no such map" }),
    ).toBeUndefined();
  });

  it("is not tried where the engine is missing", async () => {
    const path = process.env.PATH;
    process.env.PATH = "/nowhere";
    try {
      const host = launcherOf({ ...defaultSimulators, launch: "docker" }).launch(request);
      expect(await host.ended).toMatchObject({ code: "missing-dependency", message: 'the command "docker" was not found' });
    } finally {
      process.env.PATH = path;
    }
  });
});

describe.skipIf(process.platform !== "linux")("the owner of a container", () => {
  it("is a process and not just its number", () => {
    const start = startOf(process.pid)!;
    expect(processLives(process.pid, start)).toBe(true);
    expect(processLives(process.pid, `${Number(start) - 1}`)).toBe(false);
    expect(ownerLives(thisOwner())).toBe(true);
    expect(["", "x.1", `${2 ** 31 - 1}.1`, "-1.1", "0."].map(ownerLives)).toEqual([false, false, false, false, false]);
  });

  it("has ended even while nobody has taken notice", async () => {
    // By the time that its child ends, the shell has become a program that never asks for it: a zombie stays.
    const shell = spawn("sh", ["-c", "sleep 0.5 & echo $!; exec sleep 60"], { stdio: ["ignore", "pipe", "ignore"] });
    const [line] = (await once(shell.stdout, "data")) as [Buffer];
    const pid = Number(line.toString());
    expect(processLives(pid, "")).toBe(true);
    await vi.waitFor(() => expect(processLives(pid, "")).toBe(false), { timeout: 20_000, interval: 20 });
    expect(readFileSync(`/proc/${pid}/stat`, "utf8")).toContain(" Z ");
    shell.kill("SIGKILL");
  });
});
