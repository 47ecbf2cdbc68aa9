import { describe, expect, it } from "vitest";
import { completeEnvironment } from "../../src/environments/complete.js";
import { writeActions } from "./actions.js";
import { tacticsOf } from "./enemy.js";
import { generatedMaps } from "./generated.js";
import { skirmish } from "./index.js";
import { layoutOf } from "./layout.js";
import { maps, type SkirmishMap } from "./maps.js";
import { Simulation } from "./simulation.js";
import { formationOf } from "./spawn.js";
import { typesOf, World } from "./world.js";

/**
 * SMAC's own figures, as its `get_env_info` and map table give them: n, m, limit, races, type bits, A, size of observation and
 * state.
 */
const smac: readonly [
  name: string,
  n: number,
  m: number,
  limit: number,
  races: string,
  typeBits: number,
  A: number,
  O: number,
  G: number,
][] = [
  ["3m", 3, 3, 60, "T/T", 0, 9, 30, 48],
  ["8m", 8, 8, 120, "T/T", 0, 14, 80, 168],
  ["25m", 25, 25, 150, "T/T", 0, 31, 250, 950],
  ["5m_vs_6m", 5, 6, 70, "T/T", 0, 12, 55, 98],
  ["8m_vs_9m", 8, 9, 120, "T/T", 0, 15, 85, 179],
  ["10m_vs_11m", 10, 11, 150, "T/T", 0, 17, 105, 243],
  ["27m_vs_30m", 27, 30, 180, "T/T", 0, 36, 285, 1170],
  ["MMM", 10, 10, 150, "T/T", 3, 16, 160, 290],
  ["MMM2", 10, 12, 180, "T/T", 3, 18, 176, 322],
  ["2s3z", 5, 5, 120, "P/P", 2, 11, 80, 120],
  ["3s5z", 8, 8, 150, "P/P", 2, 14, 128, 216],
  ["3s5z_vs_3s6z", 8, 9, 170, "P/P", 2, 15, 136, 230],
  ["3s_vs_3z", 3, 3, 150, "P/P", 0, 9, 36, 54],
  ["3s_vs_4z", 3, 4, 200, "P/P", 0, 10, 42, 61],
  ["3s_vs_5z", 3, 5, 250, "P/P", 0, 11, 48, 68],
  ["1c3s5z", 9, 9, 180, "P/P", 3, 15, 162, 270],
  ["2m_vs_1z", 2, 1, 150, "T/P", 0, 7, 16, 26],
  ["corridor", 6, 24, 400, "P/Z", 0, 30, 156, 282],
  ["6h_vs_8z", 6, 8, 150, "Z/P", 0, 14, 78, 140],
  ["2s_vs_1sc", 2, 1, 300, "P/Z", 0, 7, 17, 27],
  ["so_many_baneling", 7, 32, 100, "P/Z", 0, 38, 202, 397],
  ["bane_vs_bane", 24, 24, 200, "Z/Z", 2, 30, 336, 984],
  ["2c_vs_64zg", 2, 64, 400, "P/Z", 0, 70, 332, 342],
];

/** The same of SMACv2's scenarios, which have its own defaults: own place observed, ranges of the units. */
const smac2: readonly [name: string, n: number, m: number, A: number, O: number, G: number][] = [
  ["terran_5_vs_5", 5, 5, 11, 82, 120],
  ["terran_10_vs_10", 10, 10, 16, 162, 290],
  ["terran_10_vs_11", 10, 11, 17, 170, 306],
  ["terran_20_vs_20", 20, 20, 26, 322, 780],
  ["terran_20_vs_23", 20, 23, 29, 346, 858],
  ["protoss_5_vs_5", 5, 5, 11, 92, 130],
  ["protoss_10_vs_10", 10, 10, 16, 182, 310],
  ["protoss_10_vs_11", 10, 11, 17, 191, 327],
  ["protoss_20_vs_20", 20, 20, 26, 362, 820],
  ["protoss_20_vs_23", 20, 23, 29, 389, 901],
  ["zerg_5_vs_5", 5, 5, 11, 82, 120],
  ["zerg_10_vs_10", 10, 10, 16, 162, 290],
  ["zerg_10_vs_11", 10, 11, 17, 170, 306],
  ["zerg_20_vs_20", 20, 20, 26, 322, 780],
  ["zerg_20_vs_23", 20, 23, 29, 346, 858],
];

