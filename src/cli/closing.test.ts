/** What benchmarks open is closed, also where a step fails. */
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { VectorEnvironment } from "../environment.js";
import { LostEpisodes } from "../environments/lost.js";
import type { OpenedEnvironment } from "../environments/opened.js";
import { benchCommand } from "./bench.js";
import { closingAfter } from "./closing.js";

let [opened, closed] = [0, 0];
beforeEach(() => {
  [opened, closed] = [0, 0];
});

/** The same environment, but every step of it fails. */
function broken(found: OpenedEnvironment): OpenedEnvironment {
  const vectorize: OpenedEnvironment["vectorize"] = async (...given) => {
    const whole = await found.vectorize(...given);
    opened += 1;
    return {
      spec: whole.spec,
      copies: whole.copies,
      reset: whole.reset.bind(whole),
      step: () => Promise.reject(new Error("it broke")),
      close: async () => {
        closed += 1;
        await whole.close?.();
      },
    } satisfies VectorEnvironment;
  };
  return { ...found, vectorize };
}

vi.mock("./arguments.js", async (load) => {
  const real = await load<typeof import("./arguments.js")>();
  const openFromCommandLine: typeof real.openFromCommandLine = async (...given) => {
    const found = await real.openFromCommandLine(...given);
    return { ...found, opened: broken(found.opened) };
  };
  return { ...real, openFromCommandLine };
});

vi.mock("../training/experiment.js", async (load) => {
  const real = await load<typeof import("../training/experiment.js")>();
  const resolveExperiment: typeof real.resolveExperiment = async (layer) => {
    const experiment = await real.resolveExperiment(layer);
    return { ...experiment, environment: broken(experiment.environment) };
  };
  return { ...real, resolveExperiment };
});

it.each([
  ["env", ["skirmish/3m", "--copies", "2", "--env-threads", "1"], 3],
  ["policies", ["skirmish/3m", "--policy", "flee", "--episodes", "2"], 1],
  ["learner", ["--preset", "ace/3m", "--device", "js"], 1],
])("baton bench %s closes its environments when a step fails", async (name, given, count) => {
  await expect(benchCommand().parseAsync([name, ...given], { from: "user" })).rejects.toThrow("it broke");
  expect([opened, closed]).toEqual([count, count]);
});

describe("closingAfter", () => {
  const closable = (error?: Error) => ({ close: vi.fn(async () => (error ? Promise.reject(error) : undefined)) });

  it("gives the result, and tells what could not be closed", async () => {
    const [good, bad] = [closable(), closable(new Error("stuck"))];
    expect(await closingAfter(async (keep) => keep(good) === good)).toBe(true);
    await expect(closingAfter(async (keep) => [keep(bad), keep(good)])).rejects.toThrow("stuck");
    expect(good.close).toHaveBeenCalledTimes(2);
  });

  it("tells of the mistake and not of what became of it", async () => {
    const [good, bad] = [closable(), closable(new LostEpisodes("stuck"))];
    const use = closingAfter(async (keep) => {
      keep(bad);
      keep(good);
      throw new Error("the mistake");
    });
    await expect(use).rejects.toThrow("the mistake");
    expect([good.close, bad.close].map(({ mock }) => mock.calls.length)).toEqual([1, 1]);
  });
});
