import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { checkEnvironment } from "../src/environments/check.js";
import { completeEnvironment } from "../src/environments/complete.js";
import { BatonError } from "../src/errors.js";
import { families, listEnvironments, openEmbedded } from "./index.js";

const folder = mkdtempSync(join(tmpdir(), "baton-envs-"));
afterAll(() => rmSync(folder, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

const body = `reset() {}, step(_actions: Int32Array, out: { truncated: boolean }) { out.truncated = true; }`;
const spec = (id: string) => `spec: { id: ${id}, agents: 2, actions: 2, observationSize: 1, episodeLimit: 1 }`;

const openIn = (id: string, options: Record<string, unknown> = {}) => openEmbedded(id, options, undefined, folder);

async function mistake(id: string, options: Record<string, unknown> = {}): Promise<BatonError> {
  try {
    (await openIn(id, options)).make();
  } catch (error) {
    if (error instanceof BatonError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("the registry", () => {
  it("lists every member of every family once", () => {
    const ids = listEnvironments().map(({ id }) => id);
    expect(ids).toContain("matrix/climbing");
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toHaveLength(families.reduce((sum, { members }) => sum + members.length, 0));
  });

  it("gives every option of every family a default and a sentence", async () => {
    for (const { id, needs } of listEnvironments()) {
      if (needs !== undefined) continue;
      const { make } = await openEmbedded(id);
      expect(completeEnvironment(make()).spec.id).toBe(id);
    }
    for (const { options } of families) {
      const { shape } = options as unknown as { shape: Record<string, { description?: string }> };
      for (const [key, schema] of Object.entries(shape)) expect([key, schema.description]).toEqual([key, expect.any(String)]);
    }
  });

  it("makes a new copy at each call", async () => {
    const { make } = await openEmbedded("matrix/spiders-and-fly", { size: 5 });
    expect(make()).not.toBe(make());
    expect(make().spec.entityFeatures).toBe(13);
  });

  it("says which options hold, and leaves wrong ones to the caller who wants them", async () => {
    const { options } = await openEmbedded("matrix/penalty", { penalty: -3 });
    expect(options).toEqual({ penalty: -3, size: 4, fly: "away", episodeLimit: 20 });
    const refuse = (issues: readonly { path: readonly unknown[] }[]): never => {
      throw new Error(JSON.stringify(issues.map(({ path }) => path)));
    };
    await expect(openEmbedded("matrix/penalty", { penalty: 3, sise: 5 }, refuse)).rejects.toThrow('[["sise"],["penalty"]]');
  });

  it("names the nearest environment and wrong options", async () => {
    const member = await mistake("matrix/climbin");
    expect([member.code, member.message]).toEqual(["unknown-name", 'unknown environment "matrix/climbin"']);
    expect(member.hint).toContain('did you mean "matrix/climbing"?');
    expect((await mistake("matrix")).message).toBe('unknown environment "matrix"');
    const nothing = await mistake("no-such-package/at-all");
    expect(nothing.message).toBe('unknown environment "no-such-package/at-all"');
    expect(nothing.hint).toContain("or a path such as ./my-env.ts");
    expect((await mistake("not a name!")).code).toBe("unknown-name");
    expect((await mistake("matrix/penalty", { penalty: 3 })).message).toContain(
      "env.penalty is 3, but must be a number, at most 0",
    );
    expect((await mistake("matrix/penalty", { penlty: 3 })).hint).toContain('did you mean "penalty"?');
  });
});

describe("custom environments", () => {
  const example = "./experiments/examples/my-env.ts";

  it("are one TypeScript file of at most 40 lines that keeps the contract", async () => {
    const { make } = await openEmbedded(example, { length: 3 });
    expect(make().spec).toMatchObject({ id: "corridor", episodeLimit: 12 });
    expect(checkEnvironment(make, { episodes: 20 })).toMatchObject({ id: "corridor", passed: true });
    expect(readFileSync(example, "utf8").trimEnd().split("\n").length).toBeLessThanOrEqual(40);
  });

  it("are plain JavaScript, or TypeScript that counts as CommonJS", async () => {
    write("plain.mjs", `export default () => ({ ${spec('"plain"')}, reset() {}, step(_, out) { out.truncated = true; } });`);
    write("legacy/package.json", `{ "type": "commonjs" }`);
    write("legacy/env.ts", `export default () => ({ ${spec('"legacy"')}, ${body} });`);
    expect((await openIn("./plain.mjs")).make().spec.id).toBe("plain");
    expect((await openIn("legacy/env.ts")).make().spec.id).toBe("legacy");
    expect((await openEmbedded(join(folder, "plain.mjs"))).make().spec.id).toBe("plain");
  });

  it("are packages found from the working directory", async () => {
    write("node_modules/my-game/package.json", `{ "name": "my-game", "type": "module", "exports": "./main.js" }`);
    write("node_modules/my-game/main.js", `export default () => ({ ${spec('"game"')}, reset() {}, step() {} });`);
    expect((await openIn("my-game")).make().spec.id).toBe("game");
    write("node_modules/torn-game/package.json", `{ "name": "torn-game", "type": "module", "exports": "./main.js" }`);
    write("node_modules/torn-game/main.js", `import "not-installed";`);
    const torn = await mistake("torn-game");
    expect([torn.code, torn.message]).toEqual(["invalid-file", expect.stringContaining("'not-installed'")]);
  });

  it("have their options checked when they bring a schema, and members when they are a family", async () => {
    const zod = JSON.stringify(import.meta.resolve("zod"));
    write(
      "schema.mts",
      `import { z } from ${zod};\nexport default { options: z.object({ lamps: z.int().min(1).default(2) }),
      make: (o: { lamps: number }) => ({ ${spec('"lamps" + o.lamps')}, ${body} }) };`,
    );
    write(
      "family.mts",
      `import { z } from ${zod};\nexport default { name: "f", summary: "s", members: ["easy", "hard"], options: z.object({}),
      make: (member: string) => ({ ${spec("member")}, ${body} }) };`,
    );
    expect((await openIn("./schema.mts")).make().spec.id).toBe("lamps2");
    expect((await mistake("./schema.mts", { lamps: 0 })).message).toBe("env.lamps is 0, but must be a whole number, at least 1");
    expect((await mistake("./schema.mts", { lamp: 1 })).hint).toContain('did you mean "lamps"?');
    expect((await openIn("./family.mts")).make().spec.id).toBe("easy");
    expect((await openIn("./family.mts#hard")).make().spec.id).toBe("hard");
    expect((await mistake("./schema.mts#hard")).message).toBe('./schema.mts is a single environment and has no member "hard"');
    expect((await mistake("./family.mts#hrd")).hint).toContain('did you mean "hard"?');
  });

  it("are refused in a sentence when they are missing, torn or something else", async () => {
    write("torn.ts", "export default (");
    write("number.ts", "export default 7;");
    write("nothing.ts", "export const x = 1;");
    write("half.ts", "export default () => ({ spec: {} });");
    expect((await mistake("./absent.ts")).message).toBe('there is no environment file "./absent.ts"');
    expect((await mistake("./torn.ts")).message).toContain("./torn.ts cannot be loaded: ");
    expect((await mistake("./number.ts")).message).toBe("./number.ts has no default export that makes an environment");
    expect((await mistake("./nothing.ts")).code).toBe("invalid-file");
    expect((await mistake("./half.ts")).message).toContain("made something that is no environment");
  });
});
