#!/usr/bin/env node
import { Command } from "commander";
import pc from "picocolors";
import { BatonError } from "../errors.js";
import { packageVersion } from "../package.js";
import { benchCommand } from "./bench.js";
import { distillCommand } from "./distill.js";
import { doctorCommand } from "./doctor.js";
import { envsCommand } from "./envs.js";
import { evaluateCommand } from "./evaluate.js";
import { exportCommand } from "./export.js";
import { finetuneCommand } from "./finetune.js";
import { pretrainCommand } from "./pretrain.js";
import { probeCommand } from "./probe.js";
import { recordCommand } from "./record.js";
import { replayCommand } from "./replay.js";
import { simulatorsCommand } from "./simulators.js";
import { trainCommand } from "./train.js";

/** The whole command line. */
function program(): Command {
  return new Command("baton")
    .description("Baton trains teams: cooperative multi-agent reinforcement learning whose agents decide one after another.")
    .version(packageVersion(), "-V, --version", "Print Baton's version.")
    .helpOption("-h, --help", "Print this help.")
    .showSuggestionAfterError()
    .addCommand(trainCommand())
    .addCommand(evaluateCommand())
    .addCommand(replayCommand())
    .addCommand(exportCommand())
    .addCommand(recordCommand())
    .addCommand(pretrainCommand())
    .addCommand(probeCommand())
    .addCommand(finetuneCommand())
    .addCommand(distillCommand())
    .addCommand(envsCommand())
    .addCommand(simulatorsCommand())
    .addCommand(benchCommand())
    .addCommand(doctorCommand());
}

/** Users' mistakes are one message; anything else is a defect of ours and keeps its stack. */
function report(error: unknown): void {
  if (error instanceof BatonError) {
    process.stderr.write(`${pc.red("error:")} ${error.message}\n`);
    if (error.hint) process.stderr.write(`${error.hint}\n`);
  } else {
    process.stderr.write(
      `${pc.red("internal error:")} ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.stderr.write("This is a defect in Baton. Please report it with the lines above.\n");
  }
  process.exitCode = 1;
}

// a reader that goes away (`baton envs list | head`) is no error
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});
// whoever no longer reads of the progress (`baton train 2>&1 | head`) does not end the training
process.stderr.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

try {
  await program().parseAsync();
} catch (error) {
  report(error);
}
