/**
 * SMAC's scenarios as data. Teams, step limits and type bits are those of SMAC's table, places and terrain those of its map files.
 *
 * @module
 */
import { corridor, diagonal, field, octagon, pentagon, pit, ravine, strip } from "./terrains.js";
import type { UnitName } from "./units.js";

/** So many units of one type. */
export type Squad = readonly [type: UnitName, count: number];

/** A point in world units; x grows to the east, y to the north. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

export type Heading = "north" | "south" | "east" | "west";

/** Units that begin together, lined up about a point. */
export interface Group extends Point {
  readonly units: readonly Squad[];
  /** Where the front is; the short-ranged stand there. */
  readonly facing: Heading;
}

/** A scenario. Plain data: a file can hold it. */
export interface SkirmishMap {
  readonly name: string;
  /** The team, in the order of SMAC's unit ids, and its opponents. */
  readonly allies: readonly Group[];
  readonly enemies: readonly Group[];
  /** Steps after which the episode is cut off. */
  readonly limit: number;
  /** Where the enemy attacks: a point; the agents, wherever they are; or nowhere: it holds its ground. */
  readonly attack: Point | "agents" | "nowhere";
  /** The drawing of the ground, see `terrain.ts`. */
  readonly terrain: readonly string[];
  /** The one-hot type bits of observation and state, by side; empty where SMAC has none. */
  readonly allyTypeBits: readonly UnitName[];
  readonly enemyTypeBits: readonly UnitName[];
  /** A side with only healers left has lost (SMAC's map type MMM). */
  readonly healersAloneLose: boolean;
  /** Teams and places are drawn anew for every episode, as SMACv2 does; the groups then only say how many units there are. */
  readonly draw?: Draw;
}

/** How SMACv2 draws a team. */
export interface Draw {
  /** The types that units are drawn from, independently, and how probable each is. */
  readonly types: readonly (readonly [type: UnitName, probability: number])[];
  /** The type that cannot make up a whole team, if there is one. */
  readonly notAlone?: UnitName;
}

const noBits = { allyTypeBits: [], enemyTypeBits: [], healersAloneLose: false } as const;
const mmm = {
  allyTypeBits: ["marauder", "marine", "medivac"],
  enemyTypeBits: ["marauder", "marine", "medivac"],
  healersAloneLose: true,
} as const;
// SMAC numbers the enemy's types by StarCraft II's unit ids (zealot 73, stalker 74), the team's by its own copies of them.
const protoss = { allyTypeBits: ["stalker", "zealot"], enemyTypeBits: ["zealot", "stalker"], healersAloneLose: false } as const;
const colossi = {
  allyTypeBits: ["colossus", "stalker", "zealot"],
  enemyTypeBits: ["colossus", "stalker", "zealot"],
  healersAloneLose: false,
} as const;
const banes = {
  allyTypeBits: ["baneling", "zergling"],
  enemyTypeBits: ["baneling", "zergling"],
  healersAloneLose: false,
} as const;

function squads(...list: Squad[]): readonly Squad[] {
  return list;
}

type Sides = Pick<SkirmishMap, "allies" | "enemies" | "attack">;

/** Both sides 14 world units apart, east and west of the middle: most maps. */
function faceToFace(allies: readonly Squad[], enemies: readonly Squad[]): Sides {
  return {
    allies: [{ x: 9, y: 16, units: allies, facing: "east" }],
    enemies: [{ x: 23, y: 16, units: enemies, facing: "west" }],
    attack: { x: 9, y: 16 },
  };
}

const marines = (count: number) => squads(["marine", count]);
const stalkersAndZealots = (stalkers: number, zealots: number) => squads(["stalker", stalkers], ["zealot", zealots]);
const oneColossus = squads(["colossus", 1], ["stalker", 3], ["zealot", 5]);
const mixedTerrans = (marauders: number, marineCount: number) =>
  squads(["marauder", marauders], ["marine", marineCount], ["medivac", 1]);

