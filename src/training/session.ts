/** A run on disk and the training that fills it: begin or resume, checkpoints, metrics, evaluation.json. */
import { resolve } from "node:path";
import { stringify } from "yaml";
import type { VectorEnvironment } from "../environment.js";
import { isEmbedded, type Resources } from "../environments/opened.js";
import { BatonError } from "../errors.js";
import { packageVersion } from "../package.js";
import { ReplayStore } from "../replay/index.js";
import { writeFileAtomic } from "../runs/files.js";
import {
  EvaluationLog,
  type Json,
  listCheckpoints,
  loadCheckpoint,
  MetricsWriter,
  matchTree,
  RunFolder,
  saveBest,
  saveCheckpoint,
} from "../runs/index.js";
import type { Device } from "../tensor/device.js";
import type { Evaluation } from "./evaluator.js";
import type { Experiment } from "./experiment.js";
import { yamlLayer } from "./layers.js";
import { Trainer, type TrainerEvents, type TrainerState, type TrainingRecord } from "./trainer.js";
import { startOf } from "./transfer.js";

/** What the caller hears of a session. */
export interface SessionEvents {
  readonly onStep?: (trainer: Trainer) => void;
  readonly onEvaluation?: (record: TrainingRecord, evaluation: Evaluation, best: boolean) => void;
  readonly onWarning?: (sentence: string) => void;
}

/** The text of a run's config.yaml. */
export const configText = (experiment: Experiment): string =>
  `# The whole configuration of this run; \`baton train --run …\` resumes with it.\n${stringify(experiment.config)}`;

/**
 * Throws where an experiment cannot be trained in `run`, or in a new folder; whoever starts something else first, asks first.
 *
 * @throws BatonError "incompatible".
 */
export function refuseUntrainable(experiment: Experiment, run?: RunFolder): void {
  refuseImitators(experiment);
  if (run) refuseOtherStart(run, experiment);
}

function refuseImitators({ agent, config }: Experiment): void {
  if (!agent.imitates) return;
  throw new BatonError("incompatible", `agent "${config.agent.name}" learns from a teacher, not from rewards`, {
    hint: "train a team with ace, then: baton distill RUN --run DIR",
  });
}

/** Begins the run folder of an experiment. */
export function beginRun(path: string, experiment: Experiment): RunFolder {
  refuseUntrainable(experiment);
  const { config } = experiment;
  const info = { baton: packageVersion(), env: config.env.id, agent: config.agent.name, seed: config.seed };
  return RunFolder.create(path, info, configText(experiment));
}

/**
 * Trains in a run folder from its last good checkpoint, or from the start when it has none, until the end or `signal`.
 * Whatever ends it, the last state is checkpointed; the folder is locked meanwhile.
 */
