import { Command, Option } from "commander";
import { featuresOf, linearProbe, nearestNeighbours } from "../pretraining/judge.js";
import { type FeatureKind, featureKinds } from "../pretraining/model.js";
import { loadPretrained } from "../pretraining/run.js";
import { openDevice } from "../tensor/devices.js";
import { wholeNumber } from "./arguments.js";
import { printJson, printLines } from "./output.js";
import { onRead } from "./reading.js";

interface ProbeOptions {
  readonly labels: string;
  readonly test: string;
  readonly neighbours: string;
  readonly features: FeatureKind;
  readonly untrained?: boolean;
  readonly device?: string;
  readonly json?: boolean;
}

export function probeCommand(): Command {
  return new Command("probe")
    .description("Judge a pre-trained encoder as it is: a linear classifier of its features, and nearest neighbours.")
    .argument("<run>", "The folder of a run of baton pretrain.")
    .option("--labels <n>", "Labelled samples to learn from.", "1000")
    .option("--test <n>", "Samples to judge by.", "1000")
    .option("--neighbours <k>", "Nearest neighbours that vote.", "20")
    .addOption(
      new Option(
        "--features <which>",
        "What is judged of an encoded sample: the mean of its patches, or its class token as in MAE's own linear probe.",
      )
        .choices(featureKinds)
        .default("patches"),
    )
    .option("--untrained", "The same network with its first weights, for comparison.")
    .option("--device <name>", "Where networks run, e.g. cpu or webgpu.")
    .option("--json", "Print the result as one JSON object.")
    .action(probe);
}

async function probe(path: string, options: ProbeOptions): Promise<void> {
  const [labels, test] = [wholeNumber("--labels", options.labels, 1), wholeNumber("--test", options.test, 1)];
  const k = wholeNumber("--neighbours", options.neighbours, 1);
  const { recipe, model, data, weights, updates } = await loadPretrained(path, { fresh: options.untrained === true, onRead });
  const device = await openDevice(options.device ?? recipe.device, { threads: recipe.threads });
  const train = await featuresOf(device, model, weights, data.train, labels, options.features);
  const judged = await featuresOf(device, model, weights, data.test, test, options.features);
  const linear = await linearProbe(device, train, judged, data.train.classes);
  const neighbours = nearestNeighbours(train, judged, data.train.classes, k);
  if (options.json) {
    printJson({ run: path, updates, features: options.features, labels: train.count, test: judged.count, linear, neighbours, k });
    return;
  }
  const percent = (accuracy: number) => `${(100 * accuracy).toFixed(1)} %`;
  printLines(
    `${updates === 0 ? "untrained" : `after ${updates} updates`}, ${train.count} labels, judged on ${judged.count} samples of ${data.test.name}`,
    `linear probe        ${percent(linear)}`,
    `${String(k).padEnd(3)} neighbours      ${percent(neighbours)}`,
  );
}
