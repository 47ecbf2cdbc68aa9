/** `baton record` of an environment in Python. */
import { join } from "node:path";
import { expect, it } from "vitest";
import { openEnvironment } from "../../envs/index.js";
import { simulatorSettings } from "../../src/bridge/settings.js";
import { openDevice } from "../../src/tensor/devices.js";
import { parsePolicy } from "../../src/trajectory/policies.js";
import { parseFields, record } from "../../src/trajectory/record.js";
import { Recording } from "../../src/trajectory/recording.js";
import { temporaryFolder } from "../temporary-folder.js";
import { findPython } from "./python.js";

const python = findPython();

it.skipIf(!python)("is the same from one host and from two", async () => {
  process.env.BATON_PYTHON = python;
  const folder = temporaryFolder();
  const opened = await openEnvironment("python:experiments/examples/my_env.py:Corridor", { length: 3 });
  const recorded = async (hosts: number) => {
    const path = join(folder, `hosts-${hosts}`);
    const resources = { envThreads: 0, simulators: simulatorSettings.parse({ hosts }) };
    const parts = { opened, resources, path, policies: [parsePolicy("random")], checkpoint: "best" as const, seed: 2, copies: 4 };
    const fields = parseFields("entities,alive,observations");
    await record({ ...parts, episodes: 9, fields, device: () => openDevice("js") });
    const recording = Recording.open(path);
    const rows = recording.episodes.map(({ segment: _, ...facts }, k) => ({
      facts,
      columns: recording.columns.map((_column, c) => [...recording.read(recording.episodes[k]!, c, 0, facts.rows)]),
    }));
    recording.close();
    return rows;
  };
  const [one, two] = [await recorded(1), await recorded(2)];
  expect(one).toHaveLength(9);
  // each agent is an entity whose features are what it observes
  const [entities, , observations] = one[0]!.columns;
  expect(entities).toEqual(observations);
  expect(two).toEqual(one);
});
