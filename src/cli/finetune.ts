import { Command } from "commander";
import { fineTune } from "../pretraining/judge.js";
import { loadPretrained } from "../pretraining/run.js";
import { openDevice } from "../tensor/devices.js";
import { chance, positiveNumber, wholeNumber } from "./arguments.js";
import { printJson, printLines } from "./output.js";
import { onRead } from "./reading.js";

interface FinetuneOptions {
  readonly labels: string;
  readonly test: string;
  readonly updates: string;
  readonly batch: string;
  readonly learningRate: string;
  readonly layerDecay: string;
  readonly dropPath: string;
  readonly untrained?: boolean;
  readonly seed: string;
  readonly device?: string;
  readonly json?: boolean;
}

export function finetuneCommand(): Command {
  return new Command("finetune")
    .description("Train a pre-trained encoder further on few labels, and say how well it classifies.")
    .argument("<run>", "The folder of a run of baton pretrain.")
    .option("--labels <n>", "Labelled samples to learn from.", "512")
    .option("--test <n>", "Samples to judge by.", "1000")
    .option("--updates <n>", "Updates.", "320")
    .option("--batch <n>", "Samples in each update.", "64")
    .option("--learning-rate <rate>", "Learning rate at its highest.", "0.001")
    .option("--layer-decay <factor>", "Factor of the learning rate from each block to the one below.", "0.75")
    .option("--drop-path <chance>", "Chance that a sample passes over a branch of the last block, less for lower ones.", "0.1")
    .option("--untrained", "The same network from its first weights, for comparison.")
    .option("--seed <n>", "Seed of the order of samples and of the head.", "0")
    .option("--device <name>", "Where networks run, e.g. cpu or webgpu.")
    .option("--json", "Print the result as one JSON object.")
    .action(finetune);
}

async function finetune(path: string, options: FinetuneOptions): Promise<void> {
  const settings = {
    labels: wholeNumber("--labels", options.labels, 1),
    updates: wholeNumber("--updates", options.updates, 1),
    batch: wholeNumber("--batch", options.batch, 1),
    learningRate: positiveNumber("--learning-rate", options.learningRate),
    layerDecay: positiveNumber("--layer-decay", options.layerDecay),
    dropPath: chance("--drop-path", options.dropPath),
    seed: wholeNumber("--seed", options.seed, 0),
  };
  const testCount = wholeNumber("--test", options.test, 1);
  const { recipe, model, data, weights, updates } = await loadPretrained(path, { fresh: options.untrained === true, onRead });
  const device = await openDevice(options.device ?? recipe.device, { threads: recipe.threads });
  const { accuracy, labels, batch, test } = await fineTune(device, model, weights, { ...data, testCount }, settings);
  if (options.json) {
    printJson({ run: path, pretrainedFor: updates, ...settings, labels, batch, test, accuracy });
    return;
  }
  const from = updates === 0 ? "from scratch" : `from an encoder pre-trained for ${updates} updates`;
  printLines(`${(100 * accuracy).toFixed(1)} % of ${test} right, ${from}, ${labels} labels`);
}
