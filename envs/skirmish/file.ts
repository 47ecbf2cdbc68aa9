/**
 * Scenarios of one's own: a map in one YAML or JSON file. What is wrong with it is told by line.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { z } from "zod";
import { BatonError } from "../../src/errors.js";
import { nearestName } from "../../src/names.js";
import { checkSettings, type SettingIssue, settingsError } from "../../src/validation.js";
import { readYaml, type YamlText } from "../../src/yaml.js";
import { generatedMaps } from "./generated.js";
import { type Group, maps, type SkirmishMap } from "./maps.js";
import { formationOf } from "./spawn.js";
import { terrainLegend } from "./terrain.js";
import * as terrains from "./terrains.js";
import { type UnitName, unitNames, unitTypes } from "./units.js";
import { World } from "./world.js";

const namedTerrains: ReadonlyMap<string, readonly string[]> = new Map(Object.entries(terrains));
const terrainNames = [...namedTerrains.keys()];
/** Tables of ways around walls grow with the square of the world's cells. */
const [smallest, largest] = [8, 64];
const mostUnits = 100;

const isUnit = (name: string): name is UnitName => (unitNames as readonly string[]).includes(name);
const point = z.tuple([z.number().min(0), z.number().min(0)]);

const group = z.strictObject({
  at: point.describe("The middle of the group, [x, y] in world units from the south-west corner."),
  facing: z.enum(["north", "south", "east", "west"]).describe("Where its front is; the short-ranged stand there."),
  units: z
    .record(z.string(), z.int().min(1).max(mostUnits))
    .superRefine((units, context) => {
      const names = Object.keys(units);
      if (names.length === 0) context.addIssue({ code: "custom", message: "it must name a type of unit, e.g. { marine: 3 }" });
      for (const name of names) {
        if (isUnit(name)) continue;
        const near = nearestName(name, unitNames);
        const message = `there is no such unit${near ? `, did you mean ${near}?` : ""} (units: ${unitNames.join(", ")})`;
        context.addIssue({ code: "custom", path: [name], message });
      }
    })
    .describe("How many of each type."),
});

/** What a map file holds. */
const mapFile = z.strictObject({
  name: z
    .string()
    .regex(/^[\w-]+$/, "a name is made of letters, digits, _ and -")
    .optional()
    .describe("The scenario's name; the file's when left out."),
  limit: z.int().min(1).max(100_000).describe("Steps after which an episode is cut off."),
  allies: z.array(group).min(1).describe("The team's groups; the agents are numbered in this order."),
  enemies: z.array(group).min(1).describe("The opponent's groups."),
  attack: z
    .union([point, z.enum(["agents", "nowhere"])])
    .optional()
    .describe("Where the enemy attacks: [x, y], agents (wherever they are) or nowhere (it holds its ground)."),
  terrain: z
    .union([z.string(), z.array(z.string()).min(smallest)])
    .default("field")
    .describe(`The ground: ${terrainNames.join(", ")}, or a drawing, one line of characters a row, the north first.`),
  healersAloneLose: z.boolean().default(false).describe("Whether a side that has only healers left has lost."),
});
type MapFile = z.infer<typeof mapFile>;

const hint = "a map file has limit, allies, enemies and terrain; envs/skirmish/README.md has a complete one";

/**
 * Reads a map file.
 *
 * @throws BatonError "io" when it cannot be read, else with a line `file:line: what is wrong` for every mistake.
 */
export function readMapFile(path: string, name = path): SkirmishMap {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === "ENOENT" ? "there is no such file" : (error as Error).message;
    throw new BatonError("io", `the map ${name} cannot be read: ${reason}`, { cause: error });
  }
  const yaml = readYaml(text, name, hint);
  const checked = checkSettings(mapFile, yaml.value ?? {});
  if (checked.issues !== undefined) throw located(checked.issues, yaml, name);
  const file = checked.value;
  const map = mapOf(file, file.name ?? basename(path).replace(/\.[^.]*$/, ""), terrainRows(file, yaml, name));
  const issues = mistakesIn(map, file);
  if (issues.length > 0) throw located(issues, yaml, name);
  return map;
}

function located(issues: readonly SettingIssue[], yaml: YamlText, name: string): BatonError {
  const where = (path: SettingIssue["path"]) => yaml.origin(path) ?? yaml.origin(path.slice(0, -1)) ?? name;
  const { message, hint: mend } = settingsError(
    issues.map((issue) => ({ ...issue, message: `${where(issue.path)}: ${issue.message}` })),
  );
  return new BatonError("invalid-file", message, { hint: mend ?? hint });
}

