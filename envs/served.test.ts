import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BatonError } from "../src/errors.js";
import { presetLayer, presetNames } from "../src/training/presets.js";
import { parseSettings } from "../src/validation.js";
import { football } from "./football/index.js";
import { footballOptions } from "./football/options.js";
import { families, listEnvironments, openEnvironment } from "./index.js";
import { pettingzoo } from "./pettingzoo/index.js";
import { pettingzooOptions } from "./pettingzoo/options.js";
import { maps } from "./skirmish/maps.js";
import { smac, smaclite } from "./smac/index.js";
import { smacliteOptions, smacOptions } from "./smac/options.js";

const adapter = (name: string) => readFileSync(new URL(`./python/baton_host/adapters/${name}.py`, import.meta.url), "utf8");

/** Names of the keyword parameters of an adapter's `opener`, and whether it takes any other as well. */
function parametersOf(name: string): { names: string[]; others: boolean } {
  const text = /^def opener\(([\s\S]*?)\) ->/m.exec(adapter(name))![1]!;
  return { names: [...text.matchAll(/(\w+): [^,]*=/g)].map((match) => match[1]!), others: text.includes("**options") };
}

describe("what hosts are told", () => {
  it("for a map of SMAC, SMAC's own options", () => {
    const { spec, options } = smac.host("3m", smacOptions.parse({ difficulty: "A", seed: 4 }));
    expect(spec).toBe("smac:3m");
    expect(options).toMatchObject({ difficulty: "A", seed: 4, step_mul: 8, save_replay_every: 0 });
    expect(options).not.toHaveProperty("units");
  });

  it("for a map of SMACv2, the sizes of the teams as well", () => {
    const { spec, options } = smac.host("10gen_zerg", smacOptions.parse({ units: 10, enemies: 11 }));
    expect(spec).toBe("smac:10gen_zerg");
    expect(options).toMatchObject({ units: 10, enemies: 11 });
    expect([smac.needs("10gen_zerg"), smac.needs("3m")]).toEqual([
      expect.stringContaining("smacv2"),
      expect.stringContaining("StarCraft II"),
    ]);
  });

  it("for football, every player once", () => {
    expect(football.host("5_vs_5", footballOptions.parse({ players: [3, 1] })).options).toMatchObject({ players: [3, 1] });
    expect(() => parseSettings(footballOptions, { players: [1, 2, 1] }, "env")).toThrow(
      "env.players is [1,2,1]: a player can be one agent only, so no number may come twice",
    );
  });

  it("for PettingZoo, the environment's module and the arguments that make its actions numbered", () => {
    const { spec, options } = pettingzoo.host("pistonball_v6", pettingzooOptions.parse({ arguments: { n_pistons: 5 } }));
    expect(spec).toBe("pettingzoo:pettingzoo.butterfly.pistonball_v6");
    expect(options).toEqual({ reward: "sum", episode_limit: null, won: null, continuous: false, n_pistons: 5 });
  });

  it("only what the adapters know", () => {
    const cases = [
      ["smac", smac.host("3m", smacOptions.parse({})).options],
      ["smaclite", smaclite.host("3m", smacliteOptions.parse({})).options],
      ["football", football.host("5_vs_5", footballOptions.parse({})).options],
    ] as const;
    for (const [name, options] of cases) {
      const { names, others } = parametersOf(name);
      expect(names.length, name).toBeGreaterThan(1);
      if (!others) expect(Object.keys(options).sort(), name).toEqual(names.sort());
    }
  });
});

describe("the families", () => {
  it("play SMAC's maps wherever they are played", () => {
    const known = [...maps.values()].flatMap(({ name, draw }) => (draw ? [] : [name]));
    expect(smac.members.filter((map) => !map.startsWith("10gen")).sort()).toEqual(known.sort());
    expect(smac.members).toEqual(expect.arrayContaining([...smaclite.members]));
  });

  it("are listed with what they need", () => {
    const needs = Object.fromEntries(listEnvironments().map((listed) => [listed.id, listed.needs]));
    expect(needs["skirmish/3m"]).toBeUndefined();
    expect(needs["smaclite/3m"]).toBe("Python with smaclite");
    expect(needs["football/5_vs_5"]).toBe("Python with gfootball");
    expect(needs["pettingzoo/simple_spread_v3"]).toBe("Python with mpe2");
    for (const family of families) expect(Boolean(family.needs), family.name).toBe(!["skirmish", "matrix"].includes(family.name));
  });

  it("refuse wrong options by name before anything is started", async () => {
    await expect(openEnvironment("smaclite/3m", { episode_limit: 0 })).rejects.toThrow(/env\.episode_limit/);
    await expect(openEnvironment("football/5_vs_5", { reward: "goals" })).rejects.toThrow(/env\.reward/);
    await expect(openEnvironment("smaclite/4m")).rejects.toThrow(BatonError);
  });
});

describe("the presets", () => {
  const served = new Set(families.filter(({ needs }) => needs).map(({ name }) => name));
  const names = presetNames().filter((name) => served.has(name.split("/")[0]!));

  it("are there for each family", () => {
    expect(new Set(names.map((name) => name.split("/")[0]))).toEqual(served);
  });

  it.each(names)("%s names an environment and options that there are", async (name) => {
    const { id, ...options } = presetLayer(name).settings.env as { id: string };
    const opened = await openEnvironment(id, options);
    expect(opened.options).toMatchObject(options);
  });
});
