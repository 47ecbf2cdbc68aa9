/** A pre-training on disk: a run folder whose configuration is a recipe. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { BatonError } from "../errors.js";
import { fromOfficial, type OfficialShape, toOfficial } from "../masked/index.js";
import { unknownName, yamlNames } from "../names.js";
import { packageRoot, packageVersion } from "../package.js";
import { onDisk, writeFileAtomic } from "../runs/files.js";
import { loadCheckpoint, matchTree, RunFolder } from "../runs/index.js";
import { decodeSafetensors, encodeSafetensors } from "../runs/safetensors.js";
import type { Device } from "../tensor/device.js";
import { RandomStream } from "../tensor/random.js";
import type { HostTree } from "../tensor/tree.js";
import { locateIssues, mergeLayers, type SettingLayer, yamlLayer } from "../training/layers.js";
import { checkSettings, settingsError } from "../validation.js";
import { type PretrainEvents, trainOnDisk } from "./loop.js";
import { Model } from "./model.js";
import { Pretraining } from "./pretrain.js";
import { openData, type Recipe, recipeSchema, type Split } from "./recipe.js";

/** What `run.json` says of every pre-training in place of an algorithm's name. */
const AGENT = "masked-autoencoder";

const recipeFolder = () => join(packageRoot(), "experiments", "masked");

export const recipeNames = (): string[] => yamlNames(recipeFolder());

/** A recipe by name, or of a YAML file by path; `others` are names of recipes of another kind, for people. */
export function recipeLayer(nameOrFile: string, others: readonly string[] = []): SettingLayer {
  const isFile = /\.ya?ml$/.test(nameOrFile);
  const path = isFile ? nameOrFile : join(recipeFolder(), `${nameOrFile}.yaml`);
  if (existsSync(path))
    return yamlLayer(readFileSync(path, "utf8"), isFile ? nameOrFile : `experiments/masked/${nameOrFile}.yaml`);
  if (!isFile) throw unknownName("recipe", nameOrFile, [...recipeNames(), ...others]);
  throw new BatonError("unknown-name", `there is no file ${path}`, { hint: `recipes: ${recipeNames().join(", ")}` });
}

/** Checks a recipe. Throws one BatonError with every mistake and where it was written. */
export function resolveRecipe(layers: readonly SettingLayer[]): Recipe {
  const layer = mergeLayers(layers);
  const checked = checkSettings(recipeSchema, layer.settings);
  if (checked.issues !== undefined) throw settingsError(locateIssues(checked.issues, [], layer));
  return checked.value;
}

export interface Pretrained {
  readonly recipe: Recipe;
  readonly model: Model;
  readonly data: Split;
  readonly weights: HostTree;
  readonly updates: number;
}

/** Begins a run folder, or opens that of the same recipe to go on with it. */
export function beginOrOpen(path: string, recipe: Recipe): RunFolder {
  if (RunFolder.inspect(path) !== "run") {
    const info = { baton: packageVersion(), env: recipe.data.kind, agent: AGENT, seed: recipe.seed };
    return RunFolder.create(
      path,
      info,
      `# The whole recipe of this run; \`baton pretrain --run …\` resumes with it.\n${stringify(recipe)}`,
    );
  }
  return openPretraining(path);
}

/** Opens a run of `baton pretrain`. Throws a BatonError when it is a run of another kind. */
export function openPretraining(path: string): RunFolder {
  const run = RunFolder.open(path);
  if (run.info.agent === AGENT) return run;
  throw new BatonError("incompatible", `${path} is a run of ${run.info.agent} on ${run.info.env}, not of baton pretrain`, {
    hint: "choose another folder with --run",
  });
}

export const recipeOf = (run: RunFolder): SettingLayer => yamlLayer(run.readConfig(), run.config);

/**
 * Pre-trains in a run folder from its last checkpoint to the recipe's end or `signal`, and checkpoints at last. A new
 * run begins with the weights of a safetensors file with the authors' names (see `src/masked/official`) where `weights` names one.
 *
 * @param open the run, or what opens it: called when data and weights were found to be good, so that bad ones leave no folder behind.
 */
export async function pretrainRun(
  open: RunFolder | (() => RunFolder),
  recipe: Recipe,
  device: Device,
  events: PretrainEvents = {},
  signal?: AbortSignal,
  weights?: string,
): Promise<Pretrained> {
  const data = await openData(recipe);
  const model = new Model(recipe, data.train);
  const begin = weights === undefined ? undefined : readOfficial(weights, model);
  const run = typeof open === "function" ? open() : open;
  const release = run.lock();
  try {
    const training = new Pretraining(device, model, data.train);
    try {
      await trainOnDisk(run, training, recipe, events, signal, async () => {
        if (begin) training.begin(matchTree(await training.weights(), begin, String(weights)));
      });
      return { recipe, model, data, weights: await training.weights(), updates: training.updates };
    } finally {
      training.dispose();
    }
  } finally {
    release();
  }
}

/** The sizes of a recipe's MAE, or of its MAE-ST where it is of videos. */
function officialShape({ recipe, shape, target, grid }: Model): OfficialShape {
  const { channels, patch, tube } = shape;
  const { rows, columns, frames } = grid;
  const video = shape.frames > 1 ? { frames, tube, predictedTube: target.tube } : {};
  return { channels, patch, rows, columns, ...video, encoder: recipe.encoder, decoder: recipe.decoder };
}

/** Weights of a safetensors file with the authors' names. */
function readOfficial(file: string, model: Model): HostTree {
  const shape = officialShape(model);
  const bytes = onDisk("read", file, () => readFileSync(file));
  return fromOfficial(decodeSafetensors(bytes, file), shape, file);
}

/** Writes the weights of a run as a safetensors file with the authors' names, whole or not at all. */
export function writeOfficial(file: string, { model, weights }: Pick<Pretrained, "model" | "weights">): void {
  const arrays = toOfficial(weights, officialShape(model));
  onDisk("write", file, () => writeFileAtomic(file, encodeSafetensors(arrays, { format: "pt" })));
}

/** A pre-trained model with its data, or the same freshly initialised where `fresh`. */
export async function loadPretrained(
  path: string,
  { fresh = false, seed }: { fresh?: boolean; seed?: number } = {},
): Promise<Pretrained> {
  const run = openPretraining(path);
  const recipe = resolveRecipe([recipeOf(run)]);
  const data = await openData(recipe);
  const model = new Model(recipe, data.train);
  const start = model.init(RandomStream.from(seed ?? recipe.seed, "initial weights"));
  if (fresh) return { recipe, model, data, weights: start, updates: 0 };
  const { state, json } = loadCheckpoint(run, "latest", { replay: false });
  const { params } = state as { params: HostTree };
  const weights = matchTree(start, params, `the checkpoint of ${path}`);
  return { recipe, model, data, weights, updates: (json as { updates: number }).updates };
}
