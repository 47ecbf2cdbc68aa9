/** A trajectory pre-training on disk: a run folder whose configuration is a recipe. */
import { BatonError } from "../errors.js";
import { packageVersion } from "../package.js";
import { beginRunOf, trajectoryAgent } from "../pretraining/folder.js";
import { type PretrainEvents, trainOnDisk } from "../pretraining/loop.js";
import type { RunFolder } from "../runs/index.js";
import type { Device } from "../tensor/device.js";
import { TrajectoryPretraining } from "./pretrain.js";
import type { TrajectoryRecipe } from "./recipe.js";
import { Recording } from "./recording.js";
import { WindowSource } from "./windows.js";

/** Opens what a recipe learns from. Throws a BatonError that names the recording which is missing or does not fit. */
export function openWindows({ data, window }: TrajectoryRecipe): { source: WindowSource; episodes: number[]; env: string } {
  const recordings: Recording[] = [];
  try {
    for (const path of data.recordings) recordings.push(Recording.open(path));
    if (data.episodes && data.episodes.length !== recordings.length) {
      throw new BatonError(
        "invalid-value",
        `data.episodes has ${data.episodes.length} numbers for ${recordings.length} recordings, but must have one for each`,
      );
    }
    const episodes = data.episodes ?? recordings.map((recording) => recording.episodes.length);
    const source = new WindowSource(recordings, episodes, window);
    return { source, episodes, env: [...new Set(recordings.map(({ spec }) => spec.id))].join("+") };
  } catch (error) {
    for (const recording of recordings) recording.close();
    throw error;
  }
}

/** What a recipe was found to learn from: all that a new run folder needs to say of itself. */
export interface TrajectoryBeginning {
  /** With the number of episodes of each recording: those that are recorded later are not the run's. */
  readonly recipe: TrajectoryRecipe;
  readonly env: string;
  readonly entityFeatures: number;
  readonly relationFeatures: number;
}

/** Begins the run folder of a recipe. */
export const beginTrajectoryRun = (path: string, { recipe, ...facts }: TrajectoryBeginning): RunFolder =>
  beginRunOf(path, { baton: packageVersion(), agent: trajectoryAgent, seed: recipe.seed, ...facts }, recipe);

/**
 * Pre-trains in a run folder from its last checkpoint to the recipe's end or `signal`, and checkpoints at last.
 *
 * @param open begins the run or opens it: called when recordings and model were found to be good, so that bad ones leave no folder behind.
 * @returns updates so far, and how many of them were made now.
 */
export async function pretrainTrajectories(
  open: (beginning: TrajectoryBeginning) => RunFolder,
  recipe: TrajectoryRecipe,
  device: Device,
  events: PretrainEvents = {},
  signal?: AbortSignal,
): Promise<{ readonly updates: number; readonly made: number }> {
  const { source, episodes, env } = openWindows(recipe);
  let training: TrajectoryPretraining | undefined;
  try {
    training = await TrajectoryPretraining.create(device, recipe, source);
    const whole = { ...recipe, data: { ...recipe.data, episodes } };
    const { entityFeatures, relationFeatures } = source.layout;
    const run = open({ recipe: whole, env, entityFeatures, relationFeatures });
    const release = run.lock();
    try {
      const made = await trainOnDisk(run, training, whole, events, signal);
      return { updates: training.updates, made };
    } finally {
      release();
    }
  } finally {
    training?.dispose();
    source.close();
  }
}
