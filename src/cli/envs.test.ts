import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { BatonError } from "../errors.js";
import { benchCommand } from "./bench.js";
import { envsCommand } from "./envs.js";

const folder = mkdtempSync(join(tmpdir(), "baton-cli-"));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  process.exitCode = undefined;
  vi.restoreAllMocks();
});

/** Runs a command and returns what it printed. */
async function run(command: Command, ...args: string[]): Promise<string> {
  let printed = "";
  const spy = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += text;
    return true;
  });
  try {
    await command.parseAsync(args, { from: "user" });
  } finally {
    spy.mockRestore();
  }
  return printed;
}

describe("baton envs list", () => {
  it("shows every environment with its sizes", async () => {
    const lines = (await run(envsCommand(), "list")).split("\n");
    expect(lines[0]).toMatch(/^id +n +N +A +S +R +obs +state +limit$/);
    expect(lines).toContainEqual(expect.stringMatching(/^matrix\/spiders-and-fly +2 +3 +6 +11 +3 +33 +33 +20$/));
  });

  it("says what simulators outside need, without looking for them", async () => {
    expect(await run(envsCommand(), "list")).toMatch(/^smaclite\/3m +Python with smaclite$/m);
    const list = JSON.parse(await run(envsCommand(), "list", "--json")) as { id: string }[];
    expect(list.find(({ id }) => id === "football/5_vs_5")).toEqual({
      id: "football/5_vs_5",
      needs: "Python with gfootball",
      summary: expect.stringContaining("Football"),
    });
  });

  it("prints the same as JSON", async () => {
    const list = JSON.parse(await run(envsCommand(), "list", "--json")) as { id: string }[];
    expect(list.find(({ id }) => id === "matrix/climbing")).toEqual({
      id: "matrix/climbing",
      agents: 2,
      entities: 2,
      actions: 3,
      entityFeatures: 2,
      relationFeatures: 0,
      observationSize: 2,
      stateSize: 4,
      episodeLimit: 1,
      summary: expect.stringContaining("known optimum"),
    });
  });
});

describe("baton envs check", () => {
  it("passes a good environment in sentences", async () => {
    const printed = await run(envsCommand(), "check", "matrix/spiders-and-fly", "--set", "env.size=3", "--episodes", "2");
    expect(printed).toContain("Every episode ends by its limit.");
    expect(printed).toContain("[2 episodes of ");
    expect(printed).toContain("matrix/spiders-and-fly keeps the contract.");
    expect(process.exitCode).toBeUndefined();
  });

  it("plugs in a file, and exits with 1 when it breaks the contract", async () => {
    const path = join(folder, "endless.mjs");
    writeFileSync(
      path,
      `export default () => ({ spec: { id: "endless", agents: 1, actions: 1, observationSize: 1, episodeLimit: 2 }, reset() {}, step() {} });`,
    );
    const printed = await run(envsCommand(), "check", path);
    expect(printed).toMatch(/FAIL.* ending .*\[the episode goes on after step 2, its limit\]/);
    expect(printed).toContain("endless fails 1 of ");
    expect(process.exitCode).toBe(1);
    const report = JSON.parse(await run(envsCommand(), "check", path, "--json")) as {
      passed: boolean;
      checks: { passed: boolean }[];
    };
    expect([report.passed, report.checks.filter((check) => !check.passed).length]).toEqual([false, 1]);
  });

  it.each([
    [["check", "matrix/climbing", "--episodes", "0"], '--episodes is "0", but must be a whole number from 1 to 1000000'],
    [["check", "matrix/climbing", "--seed", "x"], '--seed is "x", but must be a whole number of at least 0'],
    [["check", "matrix/climbng"], 'unknown environment "matrix/climbng"'],
    [["check", "matrix/climbing", "--set", "env.sise=3"], 'unknown key "env.sise" (value 3)'],
    [["check", "matrix/climbing", "--set", "agent.x=3"], "--set agent has no meaning here"],
  ])("refuses %j in a sentence", async (args, message) => {
    const error: unknown = await run(envsCommand(), ...args).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BatonError);
    expect((error as BatonError).message).toBe(message);
  });
});

describe("baton bench env", () => {
  const quick = ["env", "matrix/spiders-and-fly", "--rounds", "1", "--seconds", "0.002"];

  it("reports one copy and several in the schema of all benches", async () => {
    const report = JSON.parse(await run(benchCommand(), ...quick, "--copies", "4", "--json")) as Record<string, unknown>;
    expect(report).toEqual({
      machine: {
        cpu: expect.any(String),
        cores: expect.any(Number),
        node: process.version,
        platform: expect.any(String),
        load: expect.any(Number),
      },
      rows: ["1 copy", "4 copies"].flatMap((copies) =>
        ["env steps/s", "env steps/CPU s"].map((unit) => ({
          name: `matrix/spiders-and-fly, ${copies}`,
          unit,
          value: expect.any(Number),
        })),
      ),
    });
    expect((report.rows as { value: number }[]).every(({ value }) => value > 0)).toBe(true);
  });

  it("prints a table", async () => {
    const lines = (await run(benchCommand(), ...quick, "--copies", "1")).trim().split("\n");
    expect(lines[0]).toMatch(/^what +value +unit$/);
    expect(lines[2]).toMatch(/^matrix\/spiders-and-fly, 1 copy +[\d ]+ +env steps\/s$/);
    expect(lines.at(-1)).toContain(process.version);
  });

  it("refuses a round of no length", async () => {
    await expect(run(benchCommand(), ...quick, "--seconds", "0")).rejects.toThrow(
      '--seconds is "0", but must be a number above 0',
    );
  });
});
