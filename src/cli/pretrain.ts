import { join } from "node:path";
import { Command } from "commander";
import { BatonError } from "../errors.js";
import { reconstructionPicture } from "../pretraining/pictures.js";
import {
  beginOrOpen,
  openPretraining,
  type Pretrained,
  pretrainRun,
  recipeLayer,
  recipeOf,
  resolveRecipe,
  writeOfficial,
} from "../pretraining/run.js";
import { onDisk, writeFileAtomic } from "../runs/files.js";
import { RunFolder } from "../runs/index.js";
import type { Device } from "../tensor/device.js";
import { openDevice } from "../tensor/devices.js";
import { optionLayer, type SettingLayer, setLayer } from "../training/layers.js";
import { trajectoryRecipeNames } from "../trajectory/recipe.js";
import { collect, fileName, wholeNumber } from "./arguments.js";
import { writeCurve } from "./curve.js";
import { onInterrupt } from "./interrupt.js";
import { printJson, printLines } from "./output.js";
import { isOfTrajectories, pretrainFromRecordings } from "./pretrain-trajectory.js";
import { pictureFile } from "./replay-pretraining.js";

interface PretrainOptions {
  readonly run?: string;
  readonly seed?: string;
  readonly device?: string;
  readonly threads?: string;
  readonly set: readonly string[];
  readonly weights?: string;
  readonly saveWeights?: string;
  readonly recording?: readonly string[];
  readonly json?: boolean;
}

export function pretrainCommand(): Command {
  return new Command("pretrain")
    .description(
      "Teach an encoder to predict what is hidden of pictures, videos or recorded episodes, or go on where that was stopped.",
    )
    .argument("[recipe]", "Name of a recipe in experiments/masked or experiments/trajectory, or a YAML file.", "mae")
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
    .option("--json", "Print the result as one JSON object.")
    .action(pretrain);
}

function commandLine({ seed, device, threads, set }: PretrainOptions): SettingLayer[] {
  const given = {
    ...(seed === undefined ? {} : { seed: wholeNumber("--seed", seed, 0) }),
    ...(device === undefined ? {} : { device }),
    ...(threads === undefined ? {} : { threads: wholeNumber("--threads", threads, 0, 256) }),
  };
  return [setLayer(set), optionLayer(given, (path) => `--${path[0]}`)];
}

async function pretrain(name: string, options: PretrainOptions): Promise<void> {
  if (isOfTrajectories(name, options.run)) return pretrainFromRecordings(name, options, commandLine(options));
  const wanted = resolveRecipe([recipeLayer(name, trajectoryRecipeNames()), ...commandLine(options)]);
  const path = options.run ?? join("runs", `${fileName(name.replace(/\.ya?ml$/, ""))}-${wanted.seed}`);
  const resumes = RunFolder.inspect(path) === "run";
  const recipe = resumes ? resolveRecipe([recipeOf(openPretraining(path)), ...commandLine(options)]) : wanted;
  const device = await openDevice(recipe.device, { threads: recipe.threads });
  if (resumes && options.weights !== undefined) {
    throw new BatonError("invalid-value", `--weights has no meaning for ${path}, which goes on with its own`, {
      hint: "choose another folder with --run",
    });
  }
  const interrupt = onInterrupt();
  process.stderr.write(`${resumes ? "resuming" : "pre-training"} on ${recipe.data.kind}, seed ${recipe.seed}, in ${path}\n`);
  process.stderr.write(`device ${device.name}: ${device.description}\n`);
  let last: number | null = null;
  const onReport = (update: number, loss: number) => {
    last = loss;
    process.stderr.write(`update ${update} of ${recipe.updates}  loss ${loss.toFixed(4)}\n`);
  };
  const before = process.cpuUsage();
  const pretrained = await pretrainRun(
    () => beginOrOpen(path, recipe),
    recipe,
    device,
    { onReport },
    interrupt.signal,
    options.weights,
  );
  const { user, system } = process.cpuUsage(before);
  const processorSeconds = (user + system) / 1e6;
  const { updates } = pretrained;
  await drawPretraining(openPretraining(path), device, pretrained);
  if (options.saveWeights !== undefined) writeOfficial(options.saveWeights, pretrained);
  if (options.json) printJson({ run: path, updates, finished: updates >= recipe.updates, loss: last, processorSeconds });
  else
    printLines(
      `done: ${updates} updates`,
      `see it with: baton replay ${path} --html`,
      `judge it with: baton probe ${path}, baton finetune ${path}`,
    );
}

/** Leaves the curve of the loss and pictures in the run's folder. */
async function drawPretraining(run: RunFolder, device: Device, { model, weights, data }: Pretrained): Promise<void> {
  writeCurve(run);
  const picture = await reconstructionPicture(device, model, weights, data.test, model.shape.frames === 1 ? 8 : 3);
  const path = join(run.path, pictureFile);
  onDisk("write", path, () => writeFileAtomic(path, [picture]));
}
