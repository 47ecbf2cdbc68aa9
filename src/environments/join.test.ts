import { expect, it } from "vitest";
import type { EnvironmentSpecInput, VectorEnvironment } from "../environment.js";
import { joinEnvironments } from "./join.js";
import { LostEpisodes } from "./lost.js";
import { allocateVectorTimeStep } from "./timestep.js";
import { vectorize } from "./vectorize.js";

const spec: EnvironmentSpecInput = { id: "none", agents: 1, actions: 2, observationSize: 1, episodeLimit: 5 };

/** One copy whose steps fail with `error`. */
function failing(error: unknown): VectorEnvironment {
  const one = vectorize(() => ({ spec, reset() {}, step() {} }), 1);
  return { spec: one.spec, copies: 1, reset: one.reset.bind(one), step: () => Promise.reject(error) };
}

it("tells of the mistake and not of what became of it elsewhere", async () => {
  const real = new Error("the disk is full");
  const aborted = new AbortController();
  aborted.abort();
  const groups = [new LostEpisodes("it broke"), aborted.signal.reason, real, new Error("a later one")].map(failing);
  const joined = joinEnvironments(groups, async () => {});
  const out = allocateVectorTimeStep(joined.spec, joined.copies);
  await expect(joined.step(new Int32Array(4), out)).rejects.toBe(real);
  const lost = joinEnvironments(groups.slice(0, 2), async () => {});
  await expect(lost.step(new Int32Array(2), allocateVectorTimeStep(lost.spec, 2))).rejects.toThrow(LostEpisodes);
});

it.each([-1, 2, 0.5, Number.NaN])("has no copy %d of two", async (copy) => {
  const two = [0, 1].map(() => vectorize(() => ({ spec, reset() {}, step() {} }), 1));
  const joined = joinEnvironments(two, async () => {});
  const out = allocateVectorTimeStep(joined.spec, joined.copies);
  await expect(joined.reset([0, copy], [1, 2], out)).rejects.toThrow(`there is no copy ${copy} of none, only 0 … 1`);
});
