import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { BatonError } from "../errors.js";
import { makeFolder } from "../runs/files.js";
import { RunFolder, writeEpisode } from "../runs/index.js";
import { openDevice } from "../tensor/devices.js";
import { type Evaluation, Evaluator, recordedEpisode } from "../training/evaluator.js";
import { resolveExperiment } from "../training/experiment.js";
import { mergeLayers, yamlLayer } from "../training/layers.js";
import { loadPolicy } from "../training/policy-file.js";
import { playScripted } from "../training/scripted.js";
import { elsewhere, fitPolicy } from "../training/transfer.js";
import {
  checkpointOf,
  collect,
  environmentLayer,
  fileName,
  openFromCommandLine,
  refuseOptions,
  scriptedPolicy,
  wholeNumber,
} from "./arguments.js";
import { printJson } from "./output.js";

export interface EvaluateOptions {
  env?: string;
  policy?: string;
  set: readonly string[];
  episodes: string;
  checkpoint?: string;
  seed?: string;
  device?: string;
  envThreads?: string;
  record?: boolean | string;
  json?: boolean;
}

/** Episodes recorded by --record without a number. */
const RECORDED = 4;
/** Copies that play at once. */
const COPIES = 32;

export function evaluateCommand(): Command {
  return new Command("evaluate")
    .description("Play greedy episodes with a run's policy, or episodes of a scripted one, and report how many are won.")
    .argument("[run]", "Folder of the run; none with --policy.")
    .option("--policy <name>", "A scripted policy of --env instead of a run's (skirmish: random, closest, focus-fire, kite, …).")
    .option("--env <id>", "What is played: with --policy always; with a run another environment than that of its training.")
    .option("--set <env.key=value>", "An option of the environment; may be repeated.", collect, [])
    .option("--episodes <n>", "Episodes to play.", "64")
    .option("--checkpoint <which>", "Which weights: best (the default), latest, or the environment step of a checkpoint.")
    .option(
      "--seed <n>",
      "Seed that the episodes are drawn from (default: the run's seed plus 1000, which training never evaluates on).",
    )
    .option("--device <name>", "Where the network runs (default: as in training).")
    .option("--env-threads <n>", "Threads that step environment copies; 0 has none (default: as in training).")
    .option(
      "--record [n]",
      `Write the first n episodes into the run's episodes/ folder, for \`baton replay\` (n = ${RECORDED} when left out).`,
    )
    .option("--json", "Print the result as one JSON object.")
    .action((run: string | undefined, options: EvaluateOptions) => evaluate(run, options));
}

async function evaluate(run: string | undefined, options: EvaluateOptions): Promise<void> {
  const { env, policy } = options;
  if (run !== undefined && policy === undefined) return evaluateRun(run, options);
  if (run === undefined && policy !== undefined && env !== undefined) return evaluateScripted(env, policy, options);
  const message =
    run !== undefined
      ? "--policy has no meaning beside a run: it plays its own policy"
      : "what shall be evaluated? give a run's folder, or --policy and --env";
  throw new BatonError("invalid-value", message, {
    hint: "for example: baton evaluate runs/demo, or baton evaluate --policy focus-fire --env skirmish/3m",
  });
}

/** Recorded episodes of a scripted policy go where those of a run of that name would. */
async function evaluateScripted(id: string, name: string, options: EvaluateOptions): Promise<void> {
  refuseOptions(options, ["checkpoint", "device"], "beside --policy: a scripted policy has no network");
  const episodes = wholeNumber("--episodes", options.episodes, 1, 1_000_000);
  const record = recordedCount(options.record, episodes);
  const seed = wholeNumber("--seed", options.seed ?? "1000", 0);
  const threads = wholeNumber("--env-threads", options.envThreads ?? "0", 0, 256);
  const { opened, resources } = await openFromCommandLine(id, options.set, threads);
  const policy = scriptedPolicy(id, opened, name);
  const environment = await opened.vectorize(Math.min(COPIES, episodes), resources);
  try {
    const play = { episodes, seed, record: (episode: number) => episode < record, onEpisode: showCount(episodes) };
    const result = await playScripted(environment, policy, play);
    const agent = `scripted ${name}`;
    const path = join("runs", `${fileName(id)}-${name}`);
    const files = writeEpisodes(join(path, "episodes"), `seed-${seed}`, result, { agent, checkpoint: 0, environment });
    report({ path, env: environment.spec.id, agent, episodes, seed, step: undefined, files }, result, options.json === true);
  } finally {
    await environment.close?.();
  }
}