const table: readonly SkirmishMap[] = [
  { name: "3m", ...faceToFace(marines(3), marines(3)), limit: 60, terrain: strip, ...noBits },
  { name: "8m", ...faceToFace(marines(8), marines(8)), limit: 120, terrain: strip, ...noBits },
  { name: "25m", ...faceToFace(marines(25), marines(25)), limit: 150, terrain: strip, ...noBits },
  { name: "5m_vs_6m", ...faceToFace(marines(5), marines(6)), limit: 70, terrain: strip, ...noBits },
  { name: "8m_vs_9m", ...faceToFace(marines(8), marines(9)), limit: 120, terrain: strip, ...noBits },
  { name: "10m_vs_11m", ...faceToFace(marines(10), marines(11)), limit: 150, terrain: strip, ...noBits },
  { name: "27m_vs_30m", ...faceToFace(marines(27), marines(30)), limit: 180, terrain: strip, ...noBits },
  { name: "MMM", ...faceToFace(mixedTerrans(2, 7), mixedTerrans(2, 7)), limit: 150, terrain: strip, ...mmm },
  { name: "MMM2", ...faceToFace(mixedTerrans(2, 7), mixedTerrans(3, 8)), limit: 180, terrain: strip, ...mmm },
  { name: "2s3z", ...faceToFace(stalkersAndZealots(2, 3), stalkersAndZealots(2, 3)), limit: 120, terrain: strip, ...protoss },
  { name: "3s5z", ...faceToFace(stalkersAndZealots(3, 5), stalkersAndZealots(3, 5)), limit: 150, terrain: strip, ...protoss },
  {
    name: "3s5z_vs_3s6z",
    ...faceToFace(stalkersAndZealots(3, 5), stalkersAndZealots(3, 6)),
    limit: 170,
    terrain: strip,
    ...protoss,
  },
  { name: "3s_vs_3z", ...faceToFace(squads(["stalker", 3]), squads(["zealot", 3])), limit: 150, terrain: field, ...noBits },
  { name: "3s_vs_4z", ...faceToFace(squads(["stalker", 3]), squads(["zealot", 4])), limit: 200, terrain: field, ...noBits },
  { name: "3s_vs_5z", ...faceToFace(squads(["stalker", 3]), squads(["zealot", 5])), limit: 250, terrain: field, ...noBits },
  { name: "1c3s5z", ...faceToFace(oneColossus, oneColossus), limit: 180, terrain: strip, ...colossi },
  {
    name: "2m_vs_1z",
    allies: [
      { x: 13, y: 12, units: marines(1), facing: "north" },
      { x: 19, y: 12, units: marines(1), facing: "north" },
    ],
    enemies: [{ x: 16, y: 19, units: squads(["zealot", 1]), facing: "south" }],
    attack: { x: 16, y: 12 },
    limit: 150,
    terrain: octagon,
    ...noBits,
  },
  {
    name: "corridor",
    allies: [{ x: 19.04, y: 19.12, units: squads(["zealot", 6]), facing: "east" }],
    enemies: [{ x: 27.91, y: 28.24, units: squads(["zergling", 24]), facing: "south" }],
    attack: { x: 4.47, y: 4.33 },
    limit: 400,
    terrain: corridor,
    ...noBits,
  },
  {
    name: "6h_vs_8z",
    allies: [{ x: 14.6, y: 9.49, units: squads(["hydralisk", 6]), facing: "north" }],
    enemies: [{ x: 14.41, y: 16.76, units: squads(["zealot", 8]), facing: "south" }],
    attack: { x: 14.6, y: 9.49 },
    limit: 150,
    terrain: pit,
    ...noBits,
  },
  {
    name: "2s_vs_1sc",
    allies: [
      { x: 11.12, y: 10.34, units: squads(["stalker", 1]), facing: "north" },
      { x: 16.98, y: 10.37, units: squads(["stalker", 1]), facing: "north" },
    ],
    enemies: [{ x: 13.92, y: 20.04, units: squads(["spine-crawler", 1]), facing: "south" }],
    attack: "nowhere",
    limit: 300,
    terrain: pentagon,
    ...noBits,
  },
  {
    name: "so_many_baneling",
    allies: [{ x: 11.47, y: 12.02, units: squads(["zealot", 7]), facing: "east" }],
    enemies: [{ x: 27.91, y: 28.24, units: squads(["baneling", 32]), facing: "south" }],
    attack: { x: 4.47, y: 4.33 },
    limit: 100,
    terrain: diagonal,
    ...noBits,
  },
  {
    name: "bane_vs_bane",
    allies: [
      { x: 16, y: 8, units: squads(["baneling", 4]), facing: "north" },
      { x: 16, y: 11, units: squads(["zergling", 20]), facing: "north" },
    ],
    enemies: [
      { x: 16, y: 24, units: squads(["baneling", 4]), facing: "south" },
      { x: 16, y: 21, units: squads(["zergling", 20]), facing: "south" },
    ],
    attack: { x: 16, y: 8 },
    limit: 200,
    terrain: octagon,
    ...banes,
  },
  {
    name: "2c_vs_64zg",
    allies: [{ x: 16, y: 16, units: squads(["colossus", 2]), facing: "south" }],
    enemies: [{ x: 16, y: 9, units: squads(["zergling", 64]), facing: "north" }],
    attack: "agents",
    limit: 400,
    terrain: ravine,
    ...noBits,
  },
];

/** SMAC's maps by name. */
export const maps: ReadonlyMap<string, SkirmishMap> = new Map(table.map((map) => [map.name, map]));
