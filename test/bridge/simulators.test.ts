import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openEnvironment } from "../../envs/index.js";
import { defaultSimulators } from "../../src/bridge/settings.js";
import { checkRemoteEnvironment } from "../../src/environments/check.js";
import { findPython } from "./python.js";

const python = findPython();
const resources = { envThreads: 0, simulators: defaultSimulators };

// The adapters themselves are tested in envs/python/tests; here a family goes all the way, with a stand-in for its package.
describe.skipIf(!python)("families that hosts serve", () => {
  beforeEach(() => {
    vi.stubEnv("BATON_PYTHON", python!);
    vi.stubEnv("PYTHONPATH", fileURLToPath(new URL("./simulators", import.meta.url)));
  });
  afterEach(() => vi.unstubAllEnvs());

  it("keep the contract", async () => {
    const opened = await openEnvironment("pettingzoo/simple_spread_v3", { arguments: { max_cycles: 6 } });
    const report = await checkRemoteEnvironment(() => opened.vectorize(1, resources), { episodes: 2, seed: 0 });
    expect(report.checks.filter(({ passed }) => !passed)).toEqual([]);
    expect(report.id).toBe("pettingzoo/simple_spread_v3");
    expect((await opened.spec(resources)).episodeLimit).toBe(6);
  });

  it("say which package is missing and how to get it", async () => {
    const opened = await openEnvironment("smaclite/3m");
    await expect(opened.spec(resources)).rejects.toMatchObject({
      code: "missing-dependency",
      message: expect.stringContaining('the Python package "smaclite" is not installed'),
      hint: expect.stringContaining("pip install git+https://github.com/uoe-agents/smaclite.git"),
    });
  });
});
