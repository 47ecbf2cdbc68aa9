/** What `baton pretrain` does alike whatever is learnt from: find the run and its recipe, be stopped, and say how it ended. */
import { join } from "node:path";
import { BatonError } from "../errors.js";
import { openRunOf, resumedRecipe } from "../pretraining/folder.js";
import type { PretrainEvents } from "../pretraining/loop.js";
import { RunFolder } from "../runs/index.js";
import type { Device } from "../tensor/device.js";
import type { SettingLayer } from "../training/layers.js";
import { fileName, refuseOptions } from "./arguments.js";
import { askToDelete } from "./fresh.js";
import { onInterrupt } from "./interrupt.js";
import { printJson, printLines } from "./output.js";
import { onRead } from "./reading.js";

export interface PretrainOptions {
  readonly run?: string;
  readonly seed?: string;
  readonly device?: string;
  readonly threads?: string;
  readonly set: readonly string[];
  readonly weights?: string;
  readonly saveWeights?: string;
  readonly recording?: readonly string[];
  readonly fresh?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** How recipes of a kind are read, and what `run.json` says of their runs. */
export interface RecipeKind<R> {
  readonly agent: string;
  layer(name: string): SettingLayer;
  resolve(layers: readonly SettingLayer[]): R;
}

/** A run that exists, or is to begin. */
export interface FoundRun<R> {
  readonly path: string;
  readonly recipe: R;
  readonly resumes: boolean;
  /** The run, which `begin` makes where there is none to go on with. */
  open(begin: () => RunFolder): RunFolder;
}

/** The recipe that is learnt by where none is named. */
const usualRecipe = "mae";

/**
 * Finds the run that the command line means. Throws a BatonError when there is one that learns something else.
 *
 * @param name of a recipe or its file; none where a run is gone on with.
 */
export async function findRun<R extends { readonly seed: number }>(
  kind: RecipeKind<R>,
  name: string | undefined,
  options: PretrainOptions,
  given: SettingLayer,
): Promise<FoundRun<R>> {
  const named = name === undefined ? undefined : kind.layer(name);
  const wanted = () => kind.resolve([named ?? kind.layer(usualRecipe), given]);
  const path = options.run ?? join("runs", `${fileName(name ?? usualRecipe)}-${wanted().seed}`);
  const exists = RunFolder.inspect(path) === "run";
  if (exists && !options.fresh) {
    const run = openRunOf(kind.agent, path, "choose another folder with --run, or start over with --fresh");
    return { path, recipe: resumedRecipe(run, kind.resolve, named, given), resumes: true, open: () => run };
  }
  if (exists && name === undefined) {
    throw new BatonError("invalid-value", `--fresh would begin another run in ${path}, but no recipe is named`, {
      hint: `for example: baton pretrain ${usualRecipe} --run ${path} --fresh`,
    });
  }
  const recipe = wanted();
  if (exists) await askToDelete(path, options.yes === true);
  const open = (begin: () => RunFolder) => {
    if (exists) RunFolder.remove(path); // not before the new recipe was found to be good
    return begin();
  };
  return { path, recipe, resumes: false, open };
}

/** Refuses options that a kind of recipe has no use for; `recipes` are those that have. */
export function refuseForRecipe(options: PretrainOptions, names: readonly (keyof PretrainOptions)[], recipes: string): void {
  refuseOptions(options, names, "for this recipe or run", `it is for ${recipes}`);
}

/** What is said of a training as it goes on and ends. */
export interface Told<T> {
  /** What is learnt from. */
  readonly from: string;
  readonly json: boolean;
  /** Lines that say what to do with a run that is finished. */
  readonly next: readonly string[];
  /** What the JSON says besides the run, how far it is and whether that is the end. */
  facts(trained: T): object;
}

/** Trains until the end or Ctrl-C, and says which; the exit code is 130 where it was stopped. */
export async function pretrainAndTell<T extends { readonly updates: number; readonly made: number }>(
  { path, recipe, resumes }: FoundRun<{ readonly seed: number; readonly updates: number }>,
  device: Device,
  train: (events: PretrainEvents, signal: AbortSignal) => Promise<T>,
  { from, json, next, facts }: Told<T>,
): Promise<void> {
  const interrupt = onInterrupt();
  try {
    process.stderr.write(`${resumes ? "resuming" : "pre-training"} on ${from}, seed ${recipe.seed}, in ${path}\n`);
    process.stderr.write(`device ${device.name}: ${device.description}\n`);
    const onReport: PretrainEvents["onReport"] = (update, loss, { heldOutLoss, persistenceLoss }) => {
      const kept =
        heldOutLoss === undefined ? "" : `  held out ${heldOutLoss.toFixed(4)} (persistence ${persistenceLoss!.toFixed(4)})`;
      process.stderr.write(`update ${update} of ${recipe.updates}  loss ${loss.toFixed(4)}${kept}\n`);
    };
    const trained = await train({ onRead, onReport }, interrupt.signal);
    const { updates, made } = trained;
    const finished = updates >= recipe.updates;
    const nothing = `nothing was left to do: ${path} has ${updates} updates already (for more: --set updates=N)`;
    if (json) printJson({ run: path, updates, finished, ...facts(trained) });
    else if (finished) printLines(made === 0 ? nothing : `done: ${updates} updates`, ...next);
    else printLines(`stopped at update ${updates}; go on with: baton pretrain --run ${path}`);
    if (json && made === 0) process.stderr.write(`${nothing}\n`);
    if (!finished) process.exitCode = 130;
  } catch (error) {
    if (!(error instanceof BatonError && error.code === "cancelled")) throw error;
    process.stderr.write(`${error.message}: no update was made\n`);
    process.exitCode = 130;
  } finally {
    interrupt.done();
  }
}
