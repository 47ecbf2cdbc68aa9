/**
 * Custom environments: a file or an npm package whose default export makes an environment (TypeScript is loaded as it is), or a
 * map of skirmish in a YAML or JSON file.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { tsImport } from "tsx/esm/api";
import type { z } from "zod";
import type { Environment, EnvironmentFamily } from "../src/environment.js";
import { BatonError } from "../src/errors.js";
import { unknownName } from "../src/names.js";
import { checkSettings, type SettingIssue, settingsError } from "../src/validation.js";
import { readMapFile } from "./skirmish/file.js";
import { makeSkirmish, skirmish } from "./skirmish/index.js";

/** Options by name, as they were given or as a schema made them. */
export type Options = Readonly<Record<string, unknown>>;

/** What makes copies of an environment in this thread. */
export interface MadeEnvironment {
  /** Makes one copy. */
  readonly make: () => Environment;
  /** The options with their defaults. */
  readonly options: Options;
  /** Scripted policies that play it. */
  readonly policies?: EnvironmentFamily["policies"];
}

/** What to do about wrong options; the default throws one BatonError for all of them. Paths are relative to the options. */
export type RefuseOptions = (issues: readonly SettingIssue[]) => never;

export const throwIssues: RefuseOptions = (issues) => {
  throw settingsError(issues);
};

/** Instead of {@link RefuseOptions} where the options are what a schema has made of them already: a schema may not take its own results. */
export const alreadyChecked = "already checked";

export type HowToCheck = RefuseOptions | typeof alreadyChecked;

/** The options as the schema makes them. */
export function checkOptions<T>(schema: z.ZodType<T>, options: Options, refuse: HowToCheck): T {
  if (refuse === alreadyChecked) return options as T;
  const checked = checkSettings(schema, options, "env");
  return checked.issues === undefined ? checked.value : refuse(checked.issues);
}

/** What the default export of a custom environment may be. */
export type CustomEnvironment =
  /** A factory; it gets the options as they were given. */
  | ((options: Options) => Environment)
  /** A factory with a schema: the options are checked, and defaults filled in, before `make` is called. */
  | { readonly options?: z.ZodType; make(options: unknown): Environment }
  /** A whole family; its members are named after a `#`, as in `./my-family.ts#hard`. */
  | EnvironmentFamily;

/** Says whether an environment's id is a path and not a name. */
export function isPath(id: string): boolean {
  return id.startsWith(".") || isAbsolute(id) || /\.[cm]?[jt]sx?(#.*)?$/.test(id) || isMapFile(id);
}

/** Says whether an environment's id is the file of a skirmish map. */
const isMapFile = (id: string) => /\.(ya?ml|json)$/.test(id);

/**
 * Loads a custom environment.
 *
 * @param id a path (`./my-env.ts`, `./my-env.js`, `./my-map.yaml`) or the name of an npm package, as seen from `directory`; `#member` may follow.
 * @returns undefined when `id` is no path and there is no such package.
 * @throws BatonError `unknown-name`, or `invalid-file` (it cannot be loaded, or exports something else), and whatever `refuse` throws.
 */
export async function loadCustomEnvironment(
  id: string,
  options: Options,
  refuse: HowToCheck,
  directory: string,
): Promise<MadeEnvironment | undefined> {
  if (isMapFile(id)) {
    const map = readMapFile(resolve(directory, id), id);
    const settings = checkOptions(skirmish.options, options, refuse);
    return { make: () => makeSkirmish(map, settings), options: settings, policies: skirmish.policies };
  }
  const [location, member] = splitMember(id);
  const exported = await importDefault(location, directory);
  if (exported === undefined) return undefined;
  if (member !== undefined && !(isRecord(exported) && Array.isArray(exported.members))) {
    throw new BatonError("unknown-name", `${location} is a single environment and has no member "${member}"`, {
      hint: `write ${location}, or export a family with members`,
    });
  }
  if (typeof exported === "function") {
    const make = exported as (options: Options) => Environment;
    return { make: () => checkMade(make(options), id), options };
  }
  if (isRecord(exported) && typeof exported.make === "function") {
    const schema = exported.options as z.ZodType<Options> | undefined;
    const settings = schema ? checkOptions(schema, options, refuse) : options;
    if (!Array.isArray(exported.members)) {
      const custom = exported as { make(options: unknown): Environment };
      return { make: () => checkMade(custom.make(settings), id), options: settings };
    }
    const family = exported as unknown as EnvironmentFamily;
    const chosen = member ?? family.members[0] ?? "";
    if (!family.members.includes(chosen)) throw unknownName(`environment of ${location}`, chosen, family.members);
    return { make: () => checkMade(family.make(chosen, settings), id), options: settings };
  }
  throw new BatonError("invalid-file", `${location} has no default export that makes an environment`, {
    hint: "write: export default (options) => ({ spec: { … }, reset(seed, out) { … }, step(actions, out) { … } })",
  });
}

function splitMember(id: string): [location: string, member: string | undefined] {
  const hash = id.lastIndexOf("#");
  return hash < 0 ? [id, undefined] : [id.slice(0, hash), id.slice(hash + 1)];
}

async function importDefault(location: string, directory: string): Promise<unknown> {
  let specifier = location;
  if (isPath(location)) {
    const path = resolve(directory, location);
    if (!existsSync(path)) {
      throw new BatonError("unknown-name", `there is no environment file "${location}"`, { hint: `looked for ${path}` });
    }
    specifier = pathToFileURL(path).href;
  }
  try {
    // The parent only says where packages are looked for; it need not exist.
    const parentURL = pathToFileURL(resolve(directory, "baton.js")).href;
    const module: unknown = await tsImport(specifier, { parentURL });
    const exported = isRecord(module) ? module.default : undefined;
    // A file that counts as CommonJS (no `"type": "module"` near it) carries its default one level further down.
    return (isRecord(exported) && "default" in exported ? exported.default : exported) ?? null;
  } catch (error) {
    const { code = "", message = String(error) } = error as { code?: string; message?: string };
    if (!isPath(location) && isNoPackage(location, code, message)) return undefined;
    throw new BatonError("invalid-file", `${location} cannot be loaded: ${message}`, { cause: error });
  }
}

/** Says whether Node refused because there is no package of that name, and not because of something inside it. */
function isNoPackage(name: string, code: string, message: string): boolean {
  const root = name
    .split("/")
    .slice(0, name.startsWith("@") ? 2 : 1)
    .join("/");
  if (code === "ERR_MODULE_NOT_FOUND") return message.includes(`'${root}'`);
  return code === "ERR_INVALID_MODULE_SPECIFIER" || code === "ERR_UNSUPPORTED_ESM_URL_SCHEME";
}

function checkMade(env: unknown, id: string): Environment {
  if (isRecord(env) && isRecord(env.spec) && typeof env.reset === "function" && typeof env.step === "function") {
    return env as unknown as Environment;
  }
  throw new BatonError("environment", `${id} made something that is no environment: it needs spec, reset and step`);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