export async function trainRun(
  run: RunFolder,
  experiment: Experiment,
  device: Device,
  events: SessionEvents = {},
  signal?: AbortSignal,
): Promise<Trainer> {
  const { config, spec, agent } = experiment;
  refuseUntrainable(experiment, run);
  const release = run.lock();
  const opened: VectorEnvironment[] = [];
  const open = async (copies: number, resources: Resources = config) => {
    const read = agent.transition.fields;
    const environment = await experiment.environment.vectorize(copies, { ...resources, read }, events.onWarning);
    opened.push(environment);
    return environment;
  };
  try {
    const environment = await open(config.training.copies);
    const evaluationEnvironment = await openForEvaluation(experiment, open);
    const initial = listCheckpoints(run).steps.length === 0 ? await startOf(experiment) : undefined;
    for (const warning of initial?.warnings ?? []) events.onWarning?.(warning);
    const { warmupSteps, environmentSteps: end } = config.training;
    if (warmupSteps >= end)
      events.onWarning?.(
        `nothing is learnt: training.warmupSteps, ${warmupSteps}, are not fewer than training.environmentSteps, ${end}`,
      );
    const trainer = await Trainer.create({
      config,
      spec,
      agent,
      device,
      environment,
      evaluationEnvironment,
      ...(initial && { initial: initial.policy }),
    });
    const store = new ReplayStore(trainer.replay);
    const resumed = await resume(run, trainer, store, events);
    // settings changed on resuming are the run's from now on; those that do not fit its weights were refused above
    if (run.readConfig() !== configText(experiment)) writeFileAtomic(run.config, [Buffer.from(configText(experiment))]);
    const { environmentSteps, updates } = trainer;
    const metrics = new MetricsWriter(run, resumed ? { resume: { environmentSteps, updates } } : {});
    const evaluations = EvaluationLog.open(run, resumed ? environmentSteps : -1);
    const trainerEvents: TrainerEvents = {
      onStep: (t) => events.onStep?.(t),
      async onEvaluation(record, evaluation, best) {
        metrics.write(record);
        evaluations.add({
          stepCount: record.environmentSteps,
          elapsedTime: record.wallSeconds,
          metrics: {
            win_rate: evaluation.episodes.map((episode) => (episode.won ? 1 : 0)),
            return: evaluation.episodes.map((episode) => episode.return),
          },
        });
        if (best) saveBest(run, { step: trainer.environmentSteps, state: agent.policy(await trainer.learnerState()), json: {} });
        events.onEvaluation?.(record, evaluation, best);
      },
      async onCheckpoint() {
        const state = await trainer.learnerState();
        const json = trainer.state() as unknown as Json;
        metrics.flush();
        saveCheckpoint(run, { step: trainer.environmentSteps, state, json, replay: store });
      },
    };
    try {
      await trainer.run(trainerEvents, signal);
    } finally {
      metrics.close();
      trainer.dispose();
    }
    return trainer;
  } finally {
    await Promise.all(opened.map((environment) => environment.close?.()));
    release();
  }
}

/** Where a run has begun cannot be changed once it has learnt from there. */
function refuseOtherStart(run: RunFolder, { config }: Experiment): void {
  if (listCheckpoints(run).steps.length === 0) return;
  const held = yamlLayer(run.readConfig(), run.config).settings;
  for (const [setting, option] of [["initial", "--init"] as const, ["initialEncoder", "--init-encoder"] as const]) {
    const [was, wanted] = [held[setting] as string | null | undefined, config[setting]].map((path) => path && resolve(path));
    if ((was ?? null) === (wanted ?? null)) continue;
    throw new BatonError(
      "incompatible",
      `${run.path} has ${was ? `started from ${held[setting]}` : "not started from another run"} and learnt since, so ${option} ${config[setting]} would change nothing`,
      { hint: "choose another folder with --run, or start over with --fresh" },
    );
  }
}

/** Simulators elsewhere are heavy: evaluations are played in one host more, no larger than those of the training. */
export function openForEvaluation(
  { config, environment }: Experiment,
  open: (copies: number, resources?: Resources) => Promise<VectorEnvironment>,
): Promise<VectorEnvironment> {
  const copies = Math.min(config.evaluation.episodes, 32);
  if (isEmbedded(environment)) return open(copies);
  const { simulators, training } = config;
  const share = Math.ceil(training.copies / simulators.hosts);
  return open(Math.min(copies, share), { ...config, simulators: { ...simulators, hosts: 1, inFlight: 1 } });
}

async function resume(run: RunFolder, trainer: Trainer, store: ReplayStore, events: SessionEvents): Promise<boolean> {
  if (listCheckpoints(run).steps.length === 0) return false;
  const checkpoint = loadCheckpoint(run, "latest");
  for (const warning of checkpoint.warnings) events.onWarning?.(warning);
  if (checkpoint.replay) store.restore(checkpoint.replay.state, checkpoint.replay.read);
  const weights = matchTree(await trainer.learnerState(), checkpoint.state, `the checkpoint of step ${checkpoint.step}`);
  await trainer.restore(weights, checkpoint.json as unknown as TrainerState);
  return true;
}
