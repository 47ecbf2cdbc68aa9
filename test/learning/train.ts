import { vectorize } from "../../src/environments/vectorize.js";
import { openDevice } from "../../src/tensor/devices.js";
import type { Evaluation } from "../../src/training/evaluator.js";
import { resolveExperiment } from "../../src/training/experiment.js";
import { Trainer, type TrainingRecord } from "../../src/training/trainer.js";

/** Trains in memory, without a run folder, and returns what the evaluations saw. */
export async function trainInMemory(settings: Record<string, unknown>): Promise<{ records: TrainingRecord[]; last: Evaluation }> {
  const experiment = await resolveExperiment({ settings, origin: () => undefined });
  const { config, spec, agent, make } = experiment;
  const trainer = await Trainer.create({
    config,
    spec,
    agent,
    device: await openDevice("cpu", { threads: 1 }),
    environment: vectorize(make, config.training.copies),
    evaluationEnvironment: vectorize(make, config.evaluation.episodes),
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
  return { records, last: last! };
}
