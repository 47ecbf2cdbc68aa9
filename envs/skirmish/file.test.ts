import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { assertConforms } from "../../src/environments/check.js";
import { BatonError } from "../../src/errors.js";
import { temporaryFolder } from "../../test/temporary-folder.js";
import { openEmbedded } from "../index.js";
import { readMapFile } from "./file.js";
import { makeSkirmish, skirmish } from "./index.js";
import { field } from "./terrains.js";

const example = fileURLToPath(new URL("../../experiments/examples/my-map.yaml", import.meta.url));
const text = readFileSync(example, "utf8");
const small = `limit: 60
allies:
  - { at: [9, 16], facing: east, units: { marine: 3 } }
enemies:
  - { at: [23, 16], facing: west, units: { marine: 4 } }
`;

function file(contents: string, name = "mine.yaml"): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, contents);
  return path;
}

function mistake(contents: string): BatonError {
  try {
    readMapFile(file(contents), "mine.yaml");
  } catch (error) {
    if (error instanceof BatonError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("a map file", () => {
  it("is read whole", () => {
    const map = readMapFile(example);
    expect(map).toMatchObject({
      ...{ name: "plateau", limit: 150, attack: "agents", healersAloneLose: false },
      allyTypeBits: ["colossus", "stalker", "zergling"],
      allies: [{ x: 12, y: 12, facing: "west", units: expect.arrayContaining([["stalker", 2]]) }],
    });
    expect(map.terrain).toHaveLength(18);
    expect(new Set(map.terrain.map((row) => row.length))).toEqual(new Set([24]));
  });

  it("may leave out what has a default, and may be JSON", () => {
    const map = readMapFile(file(small));
    expect(map).toMatchObject({ name: "mine", attack: { x: 9, y: 16 }, terrain: field, allyTypeBits: [] });
    expect(readMapFile(file(JSON.stringify(parse(small)), "mine.json"))).toEqual(map);
    const listed = readMapFile(file(`${small}terrain: ${JSON.stringify(field)}\n`));
    expect(listed).toEqual(map);
  });

  it("opens as an environment that keeps the contract, also in other threads, and knows the scripted policies", async () => {
    const folder = temporaryFolder();
    copyFileSync(example, join(folder, "my-map.yaml"));
    const opened = await openEmbedded("./my-map.yaml", { step_mul: 4 }, undefined, folder);
    expect(opened.options).toMatchObject({ step_mul: 4 });
    expect(Object.keys(opened.policies)).toContain("kite");
    assertConforms(opened.make, { episodes: 2 });
    const spread = await opened.vectorize(2, { envThreads: 1 } as never);
    expect(spread.spec).toMatchObject({ id: "skirmish/plateau", agents: 3, entities: 33, actions: 36, episodeLimit: 150 });
    await spread.close?.();
    await expect(openEmbedded("./my-map.yaml", { step: 4 }, undefined, folder)).rejects.toThrow('unknown key "env.step"');
  });

  it.each([
    ["limit: 150", "limit: 0", /^mine\.yaml:8: limit is 0, but must be a whole number, at least 1/],
    ["limit: 150", "limits: 150", /^mine\.yaml:8: unknown key "limits"(.|\n)*limit is missing/],
    [
      "stalker: 2",
      "stalkers: 2",
      /^mine\.yaml:13: allies\[0\]\.units\.stalkers is 2: there is no such unit, did you mean stalker\?/,
    ],
    ["stalker: 2", "stalker: 0", /^mine\.yaml:13: allies\[0\]\.units\.stalker is 0/],
    ["facing: north", "facing: up", /^mine\.yaml:17: enemies\[0\]\.facing is "up", but must be one of "north"/],
    ["at: [18, 3]", "at: [18, 30]", /^mine\.yaml:19: enemies\[1\]\.at is \[18, 30\], outside of the world of 24 by 18/],
    ["attack: agents", "attack: home", /^mine\.yaml:23: attack is "home"/],
    ["attack: agents", "attack: [99, 3]", /^mine\.yaml:23: attack is \[99, 3\], outside of the world of 24 by 18/],
    ["stalker: 2,", "stalker: 2, marine: 1,", /^mine\.yaml:10: allies are .*terran.*, but a side must be of one race/],
    ["name: plateau", "name: 3m", /^mine\.yaml:7: the name 3m is that of a map that Baton brings/],
    ["#######^^^", "#######X^^", /^mine\.yaml:28: the terrain has no character "X" \(\. ground, /],
    ["##...~~~", "##..~~~", /^mine\.yaml:34: this row of the terrain has 23 characters, the first has 24/],
    ["terrain: |", "terrain: moon\nother: |", /^mine\.yaml:27: unknown key "other"/],
    ["name: plateau", "name: plateau\n  bad: 1", /^mine\.yaml:\d+:\d+: not valid YAML/],
  ])("with %s as %s is refused by its line", (right, wrong, message) => {
    expect(text).toContain(right);
    const error = mistake(text.replace(right, wrong));
    expect(error.message).toMatch(message);
    expect(error.hint).toBeTruthy();
  });

  it("names the terrains when it names none of them, and refuses worlds without room", () => {
    expect(mistake(`${small}terrain: moon\n`).message).toMatch(
      /^mine\.yaml:6: terrain is "moon", but must be one of strip, field/,
    );
    expect(mistake(`${small}terrain: |\n  ....\n  ....\n`).message).toMatch(/mine\.yaml:7: the terrain has 2 rows, .* 8 to 64/);
    const walled = ["#".repeat(32), ...Array.from({ length: 31 }, () => `${"#".repeat(26)}......`)];
    expect(mistake(`${small}terrain: ${JSON.stringify(walled)}\n`).message).toMatch(
      /^mine\.yaml:3: allies\[0\]: 3 of its units find no free ground/,
    );
  });

  const battle = (allies: string, enemies: string) => small.replace("marine: 3", allies).replace("marine: 4", enemies);

  it("cannot have a side of healers alone where these lose", () => {
    const rule = "healersAloneLose: true\n";
    const { message } = mistake(battle("medivac: 3", "medivac: 4") + rule);
    expect(message).toMatch(/^mine\.yaml:2: allies are only healers, who have lost before they begin/);
    expect(message).toMatch(/^mine\.yaml:4: enemies are only healers/m);
    expect(readMapFile(file(battle("marine: 1, medivac: 3", "marine: 4") + rule)).healersAloneLose).toBe(true);
  });

  it.each([
    ["medivac: 3", "marine: 4"],
    ["marine: 3", "medivac: 4"],
    ["medivac: 3", "medivac: 4"],
    ["medivac: 3", "zealot: 4"],
  ])("may have sides of healers alone where these do not lose: %s against %s", (allies, enemies) => {
    const map = readMapFile(file(battle(allies, enemies)));
    assertConforms(() => makeSkirmish(map, skirmish.options.parse({})), { episodes: 2 });
  });

  it("that is missing, empty or no map is told in a sentence", () => {
    expect(() => readMapFile("nowhere/mine.yaml")).toThrow("the map nowhere/mine.yaml cannot be read: there is no such file");
    expect(mistake("").message).toMatch(/^mine\.yaml: limit is missing/);
    expect(mistake("[1, 2]\n").message).toMatch(/^mine\.yaml: /);
  });
});
