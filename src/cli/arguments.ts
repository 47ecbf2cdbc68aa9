import { type OpenedEnvironment, openEnvironment, type Resources } from "../../envs/index.js";
import { simulatorSettings } from "../bridge/settings.js";
import type { ScriptedPolicy } from "../environment.js";
import { BatonError } from "../errors.js";
import { unknownName } from "../names.js";
import { type SettingLayer, setLayer } from "../training/layers.js";
import { checkSettings, settingsError } from "../validation.js";

/** The whole number that an option was given as text. Throws a BatonError that names the option and the range. */
export function wholeNumber(option: string, text: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isInteger(value) && value >= least && value <= most) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new BatonError("invalid-value", `${option} is "${text}", but must be a whole number ${range}`);
}

/** The number above zero that an option was given as text. Throws a BatonError that names the option. */
export function positiveNumber(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value) && value > 0) return value;
  throw new BatonError("invalid-value", `${option} is "${text}", but must be a number above 0`);
}

/** A scripted policy of an environment by name. Throws a BatonError that names those that there are. */
export function scriptedPolicy(id: string, { policies }: OpenedEnvironment, name: string): ScriptedPolicy {
  const names = Object.keys(policies);
  if (names.length === 0) {
    throw new BatonError("unknown-name", `${id} has no scripted policies`, { hint: "maps of skirmish have: baton envs list" });
  }
  const policy = policies[name];
  if (!policy) throw unknownName("scripted policy", name, names);
  return policy;
}

/** An id or a name as a part of a path: `skirmish/3m` → `skirmish-3m`. */
export function fileName(id: string): string {
  return id
    .replace(/\.([jt]s|ya?ml|json)$/, "")
    .replace(/[^A-Za-z0-9_]+/g, "-")
    .replace(/^-|-$/g, "");
}

/** A number of at least 0 and less than 1. */
export function chance(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value < 1) return value;
  throw new BatonError("invalid-value", `${option} is "${text}", but must be a number of at least 0 and less than 1`);
}

/** Which checkpoint `--checkpoint` means. Throws a BatonError for anything else. */
export function checkpointOf(text: string): "best" | "latest" | number {
  if (text === "best" || text === "latest") return text;
  if (/^\d+$/.test(text)) return Number(text);
  throw new BatonError(
    "invalid-value",
    `--checkpoint is "${text}", but must be best, latest, or the environment step of a checkpoint`,
  );
}

/** For commander: an option that may be given several times. */
export function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}

/** Help for the argument that {@link openFromCommandLine} reads. */
export const environmentId = "An environment's id, the path of your own (./my-env.ts, python:module:Class), or a package's name.";

/** Help for the option that {@link openFromCommandLine} reads. */
export const environmentSettings = [
  "--set <key=value>",
  "An option of the environment (env.key), or how its simulators are run (simulators.key); may be repeated.",
] as const;

/** `--set` options where only those of the environment and its simulators have a meaning. */
export function environmentLayer(assignments: readonly string[]): SettingLayer {
  const layer = setLayer(assignments);
  const parts = ["env", "simulators"];
  const [other] = Object.entries(layer.settings).find(
    ([name, value]) => !parts.includes(name) || typeof value !== "object" || value === null,
  ) ?? [undefined];
  if (other === undefined) return layer;
  throw new BatonError("invalid-value", `--set ${other} has no meaning here`, {
    hint: "only the environment's options (--set env.key=value) and simulators.key can be set",
  });
}

/** Opens an environment with `--set env.key=value` and `--set simulators.key=value`; no other settings have a meaning here. */
export async function openFromCommandLine(
  id: string,
  assignments: readonly string[],
  envThreads = 0,
): Promise<{ opened: OpenedEnvironment; resources: Resources }> {
  const { env = {}, simulators } = environmentLayer(assignments).settings;
  // Who checks or measures an environment wants to hear of its first mistake.
  const checked = checkSettings(simulatorSettings, { failures: 1, ...(simulators as object | undefined) }, "simulators");
  if (checked.issues !== undefined) throw settingsError(checked.issues);
  const opened = await openEnvironment(id, env as Readonly<Record<string, unknown>>);
  return { opened, resources: { envThreads, simulators: checked.value } };
}

/**
 * Refuses options that have no meaning where they are given: whoever gives one believes that something else is done.
 *
 * @param where after "has no meaning", e.g. `for this recipe`.
 */
export function refuseOptions<O extends object>(
  options: O,
  names: readonly (keyof O & string)[],
  where: string,
  hint?: string,
): void {
  for (const name of names) {
    if (options[name] === undefined) continue;
    const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    throw new BatonError("invalid-value", `${flag} has no meaning ${where}`, hint === undefined ? {} : { hint });
  }
}
