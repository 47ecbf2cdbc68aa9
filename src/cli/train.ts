import { join, resolve } from "node:path";
import { Command } from "commander";
import { BatonError } from "../errors.js";
import { RunFolder, readMetrics } from "../runs/index.js";
import { openDevice } from "../tensor/devices.js";
import type { Config } from "../training/config.js";
import { resolveExperiment } from "../training/experiment.js";
import { differences, mergeLayers, optionLayer, type SettingLayer, setLayer, yamlLayer } from "../training/layers.js";
import { presetLayer } from "../training/presets.js";
import { beginRun, refuseUntrainable, trainRun } from "../training/session.js";
import { startOf } from "../training/transfer.js";
import { fileName } from "./arguments.js";
import { writeCurve } from "./curve.js";
import { askToDelete } from "./fresh.js";
import { onInterrupt } from "./interrupt.js";
import { printJson } from "./output.js";
import { formatCount, formatDuration, TrainingProgress } from "./progress.js";

interface TrainOptions {
  env?: string;
  agent?: string;
  run?: string;
  init?: string;
  initEncoder?: string;
  seed?: string;
  device?: string;
  threads?: string;
  envThreads?: string;
  copies?: string;
  launch?: string;
  hosts?: string;
  connect?: string[];
  keys?: string;
  set: string[];
  fresh?: boolean;
  yes?: boolean;
  json?: boolean;
}

export function trainCommand(): Command {
  const collect = (value: string, previous: string[]) => [...previous, value];
  return new Command("train")
    .description("Train a team, or go on with a run where it stopped.")
    .argument("[preset]", "Name of a preset in experiments/, or a YAML file.")
    .option("--env <id>", "Environment, e.g. skirmish/3m, or the path of your own, e.g. ./my-env.ts.")
    .option("--agent <name>", "Algorithm: ace or iql.")
    .option("--run <dir>", "Folder of the run; an existing run is resumed (default: runs/ENV-AGENT-SEED).")
    .option("--init <dir>", "Start from the best weights of this run, of any map whose features are the same.")
    .option("--init-encoder <dir>", "Start with the encoder of this run, of `baton pretrain trajectory` or of a team on any map.")
    .option("--seed <n>", "Seed of every random stream, a whole number from 0.")
    .option("--device <name>", "Where networks run: auto, cpu, webgpu, cuda, tensorflow-gpu, tensorflow, wasm or js.")
    .option(
      "--threads <n>",
      "Threads inside one operation; 0 takes one for small networks, else the cores that --env-threads leaves.",
    )
    .option("--env-threads <n>", "Threads that step environment copies while the learner learns; 0 has none.")
    .option("--copies <n>", "Environment copies that are stepped together.")
    .option("--launch <how>", "Where simulators outside this process run: process, podman, docker, or connect (see --connect).")
    .option("--hosts <n>", "Host processes or containers that the copies are shared out to.")
    .option("--connect <endpoint...>", "Hosts that run already, e.g. tcp://127.0.0.1:5600 (see baton simulators up).")
    .option("--keys <file>", "client.json of `baton simulators keys`, for hosts on other machines.")
    .option("--set <key=value>", "Any other setting, e.g. agent.hidden=128; may be repeated.", collect, [])
    .option("--fresh", "Start over: delete the run that is in the folder, after asking.")
    .option("--yes", "Answer yes to the question that --fresh asks.")
    .option("--json", "Print the result as one JSON object.")
    .action((preset: string | undefined, options: TrainOptions) => train(preset, options));
}

