/** Distillation from one run folder into another. */
import { join } from "node:path";
import type { VectorEnvironment } from "../environment.js";
import { packageVersion } from "../package.js";
import { EvaluationLog, MetricsWriter, RunFolder, saveBest, saveCheckpoint } from "../runs/index.js";
import type { Device } from "../tensor/device.js";
import { Distillation } from "./distillation.js";
import type { Evaluation } from "./evaluator.js";
import { type Experiment, resolveExperiment } from "./experiment.js";
import { mergeLayers, optionLayer, type SettingLayer, yamlLayer } from "./layers.js";
import { loadPolicy } from "./policy-file.js";
import { configText } from "./session.js";
import type { TrainingRecord } from "./trainer.js";

/** What a student is taught with unless told otherwise. */
const training = { environmentSteps: 60_000, copies: 16, updatesPerStep: 0.15, warmupSteps: 500, replayCapacity: 60_000 };
const evaluation = { everySteps: 6_000, episodes: 64 };

/** The teacher's experiment, and that of students in the same world. */
export async function studentExperiment(
  teacherRun: RunFolder,
  given: { readonly [key: string]: unknown },
  assignments: SettingLayer,
): Promise<{ teacher: Experiment; student: Experiment }> {
  const teacher = await resolveExperiment(yamlLayer(teacherRun.readConfig(), join(teacherRun.path, "config.yaml")));
  const { env, seed, device, threads } = teacher.config;
  const settings = { env, seed, device, threads, agent: { name: "student" }, training, evaluation, ...given };
  const layers = [optionLayer(settings, (path) => `--${String(path[0])}`), assignments];
  return { teacher, student: await resolveExperiment(mergeLayers(layers)) };
}

export interface DistilEvents {
  onEvaluation?(record: TrainingRecord, evaluation: Evaluation, best: boolean): void;
  onWarning?(sentence: string): void;
}

/** Teaches, writes the students' run folder, and tells the best that they reached. */
export async function distilRun(
  of: {
    teacherPath: string;
    checkpoint: "best" | "latest" | number;
    teacher: Experiment;
    student: Experiment;
    path: string;
    device: Device;
  },
  events: DistilEvents = {},
  signal?: AbortSignal,
) {
  const { teacher, student, path, device, teacherPath } = of;
  const { config, spec, agent } = student;
  const loaded = loadPolicy(RunFolder.open(teacherPath), of.checkpoint, teacher);
  for (const warning of loaded.warnings) events.onWarning?.(warning);
  const opened: VectorEnvironment[] = [];
  const open = async (copies: number) => {
    const environment = await student.environment.vectorize(copies, config, events.onWarning);
    opened.push(environment);
    return environment;
  };
  try {
    const distillation = await Distillation.create({
      config,
      spec,
      device,
      teacher: { agent: teacher.agent, policy: loaded.policy },
      student: agent,
      environment: await open(config.training.copies),
      evaluationEnvironment: await open(Math.min(config.evaluation.episodes, 32)),
    });
    const info = { baton: packageVersion(), env: config.env.id, agent: config.agent.name, seed: config.seed };
    const run = RunFolder.create(path, { ...info, teacher: teacherPath, teacherStep: loaded.step }, configText(student));
    const release = run.lock();
    const metrics = new MetricsWriter(run);
    const evaluations = EvaluationLog.open(run, 0);
    let bestWinRate = 0;
    try {
      await distillation.run(
        {
          async onEvaluation(record, result, best) {
            metrics.write(record);
            evaluations.add({
              stepCount: record.environmentSteps,
              elapsedTime: record.wallSeconds,
              metrics: {
                win_rate: result.episodes.map((episode) => (episode.won ? 1 : 0)),
                return: result.episodes.map((episode) => episode.return),
              },
            });
            if (best) {
              bestWinRate = result.winRate;
              saveBest(run, { step: record.environmentSteps, state: agent.policy(await distillation.state()), json: {} });
            }
            events.onEvaluation?.(record, result, best);
          },
        },
        signal,
      );
      metrics.flush();
      const { environmentSteps, updates } = distillation;
      const json = { learner: { updates } };
      saveCheckpoint(run, { step: environmentSteps, state: await distillation.state(), json });
      return { run: path, teacher: teacherPath, env: config.env.id, environmentSteps, updates, bestWinRate };
    } finally {
      metrics.close();
      distillation.dispose();
      release();
    }
  } finally {
    await Promise.all(opened.map((environment) => environment.close?.()));
  }
}
