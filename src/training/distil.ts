/** Distillation from one run folder into another. */
import { join } from "node:path";
import type { VectorEnvironment } from "../environment.js";
import type { Resources } from "../environments/opened.js";
import { BatonError } from "../errors.js";
import { packageVersion } from "../package.js";
import { EvaluationLog, MetricsWriter, RunFolder, saveBest, saveCheckpoint } from "../runs/index.js";
import type { Device } from "../tensor/device.js";
import { Distillation } from "./distillation.js";
import type { Evaluation } from "./evaluator.js";
import { type Experiment, resolveExperiment } from "./experiment.js";
import { mergeLayers, optionLayer, type SettingLayer, yamlLayer } from "./layers.js";
import { loadPolicy } from "./policy-file.js";
import { configText, openForEvaluation } from "./session.js";
import type { TrainingRecord } from "./trainer.js";

/** What a student is taught with unless told otherwise. */
const training = { environmentSteps: 60_000, copies: 16, updatesPerStep: 0.15, warmupSteps: 500, replayCapacity: 60_000 };
const evaluation = { everySteps: 6_000, episodes: 64 };

/**
 * The teacher's experiment, and that of students in the same world.
 *
 * @throws BatonError "invalid-value" when the settings ask for another world, a start from weights, or an agent that nobody can teach.
 */
export async function studentExperiment(
  teacherRun: RunFolder,
  given: { readonly [key: string]: unknown },
  assignments: SettingLayer,
): Promise<{ teacher: Experiment; student: Experiment }> {
  const teacher = await resolveExperiment(yamlLayer(teacherRun.readConfig(), join(teacherRun.path, "config.yaml")));
  const { env, seed, device, threads, envThreads, simulators } = teacher.config;
  const world = { env, seed, device, threads, envThreads, simulators };
  const settings = { ...world, agent: { name: "student" }, training, evaluation, ...given };
  const layers = [optionLayer(settings, (path) => `--${String(path[0])}`), assignments];
  const student = await resolveExperiment(mergeLayers(layers));
  const refuse = (setting: string, value: unknown, hint: string) => {
    throw new BatonError("invalid-value", `${setting} is ${String(value)}, which students cannot be taught with`, { hint });
  };
  const { config, agent } = student;
  if (!agent.imitates) refuse("agent.name", config.agent.name, "it learns from rewards; leave agent.name out");
  if (config.env.id !== env.id) refuse("env.id", config.env.id, `the teacher decides in ${env.id}; leave env.id out`);
  for (const start of ["initial", "initialEncoder"] as const) {
    if (config[start] !== null) refuse(start, config[start], "students start from random weights; leave it out");
  }
  return { teacher, student };
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
  const open = async (copies: number, resources: Resources = config) => {
    const environment = await student.environment.vectorize(copies, resources, events.onWarning);
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
      evaluationEnvironment: await openForEvaluation(student, open),
    });
    const info = { baton: packageVersion(), env: config.env.id, agent: config.agent.name, seed: config.seed };
    const run = RunFolder.create(path, { ...info, teacher: teacherPath, teacherStep: loaded.step }, configText(student));
    const release = run.lock();
    const save = async () => {
      const { environmentSteps, updates } = distillation;
      saveCheckpoint(run, { step: environmentSteps, state: await distillation.state(), json: { learner: { updates } } });
    };
    const metrics = new MetricsWriter(run);
    const evaluations = EvaluationLog.open(run, 0);
    let bestWinRate = 0;
    try {
      await distillation.run(
        {
          onCheckpoint: save,
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
      await save();
      const { environmentSteps, updates } = distillation;
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