async function evaluateRun(path: string, options: EvaluateOptions): Promise<void> {
  const episodes = wholeNumber("--episodes", options.episodes, 1, 1_000_000);
  const checkpoint = checkpointOf(options.checkpoint ?? "best");
  const record = recordedCount(options.record, episodes);
  const run = RunFolder.open(path);
  const own = yamlLayer(run.readConfig(), join(path, "config.yaml"));
  const trained = await resolveExperiment(own);
  const seed = options.seed === undefined ? trained.config.seed + 1000 : wholeNumber("--seed", options.seed, 0);
  const { policy: loaded, step, warnings } = loadPolicy(run, checkpoint, trained);
  const there = options.env === undefined ? own : elsewhere(own, options.env);
  const experiment =
    there === own && options.set.length === 0
      ? trained
      : await resolveExperiment(mergeLayers([there, environmentLayer(options.set)]));
  const policy = experiment === trained ? loaded : fitPolicy(experiment, loaded, { run: path, experiment: trained });
  const { envThreads } = experiment.config;
  const threads = options.envThreads === undefined ? envThreads : wholeNumber("--env-threads", options.envThreads, 0, 256);
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);

  const device = await openDevice(options.device ?? experiment.config.device, { threads: experiment.config.threads });
  const environment = await experiment.environment.vectorize(
    Math.min(COPIES, episodes),
    { ...experiment.config, envThreads: threads },
    (sentence) => process.stderr.write(`warning: ${sentence}\n`),
  );
  let evaluator: Evaluator | undefined;
  try {
    evaluator = await Evaluator.create({ device, environment, agent: experiment.agent, policy, prior: record > 0 });
    const result = await evaluator.evaluate(policy, {
      episodes,
      seed,
      record: (episode) => episode < record,
      onEpisode: showCount(episodes),
    });
    const of = { agent: experiment.config.agent.name, checkpoint: step, environment };
    const where = options.env === undefined ? "" : `-${fileName(options.env)}`;
    const files = writeEpisodes(run.episodes, `step-${step}${where}-seed-${seed}`, result, of);
    report(
      { path, env: experiment.config.env.id, agent: experiment.config.agent.name, episodes, seed, step, files },
      result,
      options.json === true,
    );
  } finally {
    evaluator?.dispose();
    await environment.close?.();
  }
}

/** Writes the recorded episodes of an evaluation; returns their files. */
function writeEpisodes(folder: string, stem: string, result: Evaluation, of: Parameters<typeof recordedEpisode>[0]): string[] {
  if (result.recorded.size > 0) makeFolder(folder); // it may have been tidied away
  return [...result.recorded].map(([episode, steps]) => {
    const file = freshName(join(folder, `${stem}-episode-${episode}`));
    writeEpisode(file, recordedEpisode(of, result.episodes[episode]!, steps));
    return file;
  });
}

function report(
  of: { path: string; env: string; agent: string; episodes: number; seed: number; step: number | undefined; files: string[] },
  result: Evaluation,
  json: boolean,
): void {
  const { env, agent, episodes, seed, step, files } = of;
  const { winRate, meanReturn, meanLength } = result;
  if (json) {
    printJson({
      env,
      agent,
      episodes,
      winRate,
      meanReturn,
      meanLength,
      seed,
      ...(step === undefined ? {} : { checkpoint: step }),
      ...(files.length > 0 ? { recorded: files } : {}),
    });
    return;
  }
  process.stdout.write(
    `${agent} on ${env}${step === undefined ? "" : `, checkpoint of step ${step}`}: won ${(100 * winRate).toFixed(1)} % of ${episodes} episodes, mean return ${meanReturn.toFixed(2)}, mean length ${meanLength.toFixed(1)} steps (seed ${seed})\n`,
  );
  for (const file of files) process.stdout.write(`recorded ${file}\n`);
  if (files.length > 0) process.stdout.write(`look at it with: baton replay ${of.path}\n`);
}

function recordedCount(record: boolean | string | undefined, episodes: number): number {
  if (record === undefined || record === false) return 0;
  return Math.min(episodes, record === true ? RECORDED : wholeNumber("--record", record, 1, 10_000));
}

/** Path with `.episode`, numbered when it is taken. */
function freshName(stem: string): string {
  for (let k = 1; ; k++) {
    const file = `${stem}${k === 1 ? "" : `-${k}`}.episode`;
    if (!existsSync(file)) return file;
  }
}

/** A counter on a terminal, nothing elsewhere: evaluations are short. */
function showCount(episodes: number): (done: number) => void {
  if (!process.stderr.isTTY) return () => {};
  return (done) => process.stderr.write(done === episodes ? "\r\x1b[2K" : `\rplaying: ${done} of ${episodes} episodes`);
}
