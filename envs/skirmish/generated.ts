/**
 * SMACv2's scenarios (Ellis et al., NeurIPS 2023): for every episode a team is drawn, the enemy gets the same one and perhaps more,
 * and both are put in drawn places, surrounded or as reflections of each other.
 *
 * @module
 */
import type { RandomStream } from "../../src/tensor/random.js";
import type { Draw, SkirmishMap } from "./maps.js";
import type { Formation } from "./spawn.js";
import { field } from "./terrains.js";
import { type UnitName, unitTypes } from "./units.js";
import type { World } from "./world.js";

/** Probability that the sides are reflections of each other; else the team is surrounded. */
const reflectProbability = 0.5;
/** Where the groups around a surrounded team begin, in world units from the middle along both axes. */
const surroundOffset = 2;
const limit = 200;

/** Teams of SMACv2's three races, with its probabilities. */
const draws: Readonly<Record<string, Draw>> = {
  terran: {
    types: [
      ["marine", 0.45],
      ["marauder", 0.45],
      ["medivac", 0.1],
    ],
    notAlone: "medivac",
  },
  protoss: {
    types: [
      ["stalker", 0.45],
      ["zealot", 0.45],
      ["colossus", 0.1],
    ],
  },
  zerg: {
    types: [
      ["zergling", 0.45],
      ["hydralisk", 0.45],
      ["baneling", 0.1],
    ],
    notAlone: "baneling",
  },
};

/** Numbers of agents and of enemies. */
const sizes = [
  [5, 5],
  [10, 10],
  [10, 11],
  [20, 20],
  [20, 23],
] as const;

function generatedMap(race: string, draw: Draw, agents: number, enemies: number): SkirmishMap {
  const bits = draw.types.map(([type]) => type);
  const middle = { x: 16, y: 16, facing: "east" } as const;
  return {
    name: `${race}_${agents}_vs_${enemies}`,
    allies: [{ ...middle, units: [[bits[0]!, agents]] }],
    enemies: [{ ...middle, units: [[bits[0]!, enemies]] }],
    limit,
    attack: "agents",
    terrain: field,
    allyTypeBits: bits,
    enemyTypeBits: bits,
    healersAloneLose: race === "terran",
    draw,
  };
}

/** SMACv2's scenarios by name, such as `terran_5_vs_5`. */
export const generatedMaps: ReadonlyMap<string, SkirmishMap> = new Map(
  Object.entries(draws).flatMap(([race, draw]) =>
    sizes.map(([agents, enemies]) => generatedMap(race, draw, agents, enemies)).map((map) => [map.name, map] as const),
  ),
);

/** Draws both teams into `world` and their places into `formation`. Agents are numbered as SMAC does: by type, then x, then y. */
export function drawBattle(world: World, draw: Draw, formation: Formation, rng: RandomStream): void {
  const { agents: n, count } = world;
  const team = drawTeam(draw, n, rng);
  const enemies = team.slice(0, count - n);
  if (count > 2 * n) enemies.push(...drawTeam(draw, count - 2 * n, rng));
  if (rng.uniform() < reflectProbability) reflect(world, formation, rng);
  else surround(world, formation, rng);
  // Places belong to units before they are numbered, so that a reflection is one of the same unit.
  const order = team
    .map((type, i) => ({ type, x: formation.x[i], y: formation.y[i] }))
    .sort((a, b) => (a.type === b.type ? a.x - b.x || a.y - b.y : a.type < b.type ? -1 : 1));
  order.forEach(({ type, x, y }, i) => {
    world.become(i, unitTypes[type]);
    formation.x[i] = x;
    formation.y[i] = y;
  });
  for (const [k, type] of enemies.entries()) world.become(n + k, unitTypes[type]);
}

function drawTeam({ types, notAlone }: Draw, size: number, rng: RandomStream): UnitName[] {
  let team: UnitName[];
  do team = Array.from({ length: size }, () => drawType(types, rng));
  while (team.every((type) => type === notAlone));
  return team;
}

function drawType(types: Draw["types"], rng: RandomStream): UnitName {
  let rest = rng.uniform();
  for (const [type, probability] of types) {
    rest -= probability;
    if (rest < 0) return type;
  }
  return types[types.length - 1]![0];
}

/** The team anywhere in the western half, the enemy mirrored; further enemies anywhere in the eastern half. */
function reflect(world: World, { x, y }: Formation, rng: RandomStream): void {
  const { agents: n, count, terrain } = world;
  for (let i = 0; i < n; i++) {
    x[i] = rng.uniform() * (terrain.width / 2 - 1);
    y[i] = rng.uniform() * terrain.height;
  }
  for (let u = n; u < count; u++) {
    const twin = u - n;
    x[u] = twin < n ? terrain.width - x[twin] : terrain.width / 2 + rng.uniform() * (terrain.width / 2);
    y[u] = twin < n ? y[twin] : rng.uniform() * terrain.height;
  }
}

/** The team in the middle, the enemy in one to four groups, each somewhere on its own of the four diagonals. */
function surround(world: World, { x, y }: Formation, rng: RandomStream): void {
  const { agents: n, count, terrain } = world;
  x.fill(terrain.width / 2, 0, n);
  y.fill(terrain.height / 2, 0, n);
  const groups = 1 + rng.integer(4);
  const diagonals = new Int32Array(4);
  rng.permutation(diagonals, 0, 4);
  const places = Array.from({ length: groups }, (_, g) => {
    const nearness = rng.uniform();
    const east = diagonals[g] >= 2;
    const north = diagonals[g] === 1 || diagonals[g] === 2;
    const along = (size: number, far: boolean) =>
      (size / 2 + (far ? surroundOffset : -surroundOffset)) * nearness + (far ? size : 0) * (1 - nearness);
    return { x: along(terrain.width, east), y: along(terrain.height, north) };
  });
  // Who belongs to which group is drawn for each unit; units of a group follow one another.
  const members = Array.from({ length: count - n }, () => rng.integer(groups)).sort((a, b) => a - b);
  members.forEach((group, k) => {
    x[n + k] = places[group]!.x;
    y[n + k] = places[group]!.y;
  });
}
