/**
 * The scenarios, with the teams, step limits and type bits of SMAC's map table.
 *
 * @module
 */
import type { TerrainName } from "./terrain.js";
import type { UnitName } from "./units.js";

/** So many units of one type. */
export type Squad = readonly [type: UnitName, count: number];

export interface SkirmishMap {
  readonly name: string;
  /** The team, in the order of SMAC's unit ids. */
  readonly allies: readonly Squad[];
  readonly enemies: readonly Squad[];
  /** Steps after which the episode is cut off. */
  readonly limit: number;
  /** The one-hot type bits of observation and state, by side; empty where SMAC has none. */
  readonly allyTypeBits: readonly UnitName[];
  readonly enemyTypeBits: readonly UnitName[];
  /** A side with only healers left has lost (SMAC's map type MMM). */
  readonly healersAloneLose: boolean;
  readonly terrain: TerrainName;
}

/** Centres of the two spawns in world units. The enemy attacks towards the team's. */
export const spawns = { allies: { x: 9, y: 16 }, enemies: { x: 23, y: 16 } } as const;

const plain = { allyTypeBits: [], enemyTypeBits: [], healersAloneLose: false, terrain: "strip" } as const;
const mmmBits = ["marauder", "marine", "medivac"] as const;

const table: readonly SkirmishMap[] = [
  { ...plain, name: "3m", allies: [["marine", 3]], enemies: [["marine", 3]], limit: 60 },
  { ...plain, name: "8m", allies: [["marine", 8]], enemies: [["marine", 8]], limit: 120 },
  { ...plain, name: "5m_vs_6m", allies: [["marine", 5]], enemies: [["marine", 6]], limit: 70 },
  {
    ...plain,
    name: "2s3z",
    allies: squads(["stalker", 2], ["zealot", 3]),
    enemies: squads(["stalker", 2], ["zealot", 3]),
    limit: 120,
    allyTypeBits: ["stalker", "zealot"],
    // SMAC numbers the enemy's types by StarCraft II's unit ids (zealot 73, stalker 74), the team's by its own copies of them.
    enemyTypeBits: ["zealot", "stalker"],
  },
  { ...plain, name: "3s_vs_5z", allies: [["stalker", 3]], enemies: [["zealot", 5]], limit: 250, terrain: "field" },
  {
    ...plain,
    name: "MMM",
    allies: squads(["marauder", 2], ["marine", 7], ["medivac", 1]),
    enemies: squads(["marauder", 2], ["marine", 7], ["medivac", 1]),
    limit: 150,
    allyTypeBits: mmmBits,
    enemyTypeBits: mmmBits,
    healersAloneLose: true,
  },
];

function squads(...list: Squad[]): readonly Squad[] {
  return list;
}

export const maps: ReadonlyMap<string, SkirmishMap> = new Map(table.map((map) => [map.name, map]));