async function train(preset: string | undefined, options: TrainOptions): Promise<void> {
  const wanted = mergeLayers([...(preset === undefined ? [] : [presetLayer(preset)]), ...commandLine(options)]);
  const path = options.run ?? defaultRun(wanted);
  const exists = RunFolder.inspect(path) === "run";
  const resumes = exists && !options.fresh;

  const run = resumes ? RunFolder.open(path) : undefined;
  // a run goes on with its own configuration; what the command line says now comes on top
  const layers = run ? [yamlLayer(run.readConfig(), join(path, "config.yaml")), ...commandLine(options)] : [wanted];
  const experiment = await resolveExperiment(mergeLayers(layers));
  if (
    run &&
    (experiment.config.env.id !== run.info.env ||
      experiment.config.agent.name !== run.info.agent ||
      experiment.config.seed !== run.info.seed)
  ) {
    throw new BatonError(
      "incompatible",
      `${path} is a run of ${run.info.agent} on ${run.info.env} with seed ${run.info.seed}, not of ${experiment.config.agent.name} on ${experiment.config.env.id} with seed ${experiment.config.seed}`,
      { hint: "choose another folder with --run, or start over with --fresh" },
    );
  }
  const { config } = experiment;
  refuseUntrainable(experiment, run);
  if (!run) await startOf(experiment); // before a folder is made or deleted
  if (exists && !resumes) await makeRoom(path, config, options.yes === true);
  const device = await openDevice(config.device, { threads: config.threads, simulatorThreads: config.envThreads });
  // from before the folder exists: whoever sees it may stop the run
  const interrupt = onInterrupt();
  const folder = run ?? beginRun(path, experiment);
  process.stderr.write(
    `${resumes ? "resuming" : "training"} ${config.agent.name} on ${config.env.id}, seed ${config.seed}, in ${path}\n`,
  );
  if (resumes && preset !== undefined) sayWhatHolds(preset, differences(wanted, config));
  process.stderr.write(`device ${device.name}: ${device.description}\n`);

  let progress: TrainingProgress | undefined;
  try {
    const trainer = await trainRun(
      folder,
      experiment,
      device,
      {
        onStep(t) {
          progress ??= new TrainingProgress(t);
          progress.update(t);
        },
        onEvaluation(record, evaluation, best) {
          progress?.say(
            `env steps ${formatCount(record.environmentSteps)}  updates ${formatCount(record.updates)}  wins ${(100 * evaluation.winRate).toFixed(0)} % of ${evaluation.episodes.length}` +
              `  return ${evaluation.meanReturn.toFixed(2)}  after ${formatDuration(record.wallSeconds)}${best ? "  (best so far)" : ""}`,
          );
        },
        onWarning: (sentence) => process.stderr.write(`warning: ${sentence}\n`),
      },
      interrupt.signal,
    );
    progress?.end();
    const curve = writeCurve(folder);
    const summary = {
      run: path,
      env: config.env.id,
      agent: config.agent.name,
      seed: config.seed,
      environmentSteps: trainer.environmentSteps,
      updates: trainer.updates,
      wallSeconds: trainer.wallSeconds,
      winRate: readMetrics(folder).at(-1)?.winRate ?? null,
      finished: trainer.finished,
      curve,
    };
    if (options.json) printJson(summary);
    else if (interrupt.signal.aborted)
      process.stderr.write(`stopped at ${trainer.environmentSteps} env steps; go on with: baton train --run ${path}\n`);
    else
      process.stderr.write(
        `done: ${trainer.environmentSteps} env steps, ${trainer.updates} updates in ${formatDuration(trainer.wallSeconds)}\n`,
      );
    if (!options.json && curve) process.stdout.write(`learning curve: ${curve}\n`);
    if (interrupt.signal.aborted) process.exitCode = 130;
  } finally {
    interrupt.done();
  }
}

/** Deletes the run that another is to take the place of, after asking. */
async function makeRoom(path: string, { initial, initialEncoder }: Config, yes: boolean): Promise<void> {
  if ([initial, initialEncoder].some((start) => start !== null && resolve(start) === resolve(path))) {
    throw new BatonError("invalid-value", `--fresh would delete ${path}, whose weights the new run is to start from`, {
      hint: "choose another folder with --run",
    });
  }
  await askToDelete(path, yes);
  RunFolder.remove(path);
}

/** A run keeps the settings that it began with, whatever its preset has become. */
function sayWhatHolds(preset: string, others: readonly string[]): void {
  if (others.length === 0) return;
  const names = others.length > 3 ? `${others.slice(0, 3).join(", ")} and ${others.length - 3} more` : others.join(", ");
  process.stderr.write(`its own settings hold; ${preset} has other values of ${names} (--set changes them)\n`);
}

/** `--seed 3` and its like, then `--set`, as layers over the preset. */
function commandLine(options: TrainOptions): SettingLayer[] {
  const settings = {
    ...(options.env === undefined ? {} : { env: { id: options.env } }),
    ...(options.agent === undefined ? {} : { agent: { name: options.agent } }),
    ...(options.init === undefined ? {} : { initial: options.init }),
    ...(options.initEncoder === undefined ? {} : { initialEncoder: options.initEncoder }),
    ...(options.seed === undefined ? {} : { seed: numberOr(options.seed) }),
    ...(options.device === undefined ? {} : { device: options.device }),
    ...(options.threads === undefined ? {} : { threads: numberOr(options.threads) }),
    ...(options.envThreads === undefined ? {} : { envThreads: numberOr(options.envThreads) }),
    ...(options.copies === undefined ? {} : { training: { copies: numberOr(options.copies) } }),
    simulators: {
      ...(options.launch !== undefined || options.connect ? { launch: options.launch ?? "connect" } : {}),
      ...(options.hosts === undefined ? {} : { hosts: numberOr(options.hosts) }),
      ...(options.connect === undefined ? {} : { connect: options.connect }),
      ...(options.keys === undefined ? {} : { keys: options.keys }),
    },
  };
  return [
    optionLayer(settings, (path) => {
      if (path[0] === "envThreads") return "--env-threads";
      if (path[0] === "initialEncoder") return "--init-encoder";
      return `--${String(path[0] === "training" || path[0] === "simulators" ? path[1] : path[0])}`;
    }),
    setLayer(options.set),
  ];
}

/** The number, or the text itself, which the schema then rejects by name. */
function numberOr(text: string): number | string {
  return text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}

/** `runs/skirmish-3m-ace-0` */
function defaultRun(layer: SettingLayer): string {
  const { env, agent, seed } = layer.settings as { env?: { id?: unknown }; agent?: { name?: unknown }; seed?: unknown };
  if (typeof env?.id !== "string") {
    throw new BatonError("invalid-value", "what shall be trained? give a preset, --env ID, or --run DIR of a run to go on with", {
      hint: "for example: baton train ace/3m",
    });
  }
  return join("runs", `${fileName(env.id)}-${String(agent?.name ?? "ace")}-${String(seed ?? 0)}`);
}
