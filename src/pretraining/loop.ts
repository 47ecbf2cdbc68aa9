/** The loop of every pre-training, whatever is learnt from: resume, train, report, checkpoint. */
import { listCheckpoints, loadCheckpoint, MetricsWriter, matchTree, type RunFolder, saveCheckpoint } from "../runs/index.js";
import { refuseDiverged } from "../tensor/diverged.js";
import type { HostTree } from "../tensor/tree.js";

/** What the loop trains. What an update does must depend on the state and its number alone. */
export interface Trainable {
  readonly updates: number;
  /** One update; resolves to its loss. */
  update(): Promise<number>;
  /** Weights, moments and counters. */
  state(): Promise<HostTree>;
  restore(state: HostTree, updates: number): void;
  /** Further numbers for the curve, asked for at every report. */
  judge?(): Promise<Readonly<Record<string, number>>>;
}

export interface LoopSettings {
  /** Length of the training, in updates. */
  readonly updates: number;
  /** Samples in each update. */
  readonly batch: number;
  /** Updates between two lines of metrics. */
  readonly reportEvery: number;
  /** Updates between two checkpoints; only one at last unless given. */
  readonly checkpointEvery?: number;
}

/** What is heard of a pre-training as it goes on. */
export interface PretrainEvents {
  readonly onReport?: (update: number, loss: number, more: Readonly<Record<string, number>>) => void;
}

/**
 * Trains in a locked run folder from its last checkpoint to the end or `signal`, and checkpoints at last.
 *
 * @param begin called when the run has no checkpoint yet.
 */
export async function trainOnDisk(
  run: RunFolder,
  training: Trainable,
  { updates: end, batch, reportEvery, checkpointEvery = end }: LoopSettings,
  { onReport }: PretrainEvents,
  signal?: AbortSignal,
  begin?: () => void | Promise<void>,
): Promise<void> {
  const resumed = listCheckpoints(run).steps.length > 0;
  /** Losses that no report shows yet. */
  let [sum, count] = [0, 0];
  if (resumed) {
    const { state, json } = loadCheckpoint(run, "latest", { replay: false });
    const matched = matchTree(await training.state(), state, `the checkpoint of ${run.path}`);
    const at = json as { updates: number; sum?: number; count?: number };
    training.restore(matched, at.updates);
    [sum, count] = [at.sum ?? 0, at.count ?? 0];
  } else await begin?.();
  let saved = training.updates;
  const save = async () => {
    const { updates } = training;
    if (updates > saved) saveCheckpoint(run, { step: updates, state: await training.state(), json: { updates, sum, count } });
    saved = updates;
  };
  const progress = { environmentSteps: saved * batch, updates: saved };
  const metrics = new MetricsWriter(run, resumed ? { resume: progress } : {});
  const started = performance.now();
  try {
    while (training.updates < end && !signal?.aborted) {
      const loss = await training.update();
      const { updates } = training;
      refuseDiverged({ loss }, updates, "learningRate");
      sum += loss;
      count += 1;
      if (updates % reportEvery === 0 || updates === end) {
        const more = (await training.judge?.()) ?? {};
        const wallSeconds = (performance.now() - started) / 1000;
        metrics.write({ environmentSteps: updates * batch, updates, wallSeconds, loss: sum / count, ...more });
        onReport?.(updates, sum / count, more);
        [sum, count] = [0, 0];
      }
      if (updates % checkpointEvery === 0) {
        metrics.flush();
        await save();
      }
    }
    metrics.flush();
    await save();
  } finally {
    metrics.close();
  }
}
