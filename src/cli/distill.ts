import { existsSync } from "node:fs";
import { Command } from "commander";
import { BatonError } from "../errors.js";
import { RunFolder } from "../runs/index.js";
import { openDevice } from "../tensor/devices.js";
import { distilRun, studentExperiment } from "../training/distil.js";
import { setLayer } from "../training/layers.js";
import { checkpointOf, collect, wholeNumber } from "./arguments.js";
import { printJson } from "./output.js";
import { formatCount, formatDuration } from "./progress.js";

interface Options {
  run: string;
  checkpoint: string;
  seed?: string;
  device?: string;
  set: readonly string[];
  json?: boolean;
}

export function distillCommand(): Command {
  return new Command("distill")
    .description(
      "Teach agents that see only their own observations what a trained team does; the students are a run of their own.",
    )
    .argument("<teacher>", "Folder of the run whose policy teaches.")
    .requiredOption("--run <dir>", "Folder of the students' run; there must be none yet.")
    .option("--checkpoint <which>", "The teacher's weights: best, latest, or the environment step of a checkpoint.", "best")
    .option("--seed <n>", "Seed of every random stream (default: the teacher's).")
    .option("--device <name>", "Where networks run (default: as in the teacher's run).")
    .option(
      "--set <key=value>",
      "A setting of the students' run: agent.window, training.environmentSteps, …; may be repeated.",
      collect,
      [],
    )
    .option("--json", "Print the result as one JSON object.")
    .action((teacher: string, options: Options) => distill(teacher, options));
}

async function distill(teacherPath: string, options: Options): Promise<void> {
  const checkpoint = checkpointOf(options.checkpoint);
  if (existsSync(options.run) && RunFolder.inspect(options.run) !== "absent") {
    throw new BatonError("invalid-value", `${options.run} is there already, and distillation does not go on with it`, {
      hint: "choose another folder with --run",
    });
  }
  const given = {
    ...(options.seed === undefined ? {} : { seed: wholeNumber("--seed", options.seed, 0) }),
    ...(options.device === undefined ? {} : { device: options.device }),
  };
  const { teacher, student } = await studentExperiment(RunFolder.open(teacherPath), given, setLayer(options.set));
  const { config } = student;
  const device = await openDevice(config.device, { threads: config.threads });
  process.stderr.write(
    `distilling ${teacher.config.agent.name} on ${config.env.id} from ${teacherPath} into ${options.run}, seed ${config.seed}\ndevice ${device.name}: ${device.description}\n`,
  );
  const interrupt = new AbortController();
  const stop = () => (interrupt.signal.aborted ? process.exit(130) : interrupt.abort());
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  try {
    const result = await distilRun(
      { teacherPath, checkpoint, teacher, student, path: options.run, device },
      {
        onEvaluation(record, evaluation, best) {
          process.stderr.write(
            `env steps ${formatCount(record.environmentSteps)}  updates ${formatCount(record.updates)}  wins ${(100 * evaluation.winRate).toFixed(0)} % of ${evaluation.episodes.length}` +
              `  agreement ${(100 * (record.agreement ?? 0)).toFixed(0)} %  after ${formatDuration(record.wallSeconds)}${best ? "  (best so far)" : ""}\n`,
          );
        },
        onWarning: (sentence) => process.stderr.write(`warning: ${sentence}\n`),
      },
      interrupt.signal,
    );
    if (options.json) printJson(result);
    else process.stdout.write(`evaluate the students with: baton evaluate ${options.run}\n`);
    if (interrupt.signal.aborted) process.exitCode = 130;
  } finally {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  }
}
