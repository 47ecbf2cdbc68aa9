import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { readClientKeys, readHostKeys } from "../bridge/keys.js";
import { simulatorsCommand } from "./simulators.js";

let folder: string;
let printed: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "baton-cli-"));
  vi.stubEnv("XDG_STATE_HOME", folder);
  printed = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += String(text);
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** What the command prints. */
async function simulators(...parameters: string[]): Promise<string> {
  await simulatorsCommand().parseAsync(parameters, { from: "user" });
  return printed;
}

const refused = (...parameters: string[]) => expect(simulators(...parameters)).rejects;

describe("baton simulators", () => {
  it("makes keys that belong together and says what each is for", async () => {
    const keys = join(folder, "keys");
    expect(await simulators("keys", keys)).toContain(`${join(keys, "host.json")}    for the machine of the simulators`);
    const client = readClientKeys(join(keys, "client.json"));
    expect(readHostKeys(join(keys, "host.json")).clients).toEqual([client.publicKey]);
    expect(printed).not.toContain(client.secretKey);
    await refused("keys", keys).toMatchObject({ code: "io", hint: "choose another folder, or delete them first" });
  });

  it("has nothing to show or to end at first", async () => {
    expect(await simulators("status")).toBe('no hosts have been started here; "baton simulators up" does\n');
    printed = "";
    expect(JSON.parse(await simulators("status", "--json"))).toEqual([]);
    await refused("down", "nobody").toMatchObject({ code: "unknown-name", message: 'unknown host "nobody"' });
  });

  it("refuses what cannot be started, and leaves nothing", async () => {
    const env = ["--env", "python:my_env:Env"];
    await refused("up", "--env", "skirmish/3m").toMatchObject({ code: "invalid-value", hint: "baton train --env skirmish/3m" });
    await refused("up", ...env, "--bind", "0.0.0.0").toMatchObject({ hint: expect.stringContaining("baton simulators keys") });
    await refused("up", ...env, "--bind", "no address").toMatchObject({ code: "invalid-value" });
    await refused("up", ...env, "--launch", "connect").toThrow("--launch is connect");
    await refused("up", ...env, "--launch", "moon").toThrow('simulators.launch is "moon"');
    await refused("up", ...env, "--copies", "0").toThrow("--copies");
    await refused("up", ...env, "--keys", join(folder, "none.json")).toMatchObject({ code: "io" });
    await refused("up", ...env, "--set", "agent.name=ace").toThrow("--set agent has no meaning here");
    await refused("up", ...env, "--set", "env=3").toThrow("--set env has no meaning here");
    await refused("up", ...env, "--set", "simulators=3").toThrow("--set simulators has no meaning here");
    await refused("up", ...env, "--set", "simulators.hosts=4").toMatchObject({ hint: "give --hosts" });
    expect(readdirSync(folder)).toEqual([]);
  });
});
