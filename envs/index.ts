/**
 * Every environment that Baton brings, and the way to open one by its name, its file or its package.
 *
 * @module
 */
import type { z } from "zod";
import { isPythonEnvironment, servedEnvironment } from "../src/bridge/index.js";
import type { Environment, EnvironmentFamily, ScriptedPolicy } from "../src/environment.js";
import { type EmbeddedEnvironment, embeddedEnvironment, isEmbedded, type OpenedEnvironment } from "../src/environments/opened.js";
import { BatonError } from "../src/errors.js";
import { unknownName } from "../src/names.js";
import { football } from "./football/index.js";
import {
  alreadyChecked,
  checkOptions,
  type HowToCheck,
  isPath,
  loadCustomEnvironment,
  type MadeEnvironment,
  type Options,
  type RefuseOptions,
  throwIssues,
} from "./load.js";
import { matrix } from "./matrix/index.js";
import { pettingzoo } from "./pettingzoo/index.js";
import type { ServedFamily } from "./served.js";
import { skirmish } from "./skirmish/index.js";
import { smac, smaclite } from "./smac/index.js";

export type { EmbeddedEnvironment, OpenedEnvironment, Resources } from "../src/environments/opened.js";
export { isEmbedded } from "../src/environments/opened.js";
export type { CustomEnvironment, Options, RefuseOptions } from "./load.js";

/** A family whose options have been closed over: what is left is the same for all. */
export interface RegisteredFamily {
  readonly name: string;
  readonly summary: string;
  readonly members: readonly string[];
  /** For people who ask what may be set. */
  readonly options: z.ZodType;
  readonly policies: Readonly<Record<string, ScriptedPolicy>>;
  /** What has to be installed besides Baton, for people; nothing for embedded ones. */
  needs?(member: string): string;
  /** One that this process makes, or one that hosts serve. */
  open(member: string, options: Options, refuse: HowToCheck): MadeEnvironment | OpenedEnvironment;
}

function register<O extends object>(family: EnvironmentFamily<O>): RegisteredFamily {
  return {
    name: family.name,
    summary: family.summary,
    members: family.members,
    options: family.options,
    policies: family.policies ?? {},
    open(member, options, refuse) {
      const settings = checkOptions(family.options, options, refuse);
      return { make: () => family.make(member, settings), options: Object.fromEntries(Object.entries(settings)) };
    },
  };
}

function registerServed<O extends object>(family: ServedFamily<O>): RegisteredFamily {
  const { name, summary, members, options: schema } = family;
  return {
    name,
    summary,
    members,
    options: schema,
    policies: {},
    needs: (member) => family.needs(member),
    open(member, options, refuse) {
      const settings = checkOptions(schema, options, refuse);
      const host = family.host(member, settings);
      return { ...servedEnvironment(`python:${host.spec}`, host.options), options: Object.fromEntries(Object.entries(settings)) };
    },
  };
}

/** The families, in the order in which they are listed. A new one is one folder and one line here. */
export const families: readonly RegisteredFamily[] = [
  register(skirmish),
  register(matrix),
  registerServed(smac),
  registerServed(smaclite),
  registerServed(football),
  registerServed(pettingzoo),
];

/** The family that an id names. */
function familyOf(id: string): RegisteredFamily | undefined {
  const slash = id.indexOf("/");
  return isPath(id) ? undefined : families.find(({ name }) => name === (slash < 0 ? id : id.slice(0, slash)));
}

/** One environment that can be opened by its id. */
export interface ListedEnvironment {
  readonly id: string;
  readonly family: string;
  /** The family's sentence. */
  readonly summary: string;
  /** What has to be installed besides Baton; undefined for embedded ones. */
  readonly needs: string | undefined;
}

/** Every environment of every family. */
export function listEnvironments(): ListedEnvironment[] {
  return families.flatMap(({ name, summary, members, needs }) =>
    members.map((member) => ({ id: `${name}/${member}`, family: name, summary, needs: needs?.(member) })),
  );
}

/**
 * Opens an environment.
 *
 * @param id `family/member`; a path such as `./my-env.ts`, or the name of an npm package (see `load.ts`); or
 *   `python:module:Class`.
 * @param options what `--set env.key=value` gave, not yet checked.
 * @param refuse what to do about wrong options; throws one BatonError that names each as `env.<key>` unless told otherwise.
 * @param directory where paths start and packages are looked for.
 * @throws BatonError `unknown-name` with the nearest id; `invalid-file` for files that are no environment; what `refuse` throws.
 */
export async function openEnvironment(
  id: string,
  options: Options = {},
  refuse: RefuseOptions = throwIssues,
  directory = process.cwd(),
): Promise<OpenedEnvironment> {
  const found = await find(id, options, refuse, directory);
  if ("vectorize" in found) return found;
  const argument: MakerArgument = { id, options: found.options, directory };
  const maker = { make: found.make, source: { module: import.meta.url, name: "makerOf", argument } };
  return embeddedEnvironment(maker, found.options, found.policies ?? familyOf(id)?.policies);
}

/** {@link openEnvironment} for those who can use nothing but an embedded one. */
export async function openEmbedded(...parameters: Parameters<typeof openEnvironment>): Promise<EmbeddedEnvironment> {
  const opened = await openEnvironment(...parameters);
  if (isEmbedded(opened)) return opened;
  throw new BatonError("invalid-value", `${parameters[0]} does not run inside this process`);
}

interface MakerArgument {
  readonly id: string;
  readonly options: Options;
  readonly directory: string;
}

/** What another thread calls to make copies: the maker of an environment that was opened and checked already. */
export async function makerOf({ id, options, directory }: MakerArgument): Promise<() => Environment> {
  const found = await find(id, options, alreadyChecked, directory);
  if ("make" in found) return found.make;
  throw new BatonError("invalid-value", `${id} does not run inside this process`);
}

async function find(
  id: string,
  options: Options,
  refuse: HowToCheck,
  directory: string,
): Promise<MadeEnvironment | OpenedEnvironment> {
  if (isPythonEnvironment(id)) return servedEnvironment(id, options);
  const family = familyOf(id);
  const ids = listEnvironments().map((environment) => environment.id);
  if (family) {
    const member = id.slice(family.name.length + 1);
    if (!family.members.includes(member)) throw unknownName("environment", id, ids);
    return family.open(member, options, refuse);
  }
  const custom = await loadCustomEnvironment(id, options, refuse, directory);
  if (custom) return custom;
  const { message, hint } = unknownName("environment", id, ids);
  throw new BatonError("unknown-name", message, {
    hint: `${hint}, or a path such as ./my-env.ts or ./my-map.yaml, python:module:Class, or an installed package`,
  });
}
