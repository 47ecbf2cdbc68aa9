import { describe, expect, it } from "vitest";
import { RandomStream } from "../../src/tensor/random.js";
import { drawBattle, generatedMaps } from "./generated.js";
import { formationOf, settle } from "./spawn.js";
import { World } from "./world.js";

/** `count` drawn battles of one scenario, in the places as drawn or as settled. */
function* draws(name: string, count: number, settled = false) {
  const map = generatedMaps.get(name)!;
  const world = new World(map);
  const formation = formationOf(world, map);
  const rng = RandomStream.from(1, name);
  for (let k = 0; k < count; k++) {
    drawBattle(world, map.draw!, formation, rng);
    if (settled) settle(world, formation);
    yield { world, types: world.types.map((type) => type.name), ...formation };
  }
}

const sorted = (list: readonly string[]) => [...list].sort();

describe("SMACv2's teams", () => {
  it.each([
    ["terran_5_vs_5", { marine: 0.45, marauder: 0.45, medivac: 0.1 }],
    ["protoss_5_vs_5", { stalker: 0.45, zealot: 0.45, colossus: 0.1 }],
    ["zerg_5_vs_5", { zergling: 0.45, hydralisk: 0.45, baneling: 0.1 }],
  ])("%s are drawn by weight, and the enemy's is the same", (name, weights) => {
    const counts: Record<string, number> = {};
    for (const { types } of draws(name, 2000)) {
      expect(sorted(types.slice(0, 5))).toEqual(sorted(types.slice(5)));
      for (const type of types.slice(0, 5)) counts[type] = (counts[type] ?? 0) + 1;
    }
    // 10,000 draws: a standard error of half a percent.
    for (const [type, weight] of Object.entries(weights)) expect(counts[type]! / 10000).toBeCloseTo(weight, 1.6);
  });

  it("never are medivacs alone; of more enemies the first are the team's twins", () => {
    const map = generatedMaps.get("terran_10_vs_11")!;
    const alone = {
      ...map.draw!,
      types: [
        ["medivac", 0.97],
        ["marine", 0.03],
      ] as const,
    };
    const world = new World(map);
    const formation = formationOf(world, map);
    const rng = RandomStream.from(2, "alone");
    for (let k = 0; k < 100; k++) {
      drawBattle(world, alone, formation, rng);
      const types = world.types.map((type) => type.name);
      expect(types.slice(0, 10)).toContain("marine");
      expect(types[20]).toBe("marine");
      expect(sorted(types.slice(10, 20))).toEqual(sorted(types.slice(0, 10)));
    }
  });

  it("are numbered by type, then from west to east", () => {
    for (const { types, x } of draws("zerg_10_vs_10", 50)) {
      const own = types.slice(0, 10).map((type, i) => `${type} ${x[i]!.toFixed(3).padStart(7)}`);
      expect(own).toEqual(sorted(own));
    }
  });
});

describe("SMACv2's places", () => {
  it("are reflections in half of the battles, else enemies on the diagonals around a team in the middle", () => {
    let reflections = 0;
    const groups = new Set<number>();
    for (const { x, y, types } of draws("protoss_10_vs_11", 1000)) {
      const surrounded = x.slice(0, 10).every((value) => value === 16);
      if (surrounded) {
        expect(Array.from(y.slice(0, 10))).toEqual(Array(10).fill(16));
        const places = new Set<string>();
        for (let u = 10; u < 21; u++) {
          expect(Math.abs(Math.abs(x[u]! - 16) - Math.abs(y[u]! - 16))).toBeLessThan(1e-9);
          expect(Math.abs(x[u]! - 16)).toBeGreaterThanOrEqual(2);
          places.add(`${x[u]} ${y[u]}`);
        }
        groups.add(places.size);
        continue;
      }
      reflections++;
      for (let i = 0; i < 10; i++) {
        expect(x[i]).toBeLessThan(15);
        const twin = Array.from({ length: 10 }, (_, k) => 10 + k).find((u) => x[u] === 32 - x[i]! && y[u] === y[i])!;
        expect(types[twin]).toBe(types[i]);
      }
      expect(x[20]).toBeGreaterThanOrEqual(16);
    }
    expect(reflections / 1000).toBeCloseTo(0.5, 1);
    expect([...groups].sort()).toEqual([1, 2, 3, 4]);
  });

  it("are moved apart and into the world where need be", () => {
    for (const { world, x, y } of draws("terran_20_vs_23", 20, true)) {
      for (let u = 0; u < world.count; u++) {
        expect(world.isFree(u, x[u]!, y[u]!)).toBe(true);
        for (let v = 0; v < u; v++) {
          if (world.layer[u] !== world.layer[v]) continue;
          expect(Math.hypot(x[u]! - x[v]!, y[u]! - y[v]!)).toBeGreaterThan(world.separation[u]! + world.separation[v]! - 1e-9);
        }
      }
    }
  });
});
