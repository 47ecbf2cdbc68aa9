/**
 * Settings come in layers (a preset, a file, the command line), later ones over earlier ones; each value remembers where it was
 * written, so that a mistake is reported there.
 *
 * @module
 */
import { BatonError } from "../errors.js";
import type { SettingIssue } from "../validation.js";
import { readYaml } from "../yaml.js";

export type SettingPath = readonly (string | number)[];
type Settings = { readonly [key: string]: unknown };

/** One source of settings. */
export interface SettingLayer {
  readonly settings: Settings;
  /** Where the value at `path` was written, e.g. `my.yaml:12` or `--set agent.hidden=abc`; undefined when it is not from here. */
  origin(path: SettingPath): string | undefined;
}

const isRecord = (value: unknown): value is Settings => typeof value === "object" && value !== null && !Array.isArray(value);

/** Reads YAML text; `name` is the file as people should see it. Throws a BatonError that names the line. */
export function yamlLayer(text: string, name: string): SettingLayer {
  const yaml = readYaml(text, name, "settings look like `key: value`, nested by two spaces");
  const settings: unknown = yaml.value ?? {};
  if (!isRecord(settings)) {
    throw new BatonError(
      "invalid-file",
      `${name} holds ${JSON.stringify(settings).slice(0, 40)}, but must hold settings, one \`key: value\` a line`,
    );
  }
  return { settings, origin: yaml.origin };
}

/** `--set a.b=value` options; values are read as YAML scalars or lists, so `0.5`, `true`, `null` and `[1, 2]` mean what they say. */
export function setLayer(assignments: readonly string[]): SettingLayer {
  const settings: Record<string, unknown> = {};
  const origins = new Map<string, string>();
  for (const assignment of assignments) {
    const equals = assignment.indexOf("=");
    const keys = assignment.slice(0, equals).split(".");
    if (equals < 1 || keys.some((key) => !/^[\w-]+$/.test(key))) {
      throw new BatonError("invalid-value", `--set ${assignment}: expected key=value, with dots between nested keys`, {
        hint: "for example: --set agent.hidden=128",
      });
    }
    const value: unknown = yamlLayer(`value: ${assignment.slice(equals + 1)}`, `--set ${assignment}`).settings.value;
    let at: Record<string, unknown> = settings;
    for (const key of keys.slice(0, -1)) {
      if (!isRecord(at[key])) at[key] = {};
      at = at[key] as Record<string, unknown>;
    }
    at[keys.at(-1)!] = value;
    origins.set(keys.join("."), `--set ${assignment}`);
  }
  return {
    settings,
    origin(path) {
      for (let length = path.length; length > 0; length--) {
        const found = origins.get(path.slice(0, length).join("."));
        if (found !== undefined) return found;
      }
      return undefined;
    },
  };
}

/** Settings given as options of their own, e.g. `--seed 3`. */
export function optionLayer(settings: Settings, optionOf: (path: SettingPath) => string): SettingLayer {
  const holds = (path: SettingPath) => {
    let at: unknown = settings;
    for (const key of path) {
      if (!isRecord(at) || at[key] === undefined) return false;
      at = at[key];
    }
    return true;
  };
  return { settings, origin: (path) => (holds(path) ? optionOf(path) : undefined) };
}

/** Later layers over earlier ones, key by key. */
export function mergeLayers(layers: readonly SettingLayer[]): SettingLayer {
  const settings = layers.reduce<Settings>((merged, layer) => merge(merged, layer.settings), {});
  return {
    settings,
    origin(path) {
      for (const layer of [...layers].reverse()) {
        const found = layer.origin(path);
        if (found !== undefined) return found;
      }
      return undefined;
    },
  };
}

function merge(under: Settings, over: Settings): Settings {
  const merged: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    if (value === undefined) continue;
    const below = merged[key];
    merged[key] = isRecord(below) && isRecord(value) ? merge(below, value) : value;
  }
  return merged;
}

/** Names of the settings, e.g. `agent.hidden`, that a layer gives another value than `settings` has. */
export function differences(layer: SettingLayer, settings: Settings): string[] {
  const differing = (given: Settings, held: Settings, before: string): string[] =>
    Object.entries(given).flatMap(([key, value]) => {
      const other = held[key];
      if (isRecord(value)) return differing(value, isRecord(other) ? other : {}, `${before}${key}.`);
      // as people write them: 7 and "7" are the same level
      return String(value) === String(other) ? [] : [before + key];
    });
  return differing(layer.settings, settings, "");
}

/** The same issues, each preceded by where its value was written. */
export function locateIssues(issues: readonly SettingIssue[], base: SettingPath, layer: SettingLayer): SettingIssue[] {
  return issues.map((issue) => {
    const origin = layer.origin([...base, ...issue.path]);
    return origin === undefined ? issue : { ...issue, message: `${origin}: ${issue.message}` };
  });
}