/** The drawing of the ground, whether it was named, listed or drawn as a block of text. */
function terrainRows({ terrain }: MapFile, yaml: YamlText, name: string): readonly string[] {
  if (typeof terrain === "string" && !terrain.includes("\n")) {
    const named = namedTerrains.get(terrain);
    if (named) return named;
    const message = `terrain is "${terrain}", but must be one of ${terrainNames.join(", ")}, or a drawing of several lines`;
    throw located([{ path: ["terrain"], code: "invalid-value", message }], yaml, name);
  }
  const rows = typeof terrain === "string" ? terrain.replace(/\n+$/, "").split("\n") : terrain;
  const lineOf = (row: number) => {
    if (typeof terrain !== "string") return yaml.origin(["terrain", row]) ?? name;
    const first = yaml.firstLine(["terrain"]);
    return first === undefined ? name : `${name}:${first + row}`;
  };
  const legend = Object.entries(terrainLegend).map(([character, meaning]) => `${character} ${meaning}`);
  const mistakes = rows.flatMap((row, k) => {
    const strange = [...row].find((character) => !(character in terrainLegend));
    if (strange !== undefined)
      return [`${lineOf(k)}: the terrain has no character ${JSON.stringify(strange)} (${legend.join(", ")})`];
    if (row.length !== rows[0]!.length) {
      return [`${lineOf(k)}: this row of the terrain has ${row.length} characters, the first has ${rows[0]!.length}`];
    }
    return [];
  });
  for (const [what, size] of [
    ["rows", rows.length],
    ["columns", rows[0]!.length],
  ] as const) {
    if (size >= smallest && size <= largest) continue;
    mistakes.push(`${lineOf(0)}: the terrain has ${size} ${what}, but must have ${smallest} to ${largest}`);
  }
  if (mistakes.length > 0) throw new BatonError("invalid-file", mistakes.join("\n"), { hint });
  return rows;
}

function mapOf(file: MapFile, name: string, terrain: readonly string[]): SkirmishMap {
  const groups = (given: MapFile["allies"]): Group[] =>
    given.map(({ at: [x, y], facing, units }) => ({ x, y, facing, units: Object.entries(units) as [UnitName, number][] }));
  const [allies, enemies] = [groups(file.allies), groups(file.enemies)];
  const { attack = [allies[0]!.x, allies[0]!.y], limit, healersAloneLose } = file;
  const bits = typeBits(allies, enemies);
  return {
    ...{ name, allies, enemies, limit, terrain, healersAloneLose, allyTypeBits: bits, enemyTypeBits: bits },
    attack: typeof attack === "string" ? attack : { x: attack[0], y: attack[1] },
  };
}

const namesOf = (groups: readonly Group[]) => [...new Set(groups.flatMap(({ units }) => units.map(([type]) => type)))];

/** Observations tell types apart, as in SMAC, where a side has more than one. */
function typeBits(allies: readonly Group[], enemies: readonly Group[]): readonly UnitName[] {
  const mixed = [allies, enemies].some((side) => namesOf(side).length > 1);
  return mixed ? namesOf([...allies, ...enemies]).sort() : [];
}

/** What a schema cannot see. */
function mistakesIn(map: SkirmishMap, file: MapFile): SettingIssue[] {
  const issues: SettingIssue[] = [];
  const wrong = (path: SettingIssue["path"], message: string) => issues.push({ path, code: "invalid-value", message });
  if (maps.has(map.name) || generatedMaps.has(map.name)) {
    wrong(file.name === undefined ? [] : ["name"], `the name ${map.name} is that of a map that Baton brings: choose another`);
  }
  const [width, height] = [map.terrain[0]!.length, map.terrain.length];
  const outside = (x: number, y: number) => x >= width || y >= height;
  for (const side of ["allies", "enemies"] as const) {
    const races = [...new Set(namesOf(map[side]).map((type) => unitTypes[type].race))];
    if (races.length > 1) wrong([side], `${side} are ${races.join(" and ")}, but a side must be of one race, as in SMAC`);
    const count = map[side].reduce((sum, { units }) => units.reduce((all, [, n]) => all + n, sum), 0);
    if (count > mostUnits) wrong([side], `${side} are ${count} units, but a side may have at most ${mostUnits}`);
    if (map.healersAloneLose && namesOf(map[side]).every((type) => unitTypes[type].healing)) {
      wrong([side], `${side} are only healers, who have lost before they begin where healersAloneLose is true`);
    }
    map[side].forEach(({ x, y }, k) => {
      if (outside(x, y))
        wrong([side, k, "at"], `${side}[${k}].at is [${x}, ${y}], outside of the world of ${width} by ${height}`);
    });
  }
  if (typeof map.attack === "object" && outside(map.attack.x, map.attack.y)) {
    wrong(["attack"], `attack is [${map.attack.x}, ${map.attack.y}], outside of the world of ${width} by ${height}`);
  }
  if (issues.length === 0) issues.push(...homeless(map));
  return issues;
}

/** Groups some of whose units find no free ground near them. */
function homeless(map: SkirmishMap): SettingIssue[] {
  const world = new World(map);
  const { x, y } = formationOf(world, map);
  const issues: SettingIssue[] = [];
  let u = 0;
  for (const side of ["allies", "enemies"] as const) {
    map[side].forEach(({ units }, k) => {
      const end = units.reduce((sum, [, count]) => sum + count, u);
      let lost = 0;
      for (; u < end; u++) if (!world.isFree(u, x[u], y[u])) lost++;
      if (lost === 0) return;
      const message = `${side}[${k}]: ${lost} of its units find no free ground within 10 world units of where they should stand`;
      issues.push({ path: [side, k, "at"], code: "invalid-value", message });
    });
  }
  return issues;
}
