import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mistake } from "../../test/mistake.js";
import { loadCheckpoint, RunFolder, readMetrics } from "../runs/index.js";
import { openDevice } from "../tensor/devices.js";
import { type HostArray, type HostTree, leavesOf } from "../tensor/tree.js";
import { Evaluator } from "./evaluator.js";
import { type Experiment, resolveExperiment } from "./experiment.js";
import { beginRun, trainRun } from "./session.js";
import { elsewhere, policyOf } from "./transfer.js";

const root = mkdtempSync(join(tmpdir(), "baton-transfer-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const layerOf = (env: string, agent: object = {}, more: object = {}) => ({
  settings: {
    env: { id: env },
    agent: { name: "ace", hidden: 8, batchSize: 8, ...agent },
    training: { environmentSteps: 160, copies: 4, warmupSteps: 80, replayCapacity: 400 },
    evaluation: { everySteps: 160, episodes: 2 },
    ...more,
  },
  origin: () => undefined,
});
const experimentOf = (...args: Parameters<typeof layerOf>): Promise<Experiment> => resolveExperiment(layerOf(...args));

const trained = join(root, "trained");
const device = () => openDevice("cpu", { threads: 1 });
beforeAll(async () => {
  const experiment = await experimentOf("skirmish/3m");
  await trainRun(beginRun(trained, experiment), experiment, await device());
});

describe("weights elsewhere", () => {
  it("act on a map with other numbers of agents and entities", async () => {
    const experiment = await resolveExperiment(elsewhere(layerOf("skirmish/3m"), "skirmish/5m_vs_6m"));
    const { policy } = await policyOf(trained, experiment);
    const environment = await experiment.environment.vectorize(2, experiment.config);
    const evaluator = await Evaluator.create({ device: await device(), environment, agent: experiment.agent, policy });
    const { episodes } = await evaluator.evaluate(policy, { episodes: 2, seed: 1 });
    expect(episodes.map(({ length }) => length).every((length) => length > 3)).toBe(true);
    evaluator.dispose();
  });

  it("are where another run starts", async () => {
    const experiment = await experimentOf("skirmish/8m", {}, { initial: trained, training: { environmentSteps: 8, copies: 8 } });
    const path = join(root, "warm");
    await trainRun(beginRun(path, experiment), experiment, await device());
    const flat = (run: string) =>
      leavesOf<HostArray>(loadCheckpoint(RunFolder.open(run), "best").state).map(({ path: name, leaf }) => [
        name,
        [...leaf.data],
      ]);
    expect(flat(path)).toEqual(flat(trained)); // no update yet
    const curve = readMetrics(RunFolder.open(path));
    expect(curve.map(({ environmentSteps }) => environmentSteps)).toEqual([0, 8]); // what they are worth as they come counts, too
  });

  it("are not put into a run that has learnt already", async () => {
    const path = join(root, "learnt");
    const begun = await experimentOf("skirmish/8m", {}, { training: { environmentSteps: 8, copies: 8 } });
    const run = beginRun(path, begun);
    await trainRun(run, begun, await device());
    const other = await experimentOf("skirmish/8m", {}, { initial: trained, training: { environmentSteps: 16, copies: 8 } });
    const said = await mistake(trainRun(run, other, await device()));
    expect(said).toContain(`has not started from another run and learnt since, so --init ${trained} would change nothing`);
    expect(run.readConfig()).not.toContain(trained);
  });

  it("know other types of units by their names, and take new ones for those they know", async () => {
    const rowsOf = (policy: HostTree) => {
      const { data, shape } = (policy as { encoder: { state: { hidden: { w: HostArray } } } }).encoder.state.hidden.w;
      return Array.from({ length: shape[0]! }, (_, k) => [...data.subarray(k * shape[1]!, (k + 1) * shape[1]!)]);
    };
    const before = rowsOf((await policyOf(trained, await experimentOf("skirmish/3m"))).policy);
    const { policy } = await policyOf(trained, await experimentOf("skirmish/MMM"));
    const after = rowsOf(policy);
    const marine = before[1]; // marauder, marine and medivac have columns 1 to 3 there
    expect(after).toEqual([before[0], marine, marine, marine, ...before.slice(2)]);
  });

  it("that do not fit are refused, with the reason", async () => {
    const refused = async (...args: Parameters<typeof layerOf>) => policyOf(trained, await experimentOf(...args));
    await expect(refused("skirmish/MMM", { hidden: 16 })).rejects.toThrow(
      '"encoder/state/hidden/w" is [35,8] instead of [35,16]',
    );
    await expect(refused("matrix/spiders-and-fly")).rejects.toThrow(/features per entity: 33 there, \d+ here/);
    await expect(refused("matrix/climbing")).rejects.toThrow("actions without a target");
    await expect(refused("skirmish/8m", { hidden: 16 })).rejects.toThrow('"encoder/state/hidden/w" is [33,8] instead of [33,16]');
    await expect(refused("skirmish/8m", { encoder: "transformer" })).rejects.toThrow('they have no "encoder/token/w"');
    await expect(policyOf(join(root, "nothing"), await experimentOf("skirmish/8m"))).rejects.toThrow("is not a run folder");
  });

  it("keep the options of the environment within a family only", () => {
    const layer = { settings: { env: { id: "skirmish/3m", step_mul: 4 } }, origin: () => undefined };
    expect(elsewhere(layer, "skirmish/8m").settings.env).toEqual({ id: "skirmish/8m", step_mul: 4 });
    expect(elsewhere(layer, "matrix/climbing").settings.env).toEqual({ id: "matrix/climbing" });
  });
});
