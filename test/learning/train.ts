import { openDevice } from "../../src/tensor/devices.js";
import type { Evaluation } from "../../src/training/evaluator.js";
import { resolveExperiment } from "../../src/training/experiment.js";
import { Trainer, type TrainingRecord } from "../../src/training/trainer.js";

/** Trains in memory, without a run folder, and returns what the evaluations saw. */
export async function trainInMemory(settings: Record<string, unknown>): Promise<{ records: TrainingRecord[]; last: Evaluation }> {
  const experiment = await resolveExperiment({ settings, origin: () => undefined });
  const { config, spec, agent } = experiment;
  const environment = await experiment.environment.vectorize(config.training.copies, config);
  const evaluationEnvironment = await experiment.environment.vectorize(config.evaluation.episodes, config);
  const trainer = await Trainer.create({
    config,
    spec,
    agent,
    device: await openDevice("cpu", { threads: 1 }),
    environment,
    evaluationEnvironment,
  });
  const records: TrainingRecord[] = [];
  let last: Evaluation | undefined;
  await trainer.run({
    onEvaluation(record, evaluation) {
      records.push(record);
      last = evaluation;
    },
  });
  trainer.dispose();
  await environment.close?.();
  await evaluationEnvironment.close?.();
  return { records, last: last! };
}
