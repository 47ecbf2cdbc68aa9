import { join } from "node:path";
import { Command } from "commander";
import { onDisk, writeFileAtomic } from "../runs/files.js";
import { RunFolder } from "../runs/index.js";
import type { ArraySpec } from "../tensor/tree.js";
import { resolveExperiment } from "../training/experiment.js";
import { exportPolicy } from "../training/export.js";
import { yamlLayer } from "../training/layers.js";
import { loadPolicy } from "../training/policy-file.js";
import { checkpointOf, wholeNumber } from "./arguments.js";
import { formatNumber, printJson, printLines } from "./output.js";

interface ExportOptions {
  readonly onnx: string;
  readonly checkpoint: string;
  readonly batch: string;
  readonly json?: boolean;
}

export function exportCommand(): Command {
  return new Command("export")
    .description("Write a run's greedy policy as a standard ONNX model, for any program that runs ONNX.")
    .argument("<run>", "The run's folder.")
    .requiredOption("--onnx <file>", "Where to write the model.")
    .option("--checkpoint <which>", "best, latest, or the environment step of a checkpoint.", "best")
    .option("--batch <count>", "Teams that decide at once; fixed in the model.", "1")
    .option("--json", "Print what was written as one JSON object.")
    .action(exportRun);
}

async function exportRun(path: string, options: ExportOptions): Promise<void> {
  const batch = wholeNumber("--batch", options.batch, 1, 65_536);
  const checkpoint = checkpointOf(options.checkpoint);
  const run = RunFolder.open(path);
  const experiment = await resolveExperiment(yamlLayer(run.readConfig(), join(path, "config.yaml")));
  const { policy, step, warnings } = loadPolicy(run, checkpoint, experiment);
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
  const { bytes, inputs, outputs } = await exportPolicy(experiment, policy, step, batch);
  onDisk("write", options.onnx, () => writeFileAtomic(options.onnx, [bytes]));
  if (options.json) {
    printJson({ file: options.onnx, bytes: bytes.byteLength, checkpoint: step, batch, inputs, outputs });
    return;
  }
  const lines = (arrays: Readonly<Record<string, ArraySpec>>) =>
    Object.entries(arrays).map(([name, { shape, dtype }]) => `  ${name.padEnd(14)} ${dtype} [${shape.join(", ")}]`);
  printLines(
    `wrote ${options.onnx} (${formatNumber(bytes.byteLength / 1024)} KB, ONNX opset 18), the policy of step ${step}`,
    "takes",
    ...lines(inputs),
    "gives",
    ...lines(outputs),
  );
}
