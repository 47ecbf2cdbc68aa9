import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { BatonError } from "../errors.js";
import { unknownName } from "../names.js";
import { packageRoot } from "../package.js";
import { type SettingLayer, yamlLayer } from "./layers.js";

const presetFolder = () => join(packageRoot(), "experiments");

/** Names of the presets that come with Baton: the YAML files of experiments/, e.g. `ace/3m`. */
export function presetNames(): string[] {
  const folder = presetFolder();
  return (
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      // experiments/masked and experiments/trajectory hold recipes of `baton pretrain`
      .filter((file) => file.endsWith(".yaml") && !/^(masked|trajectory)[\\/]/.test(file))
      .map((file) => relative(folder, join(folder, file)).slice(0, -".yaml".length).split(sep).join("/"))
      .sort()
  );
}

/** Settings of a preset by name, or of a YAML file by path. Throws a BatonError that names the nearest preset. */
export function presetLayer(nameOrFile: string): SettingLayer {
  const isFile = /\.ya?ml$/.test(nameOrFile);
  const path = isFile ? nameOrFile : join(presetFolder(), `${nameOrFile}.yaml`);
  if (!existsSync(path)) {
    if (!isFile) throw unknownName("preset", nameOrFile, presetNames());
    throw new BatonError("unknown-name", `there is no file ${path}`, { hint: `presets: ${presetNames().join(", ")}` });
  }
  if (statSync(path).isDirectory()) throw new BatonError("invalid-file", `${path} is a folder, but must be a YAML file`);
  return yamlLayer(readFileSync(path, "utf8"), isFile ? nameOrFile : `experiments/${nameOrFile}.yaml`);
}
