import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { BatonError } from "../errors.js";
import { maskedAgent, trajectoryAgent } from "../pretraining/folder.js";
import { reconstructionPicture } from "../pretraining/pictures.js";
import { beginPretraining, type Pretrained, pretrainRun, recipeLayer, resolveRecipe, writeOfficial } from "../pretraining/run.js";
import { onDisk, writeFileAtomic } from "../runs/files.js";
import { RunFolder, readMetrics } from "../runs/index.js";
import type { Device } from "../tensor/device.js";
import { openDevice } from "../tensor/devices.js";
import { mergeLayers, optionLayer, type SettingLayer, setLayer, yamlLayer } from "../training/layers.js";
import { trajectoryRecipeNames } from "../trajectory/recipe.js";
import { collect, wholeNumber } from "./arguments.js";
import { writeCurve } from "./curve.js";
import { findRun, type PretrainOptions, pretrainAndTell, refuseForRecipe } from "./pretrain-run.js";
import { pretrainFromRecordings } from "./pretrain-trajectory.js";
import { pictureFile } from "./replay-pretraining.js";

export function pretrainCommand(): Command {
  return new Command("pretrain")
    .description(
      "Teach an encoder to predict what is hidden of pictures, videos or recorded episodes, or go on where that was stopped.",
    )
    .argument("[recipe]", "Name of a recipe in experiments/masked or experiments/trajectory, or a YAML file (default: mae).")
    .option("--run <dir>", "Folder of the run; an existing one is resumed (default: runs/RECIPE-SEED).")
    .option("--seed <n>", "Seed of every random stream, a whole number from 0.")
    .option("--device <name>", "Where networks run, e.g. cpu or webgpu.")
    .option("--threads <n>", "Threads inside one operation; 0 takes one per core.")
    .option("--set <key=value>", "Any other setting, e.g. masking.ratio=0.9; may be repeated.", collect, [])
    .option(
      "--weights <file>",
      "Begin with these weights: a safetensors file with the names of the authors' MAE (MAE-ST for videos).",
    )
    .option("--save-weights <file>", "At last write the weights as such a file.")
    .option("--recording <dir...>", "Recordings to learn from (see baton record); of recipes in experiments/trajectory.")
    .option("--fresh", "Start over: delete the run that is in the folder, after asking.")
    .option("--yes", "Answer yes to the question that --fresh asks.")
    .option("--json", "Print the result as one JSON object.")
    .action(pretrain);
}

function commandLine({ seed, device, threads, recording, set }: PretrainOptions): SettingLayer {
  const given = {
    ...(seed === undefined ? {} : { seed: wholeNumber("--seed", seed, 0) }),
    ...(device === undefined ? {} : { device }),
    ...(threads === undefined ? {} : { threads: wholeNumber("--threads", threads, 0, 256) }),
    ...(recording === undefined ? {} : { data: { recordings: recording } }),
  };
  return mergeLayers([setLayer(set), optionLayer(given, ([name]) => (name === "data" ? "--recording" : `--${name}`))]);
}

/** Whether what is learnt from are recorded episodes: by the recipe, or by the run where none is named. */
function isOfTrajectories(recipe: string | undefined, run: string | undefined): boolean {
  if (recipe === undefined)
    return run !== undefined && RunFolder.inspect(run) === "run" && RunFolder.open(run).info.agent === trajectoryAgent;
  if (!/\.ya?ml$/.test(recipe)) return trajectoryRecipeNames().includes(recipe);
  if (!existsSync(recipe)) return false;
  const { data } = yamlLayer(readFileSync(recipe, "utf8"), recipe).settings as { data?: { kind?: unknown } };
  return data?.kind === "recordings";
}

async function pretrain(name: string | undefined, options: PretrainOptions): Promise<void> {
  const given = commandLine(options);
  if (isOfTrajectories(name, options.run)) return pretrainFromRecordings(name, options, given);
  refuseForRecipe(options, ["recording"], "recipes of recorded episodes, such as trajectory");
  const layer = (recipe: string) => recipeLayer(recipe, trajectoryRecipeNames());
  const found = await findRun({ agent: maskedAgent, layer, resolve: resolveRecipe }, name, options, given);
  const { path, recipe } = found;
  if (found.resumes && options.weights !== undefined) {
    throw new BatonError("invalid-value", `--weights has no meaning for ${path}, which goes on with its own`, {
      hint: "choose another folder with --run, or start over with --fresh",
    });
  }
  const device = await openDevice(recipe.device, { threads: recipe.threads });
  const begin = () => found.open(() => beginPretraining(path, recipe));
  await pretrainAndTell(
    found,
    device,
    async (events, signal) => {
      const before = process.cpuUsage();
      const pretrained = await pretrainRun(begin, recipe, device, events, signal, options.weights);
      const { user, system } = process.cpuUsage(before);
      const run = RunFolder.open(path);
      await drawPretraining(run, device, pretrained);
      if (options.saveWeights !== undefined) writeOfficial(options.saveWeights, pretrained);
      const loss = readMetrics(run).at(-1)?.loss ?? null;
      return { ...pretrained, loss, processorSeconds: (user + system) / 1e6 };
    },
    {
      from: recipe.data.kind,
      json: options.json === true,
      next: [`see it with: baton replay ${path} --html`, `judge it with: baton probe ${path}, baton finetune ${path}`],
      facts: ({ loss, processorSeconds }) => ({ loss, processorSeconds }),
    },
  );
}

/** Leaves the curve of the loss and pictures in the run's folder. */
async function drawPretraining(run: RunFolder, device: Device, { model, weights, data }: Pretrained): Promise<void> {
  writeCurve(run);
  const picture = await reconstructionPicture(device, model, weights, data.test, model.shape.frames === 1 ? 8 : 3);
  const path = join(run.path, pictureFile);
  onDisk("write", path, () => writeFileAtomic(path, [picture]));
}