const letters = { terran: "T", protoss: "P", zerg: "Z" } as const;

describe("SMACv2's scenarios", () => {
  it("are all there", () => {
    expect([...generatedMaps.keys()].sort()).toEqual(smac2.map(([name]) => name).sort());
  });

  it.each(smac2)("%s has SMACv2's sizes", (name, n, m, A, O, G) => {
    const { spec } = completeEnvironment(skirmish.make(name, skirmish.options.parse({})));
    expect([spec.agents, spec.entities - spec.agents, spec.episodeLimit]).toEqual([n, m, 200]);
    expect([spec.actions, spec.observationSize, spec.stateSize]).toEqual([A, O, G]);
  });
});

describe("SMAC's maps", () => {
  it("are all there", () => {
    expect([...maps.keys()].sort()).toEqual(smac.map(([name]) => name).sort());
  });

  it.each(smac)("%s has SMAC's sizes", (name, n, m, limit, races, typeBits, A, O, G) => {
    const map = maps.get(name)!;
    const { spec } = completeEnvironment(skirmish.make(name, skirmish.options.parse({})));
    expect([spec.agents, spec.entities - spec.agents, spec.episodeLimit]).toEqual([n, m, limit]);
    expect([map.allyTypeBits.length, map.enemyTypeBits.length]).toEqual([typeBits, typeBits]);
    expect([spec.actions, spec.observationSize, spec.stateSize]).toEqual([A, O, G]);
    const race = (side: "allies" | "enemies") => new Set(typesOf(map[side]).map((type) => letters[type.race]));
    expect(`${[...race("allies")].join()}/${[...race("enemies")].join()}`).toBe(races);
  });

  it.each([...maps.values()].map((map) => [map.name, map] as const))("%s begins with every unit on free ground", (_name, map) => {
    expect(new Set(map.terrain.map((row) => row.length)).size).toBe(1);
    const world = new World(map);
    const { x, y } = formationOf(world, map);
    for (let u = 0; u < world.count; u++) {
      expect([u, world.isFree(u, x[u]!, y[u]!)]).toEqual([u, true]);
      for (let v = 0; v < u; v++) {
        if (world.layer[u] !== world.layer[v]) continue;
        const apart = Math.hypot(x[u]! - x[v]!, y[u]! - y[v]!);
        expect(apart).toBeGreaterThanOrEqual(world.separation[u]! + world.separation[v]! - 1e-9);
      }
    }
  });
});

describe("a team with a healer that outnumbers its enemy", () => {
  it("has an action for each agent, as in SMAC, and fighters none beyond the enemies", () => {
    const map = { ...maps.get("MMM")!, enemies: [{ x: 23, y: 16, units: [["marine", 2]], facing: "west" }] } as SkirmishMap;
    const world = new World(map);
    const layout = layoutOf(map, world, skirmish.options.parse({}));
    expect([layout.actions, layout.enemies]).toEqual([16, 2]);
    const mask = new Uint8Array(10 * 16);
    const targets = new Int32Array(10 * 10);
    new Simulation(world, map, tacticsOf("7"), 0).reset(0);
    world.x.fill(16);
    world.y.fill(16);
    writeActions(world, layout, 2, mask, targets);
    // Unit 9 is the medivac.
    expect(Array.from(targets.subarray(90))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, -1]);
    expect(Array.from(mask.subarray(9 * 16 + 6))).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 0]);
    expect(Array.from(targets.subarray(0, 10))).toEqual([10, 11, -1, -1, -1, -1, -1, -1, -1, -1]);
    expect(Array.from(mask.subarray(6, 16))).toEqual([1, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
  });
});
