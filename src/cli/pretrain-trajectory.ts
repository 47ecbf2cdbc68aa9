/** `baton pretrain` where what is learnt from are recorded episodes. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { RunFolder } from "../runs/index.js";
import { openDevice } from "../tensor/devices.js";
import { optionLayer, type SettingLayer, yamlLayer } from "../training/layers.js";
import { trajectoryAgent } from "../training/transfer.js";
import { resolveTrajectoryRecipe, trajectoryRecipeLayer, trajectoryRecipeNames } from "../trajectory/recipe.js";
import { openTrajectoryRun, pretrainTrajectories, trajectoryRecipeOf } from "../trajectory/run.js";
import { nothingToLearnFrom } from "../trajectory/windows.js";
import { fileName } from "./arguments.js";
import { onInterrupt } from "./interrupt.js";
import { printJson, printLines } from "./output.js";

export interface TrajectoryOptions {
  readonly run?: string;
  readonly recording?: readonly string[];
  readonly json?: boolean;
}

/** Whether a recipe, or the run that is gone on with, is one of trajectories. */
export function isOfTrajectories(recipe: string, run: string | undefined): boolean {
  if (run !== undefined && RunFolder.inspect(run) === "run") return RunFolder.open(run).info.agent === trajectoryAgent;
  if (!/\.ya?ml$/.test(recipe)) return trajectoryRecipeNames().includes(recipe);
  if (!existsSync(recipe)) return false;
  const { data } = yamlLayer(readFileSync(recipe, "utf8"), recipe).settings as { data?: { kind?: unknown } };
  return data?.kind === "recordings";
}

export async function pretrainFromRecordings(
  name: string,
  options: TrajectoryOptions,
  given: readonly SettingLayer[],
): Promise<void> {
  const { recording } = options;
  const layers = [...given, optionLayer(recording ? { data: { recordings: recording } } : {}, () => "--recording")];
  const resumes = options.run !== undefined && RunFolder.inspect(options.run) === "run";
  const wanted = resumes ? undefined : resolveTrajectoryRecipe([trajectoryRecipeLayer(name), ...layers]);
  const path = options.run ?? join("runs", `${fileName(name)}-${wanted!.seed}`);
  const goesOn = RunFolder.inspect(path) === "run";
  const recipe = goesOn ? resolveTrajectoryRecipe([trajectoryRecipeOf(openTrajectoryRun(path)), ...layers]) : wanted!;
  if (recipe.data.recordings.length === 0) throw nothingToLearnFrom();
  const device = await openDevice(recipe.device, { threads: recipe.threads });
  const interrupt = onInterrupt();
  process.stderr.write(
    `${goesOn ? "resuming" : "pre-training"} on ${recipe.data.recordings.join(", ")}, seed ${recipe.seed}, in ${path}\n`,
  );
  process.stderr.write(`device ${device.name}: ${device.description}\n`);
  const started = performance.now();
  try {
    const { updates } = await pretrainTrajectories(
      path,
      recipe,
      device,
      {
        onReport(update, loss, { heldOutLoss, persistenceLoss }) {
          const kept =
            heldOutLoss === undefined ? "" : `  held out ${heldOutLoss.toFixed(4)} (persistence ${persistenceLoss!.toFixed(4)})`;
          process.stderr.write(`update ${update} of ${recipe.updates}  loss ${loss.toFixed(4)}${kept}\n`);
        },
      },
      interrupt.signal,
    );
    const finished = updates >= recipe.updates;
    const seconds = (performance.now() - started) / 1000;
    if (options.json) printJson({ run: path, updates, finished, seconds });
    else if (finished) printLines(`done: ${updates} updates`, `train with it: baton train PRESET --init-encoder ${path}`);
    else printLines(`stopped at update ${updates}; go on with: baton pretrain --run ${path}`);
    if (!finished) process.exitCode = 130;
  } finally {
    interrupt.done();
  }
}
