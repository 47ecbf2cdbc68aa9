import { describe, expect, it } from "vitest";
import { listEnvironments } from "../../envs/index.js";
import { replayBytes } from "../replay/index.js";
import { resolveExperiment } from "./experiment.js";
import { presetLayer, presetNames } from "./presets.js";

const members = listEnvironments().map(({ id }) => id);
/** SMAC's maps, the first of the family; SMACv2's scenarios have no preset of their own. */
const maps = members.filter((id) => id.startsWith("skirmish/") && !/_\d+_vs_\d+$/.test(id)).map((id) => id.split("/")[1]!);

describe("presets of ACE", () => {
  it("there is one for every map of SMAC", () => {
    expect(maps.length).toBe(23);
    for (const map of maps) expect(presetNames()).toContain(`ace/${map}`);
  });

  it.each(presetNames().filter((name) => name.startsWith("ace/")))("%s is valid and its replay fits 8 GiB", async (name) => {
    const { config, spec, agent } = await resolveExperiment(presetLayer(name));
    expect(config.env.id).toBe(`skirmish/${name.split("/").at(-1)}`);
    if (name.startsWith("ace/paper/")) return; // the authors' 300 000 transitions are for larger machines
    expect(replayBytes(spec, agent.transition.fields, config.training.replayCapacity)).toBeLessThan(8 * 2 ** 30);
  });
});
