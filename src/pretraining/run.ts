/** A pre-training on disk: a run folder whose configuration is a recipe. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BatonError } from "../errors.js";
import { fromOfficial, type OfficialShape, toOfficial } from "../masked/index.js";
import { unknownName, yamlNames } from "../names.js";
import { packageRoot, packageVersion } from "../package.js";
import { onDisk, writeFileAtomic } from "../runs/files.js";
import { listCheckpoints, loadCheckpoint, matchTree, type RunFolder, saveCheckpoint } from "../runs/index.js";
import { decodeSafetensors, encodeSafetensors } from "../runs/safetensors.js";
import type { Device } from "../tensor/device.js";
import { RandomStream } from "../tensor/random.js";
import type { HostTree } from "../tensor/tree.js";
import { locateIssues, mergeLayers, type SettingLayer, yamlLayer } from "../training/layers.js";
import { checkSettings, settingsError } from "../validation.js";
import { beginRunOf, maskedAgent, openRunOf } from "./folder.js";
import { type PretrainEvents, trainOnDisk } from "./loop.js";
import { Model } from "./model.js";
import { Pretraining } from "./pretrain.js";
import { openData, type Recipe, recipeSchema, type Split } from "./recipe.js";

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

/** Begins the run folder of a recipe. */
export const beginPretraining = (path: string, recipe: Recipe): RunFolder =>
  beginRunOf(path, { baton: packageVersion(), env: recipe.data.kind, agent: maskedAgent, seed: recipe.seed }, recipe);

/**
 * Pre-trains in a run folder from its last checkpoint to the recipe's end or `signal`, and checkpoints at last. A new
 * run begins with the weights of a safetensors file with the authors' names (see `src/masked/official`) where `weights` names one.
 *
 * @param open begins the run or opens it: called when data, model and weights were found to be good, so that bad ones leave no folder behind.
 * @returns the model as it is then, and how many updates were made.
 */
export async function pretrainRun(
  open: () => RunFolder,
  recipe: Recipe,
  device: Device,
  events: PretrainEvents = {},
  signal?: AbortSignal,
  weights?: string,
): Promise<Pretrained & { readonly made: number }> {
  const data = await openData(recipe, { onRead: events.onRead, signal });
  const model = new Model(recipe, data.train);
  const training = new Pretraining(device, model, data.train);
  try {
    if (weights !== undefined) training.begin(matchTree(await training.weights(), readOfficial(weights, model), weights));
    const run = open();
    const release = run.lock();
    try {
      // so that a run which is killed early does not go on without them
      if (weights !== undefined && listCheckpoints(run).steps.length === 0)
        saveCheckpoint(run, { step: 0, state: await training.state(), json: { updates: 0 } });
      const made = await trainOnDisk(run, training, recipe, events, signal);
      return { recipe, model, data, weights: await training.weights(), updates: training.updates, made };
    } finally {
      release();
    }
  } finally {
    training.dispose();
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
  { fresh = false, seed, onRead }: { fresh?: boolean; seed?: number; onRead?: PretrainEvents["onRead"] } = {},
): Promise<Pretrained> {
  const run = openRunOf(
    maskedAgent,
    path,
    `probe and finetune judge encoders of pictures and videos; what another is worth shows in training: baton train PRESET --init-encoder ${path}`,
  );
  const recipe = resolveRecipe([yamlLayer(run.readConfig(), run.config)]);
  const data = await openData(recipe, { onRead });
  const model = new Model(recipe, data.train);
  const start = model.init(RandomStream.from(seed ?? recipe.seed, "initial weights"));
  if (fresh) return { recipe, model, data, weights: start, updates: 0 };
  const { state, json } = loadCheckpoint(run, "latest", { replay: false });
  const { params } = state as { params: HostTree };
  const weights = matchTree(start, params, `the checkpoint of ${path}`);
  return { recipe, model, data, weights, updates: (json as { updates: number }).updates };
}
