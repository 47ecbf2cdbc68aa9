/** The loop of every pre-training, whatever is learnt from: resume, train, report, checkpoint. */
import { listCheckpoints, loadCheckpoint, MetricsWriter, matchTree, type RunFolder, saveCheckpoint } from "../runs/index.js";
import { refuseDiverged } from "../tensor/diverged.js";
import { type HostArray, type HostTree, leavesOf } from "../tensor/tree.js";
import type { ReadingOptions } from "./data/reading.js";
import { keepRecipe } from "./folder.js";

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
  /** Updates between two checkpoints; the last update has one, too. */
  readonly checkpointEvery: number;
}

/** What is heard of a pre-training as it goes on. */
export interface PretrainEvents {
  /** Hears how many files of how many are read, every few seconds where that takes longer. */
  readonly onRead?: ReadingOptions["onRead"];
  readonly onReport?: (update: number, loss: number, more: Readonly<Record<string, number>>) => void;
}

/** What a checkpoint holds besides arrays: updates so far, losses that no report shows yet, and seconds of training. */
type Counters = { readonly updates: number; readonly sum?: number; readonly count?: number; readonly wallSeconds?: number };

function allFinite({ data }: HostArray): boolean {
  for (const value of data) if (!Number.isFinite(value)) return false;
  return true;
}

/**
 * Trains in a locked run folder from its last checkpoint to the recipe's end or `signal`, and checkpoints at last. A resumed run keeps the
 * recipe from then on.
 *
 * @returns how many updates were made.
 * @throws BatonError "diverged" when loss or weights are no longer numbers; the checkpoints from before are left.
 */
export async function trainOnDisk(
  run: RunFolder,
  training: Trainable,
  recipe: LoopSettings,
  { onReport }: PretrainEvents,
  signal?: AbortSignal,
): Promise<number> {
  const { updates: end, batch, reportEvery, checkpointEvery } = recipe;
  const resumed = listCheckpoints(run).steps.length > 0;
  let [sum, count, secondsBefore] = [0, 0, 0];
  if (resumed) {
    const { state, json } = loadCheckpoint(run, "latest", { replay: false });
    const matched = matchTree(await training.state(), state, `the checkpoint of ${run.path}`);
    const at = json as Counters;
    training.restore(matched, at.updates);
    [sum, count, secondsBefore] = [at.sum ?? 0, at.count ?? 0, at.wallSeconds ?? 0];
  }
  const begun = training.updates;
  if (begun >= end) return 0;
  keepRecipe(run, recipe);
  let saved = begun;
  const started = performance.now();
  const wallSeconds = () => secondsBefore + (performance.now() - started) / 1000;
  const save = async () => {
    const { updates } = training;
    if (updates === saved) return;
    const state = await training.state();
    // a loss is that of the weights before its update: what the update made of them shows here
    const wrong = leavesOf<HostArray>(state).find(({ leaf }) => !allFinite(leaf));
    if (wrong) refuseDiverged({ [wrong.path]: Number.NaN }, updates, "learningRate", true);
    saveCheckpoint(run, { step: updates, state, json: { updates, sum, count, wallSeconds: wallSeconds() } satisfies Counters });
    saved = updates;
  };
  const progress = { environmentSteps: saved * batch, updates: saved };
  const metrics = new MetricsWriter(run, resumed ? { resume: progress } : {});
  try {
    while (training.updates < end && !signal?.aborted) {
      const loss = await training.update();
      const { updates } = training;
      refuseDiverged({ loss }, updates, "learningRate", true);
      sum += loss;
      count += 1;
      if (updates % reportEvery === 0 || updates === end) {
        const more = (await training.judge?.()) ?? {};
        metrics.write({ environmentSteps: updates * batch, updates, wallSeconds: wallSeconds(), loss: sum / count, ...more });
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
  return training.updates - begun;
}
