import { join } from "node:path";
import { packageRoot } from "../../package.js";
import type { Engine } from "./engine.js";

/** Adapters of baton_host whose simulators have an image of their own, and the folders of `envs/` with its Containerfile. */
const folders: Readonly<Record<string, string>> = { smac: "smac", football: "football" };

/** Adapters that need no image of their own, or of which nobody has written one yet. */
const others = ["smaclite", "pettingzoo", "gymnasium"];

/** Everything else needs Python, numpy, pyzmq and msgpack only. */
const base = "python";

/** The image for what a host is told to serve, e.g. `baton-smac` for `smac:3m`. */
export function defaultImage(environment: string): string {
  return `baton-${folderOf(environment)}`;
}

/** Says whether an adapter of baton_host serves this, and not a class of the user's own. */
export function isAdapters(environment: string): boolean {
  const name = environment.split(":", 1)[0]!;
  return Object.hasOwn(folders, name) || others.includes(name);
}

function folderOf(environment: string): string {
  return folders[environment.split(":", 1)[0]!] ?? base;
}

/** The command that builds one of Baton's images; a sentence for others. */
export function buildCommand(engine: Engine, image: string): string {
  const folder = [base, ...Object.values(folders)].find((name) => `baton-${name}` === image);
  if (!folder) return `build it, or choose another with simulators.image; Baton never pulls images by itself`;
  const build = (name: string) =>
    `${engine} build -t baton-${name} -f ${join(packageRoot(), "envs", name, "Containerfile")} ${packageRoot()}`;
  return folder === base ? build(base) : `${build(base)} && ${build(folder)}`;
}
