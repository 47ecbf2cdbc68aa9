/** A trajectory pre-training on disk: a run folder whose configuration is a recipe. */
import { stringify } from "yaml";
import { BatonError } from "../errors.js";
import { packageVersion } from "../package.js";
import { type PretrainEvents, trainOnDisk } from "../pretraining/loop.js";
import { RunFolder } from "../runs/index.js";
import type { Device } from "../tensor/device.js";
import type { HostTree } from "../tensor/tree.js";
import { type SettingLayer, yamlLayer } from "../training/layers.js";
import { trajectoryAgent } from "../training/transfer.js";
import { TrajectoryPretraining } from "./pretrain.js";
import type { TrajectoryRecipe } from "./recipe.js";
import { Recording } from "./recording.js";
import { WindowSource } from "./windows.js";

/** Opens a run of trajectory pre-training. Throws a BatonError when it is a run of another kind. */
export function openTrajectoryRun(path: string): RunFolder {
  const run = RunFolder.open(path);
  if (run.info.agent === trajectoryAgent) return run;
  throw new BatonError(
    "incompatible",
    `${path} is a run of ${run.info.agent} on ${run.info.env}, not of trajectory pre-training`,
    {
      hint: "choose another folder with --run",
    },
  );
}

export const trajectoryRecipeOf = (run: RunFolder): SettingLayer => yamlLayer(run.readConfig(), run.config);

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

export interface TrajectoryPretrained {
  readonly run: RunFolder;
  readonly updates: number;
  readonly weights: HostTree;
}

/**
 * Pre-trains in a run folder, which is begun where there is none, from its last checkpoint to the recipe's end or `signal`, and
 * checkpoints at last.
 */
export async function pretrainTrajectories(
  path: string,
  recipe: TrajectoryRecipe,
  device: Device,
  events: PretrainEvents = {},
  signal?: AbortSignal,
): Promise<TrajectoryPretrained> {
  const { source, episodes, env } = openWindows(recipe);
  let training: TrajectoryPretraining | undefined;
  try {
    training = await TrajectoryPretraining.create(device, recipe, source);
    // episodes that are recorded later are not the run's
    const whole = { ...recipe, data: { ...recipe.data, episodes } };
    const run = RunFolder.inspect(path) === "run" ? openTrajectoryRun(path) : begin(path, whole, env, source);
    const release = run.lock();
    try {
      await trainOnDisk(run, training, recipe, events, signal);
      const { params } = (await training.state()) as { params: HostTree };
      return { run, updates: training.updates, weights: params };
    } finally {
      release();
    }
  } finally {
    training?.dispose();
    source.close();
  }
}

function begin(path: string, recipe: TrajectoryRecipe, env: string, { layout }: WindowSource): RunFolder {
  const { entityFeatures, relationFeatures } = layout;
  const info = { baton: packageVersion(), env, agent: trajectoryAgent, seed: recipe.seed, entityFeatures, relationFeatures };
  const comment = "# The whole recipe of this run; `baton pretrain --run …` resumes with it.";
  return RunFolder.create(path, info, `${comment}\n${stringify(recipe)}`);
}
