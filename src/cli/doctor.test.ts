import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { canTrain, diagnosis, doctorCommand } from "./doctor.js";
import {
  compareVersions,
  probeAllDevices,
  probeContainers,
  probeNode,
  probePackages,
  probePython,
  probeStarCraft,
  runProgram,
} from "./doctor-probes.js";

const folder = mkdtempSync(join(tmpdir(), "baton-doctor-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("probes", () => {
  it("compare Node with what package.json asks for", () => {
    expect(probeNode()[0]).toMatchObject({ works: true, required: true, mend: "" });
    expect(probeNode("18.19.0")[0]).toMatchObject({ works: false, mend: expect.stringContaining("https://nodejs.org") });
    expect(compareVersions("20.9.1", "20.12")).toBeLessThan(0);
    expect([compareVersions("22.0.0", "20.12"), compareVersions("20.12.0", "20.12")]).toEqual([2, 0]);
  });

  it("load packages, and say how to get those that are not there", async () => {
    const [yaml, missing] = await probePackages([
      { name: "yaml", required: true },
      { name: "no-such-package-of-baton", required: false },
    ]);
    expect(yaml).toMatchObject({ works: true, detail: expect.stringMatching(/^\d+\.\d+\.\d+$/), mend: "" });
    expect(missing).toMatchObject({ works: false, detail: "not installed", mend: "npm install no-such-package-of-baton" });
  });

  it("need one device of several", async () => {
    const report = (works: boolean) => ({
      name: "cpu" as const,
      works,
      detail: "ONNX Runtime",
      hint: works ? undefined : "do this",
    });
    const some = await probeAllDevices(async () => [report(true), report(false)]);
    expect(some.map(({ works, required, mend }) => [works, required, mend])).toEqual([
      [true, false, ""],
      [false, false, "do this"],
    ]);
    const none = await probeAllDevices(async () => [report(false)]);
    expect([canTrain(some), canTrain(none)]).toEqual([true, false]);
  });

  it("ask Python for modules", async () => {
    const output = JSON.stringify({ version: "3.11.2", found: { numpy: "1.24.2", zmq: "" } });
    const found = await probePython(async () => ({ ok: true, output }));
    const of = (name: string) => found.find((finding) => finding.name === name);
    expect(of("Python 3")).toMatchObject({ works: true, detail: "3.11.2" });
    expect(of("numpy")).toMatchObject({ works: true, detail: "1.24.2" });
    expect(of("zmq")).toMatchObject({ works: true, detail: "installed" });
    expect(of("torch")).toMatchObject({
      works: false,
      detail: "not installed",
      mend: expect.stringContaining("pip install torch"),
    });
    expect(of("SMAClite")).toMatchObject({ area: "simulators", works: false });
    const without = await probePython(async () => undefined);
    expect(without.map(({ works }) => works)).not.toContain(true);
    expect(without.find(({ name }) => name === "numpy")?.detail).toBe("needs Python");
  });

  it("find Python's answer among what else it prints, and say so when there is none", async () => {
    const answer = JSON.stringify({ version: "3.11.2", found: { numpy: "1.24.2" } });
    const output = `Welcome to the cluster\n{"quota": 3}\n${answer}\nWarning: the disk is nearly full`;
    const [python, ...others] = await probePython(async () => ({ ok: true, output }));
    expect(python).toMatchObject({ works: true, detail: "3.11.2", mend: "" });
    expect(others.find(({ name }) => name === "numpy")).toMatchObject({ works: true, detail: "1.24.2" });
    const without = async (text: string) => (await probePython(async () => ({ ok: true, output: text })))[0]!;
    expect(await without("Welcome\nto the cluster")).toMatchObject({
      works: false,
      detail: 'runs, but does not answer as asked: "Welcome"',
      mend: expect.stringContaining("python3 -c 'print(1)'"),
    });
    expect(await without("")).toMatchObject({ works: false, detail: "runs, but answers nothing" });
  });

  it("ask a Python that is there in words that it understands", async () => {
    const asked = await probePython();
    const python = await runProgram("python3", ["--version"]);
    expect(asked[0]?.works).toBe(python?.ok === true);
  });

  it("look for StarCraft II where its own tools do", () => {
    mkdirSync(join(folder, "StarCraftII", "Versions"), { recursive: true });
    expect(probeStarCraft({}, folder)[0]).toMatchObject({ works: true, mend: "" });
    expect(probeStarCraft({ SC2PATH: folder }, folder)[0]).toMatchObject({
      works: false,
      detail: `SC2PATH has no Versions folder: ${folder}`,
      mend: expect.stringContaining("export SC2PATH="),
    });
    expect(probeStarCraft({}, join(folder, "nobody"))[0]?.detail).toBe("not installed, SC2PATH is not set");
  });

  it("tell a missing container engine from one that does not answer", async () => {
    const found = await probeContainers(async (command) => (command === "docker" ? { ok: false, output: "" } : undefined));
    expect(found.map(({ name, detail, mend }) => [name, detail, mend])).toEqual([
      ["podman", "not installed", "apt-get install podman"],
      ["docker", "installed, but its service does not answer", "systemctl start docker"],
    ]);
    expect((await probeContainers(async () => ({ ok: true, output: "4.3.1" }))).every(({ works }) => works)).toBe(true);
  });

  it("run programs, and do without those that are not there", async () => {
    expect(await runProgram(process.execPath, ["-p", "6 * 7"])).toEqual({ ok: true, output: "42" });
    expect(await runProgram(process.execPath, ["-e", "process.exit(3)"])).toEqual({ ok: false, output: "" });
    expect(await runProgram("no-such-program-of-baton", [])).toBeUndefined();
  });
});

describe("diagnosis", () => {
  it("says works or missing, with the command that mends it, by area", () => {
    const lines = diagnosis([...probeNode("18.0.0"), ...probeStarCraft({}, folder)]).map(stripVTControlCharacters);
    expect(lines).toEqual([
      "Node",
      expect.stringMatching(/^ {2}missing {2}Node {10}18\.0\.0 \(>=20\.12 is needed\) {2}→ install Node 20\.12 or newer/),
      "",
      "Simulators (the embedded ones need nothing)",
      `  works    StarCraft II  ${join(folder, "StarCraftII")}`,
      "",
      "Baton cannot train here before what is marked missing above is mended.",
    ]);
  });

  it("is a command of its own", () => {
    expect(doctorCommand().options.map(({ long }) => long)).toEqual(["--json"]);
  });
});
