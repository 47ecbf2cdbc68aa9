/** `baton pretrain` where what is learnt from are recorded episodes. */
import { trajectoryAgent } from "../pretraining/folder.js";
import { openDevice } from "../tensor/devices.js";
import type { SettingLayer } from "../training/layers.js";
import { resolveTrajectoryRecipe, trajectoryRecipeLayer } from "../trajectory/recipe.js";
import { beginTrajectoryRun, pretrainTrajectories } from "../trajectory/run.js";
import { nothingToLearnFrom } from "../trajectory/windows.js";
import { findRun, type PretrainOptions, pretrainAndTell, refuseForRecipe } from "./pretrain-run.js";

export async function pretrainFromRecordings(
  name: string | undefined,
  options: PretrainOptions,
  given: SettingLayer,
): Promise<void> {
  refuseForRecipe(options, ["weights", "saveWeights"], "recipes of pictures and videos, such as mae");
  const kind = { agent: trajectoryAgent, layer: trajectoryRecipeLayer, resolve: resolveTrajectoryRecipe };
  const found = await findRun(kind, name, options, given);
  const { path, recipe } = found;
  if (recipe.data.recordings.length === 0) throw nothingToLearnFrom();
  const device = await openDevice(recipe.device, { threads: recipe.threads });
  const started = performance.now();
  await pretrainAndTell(
    found,
    device,
    (events, signal) =>
      pretrainTrajectories((beginning) => found.open(() => beginTrajectoryRun(path, beginning)), recipe, device, events, signal),
    {
      from: recipe.data.recordings.join(", "),
      json: options.json === true,
      next: [`train with it: baton train PRESET --init-encoder ${path}`],
      facts: () => ({ seconds: (performance.now() - started) / 1000 }),
    },
  );
}
