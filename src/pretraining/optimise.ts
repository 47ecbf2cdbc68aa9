/** What all trainings here share: the papers' schedule, decay of matrices alone, and batches in a seeded order. */
import type { Tensor } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { clipByGlobalNorm } from "../tensor/clip.js";
import { adamw } from "../tensor/optimisers.js";
import { RandomStream } from "../tensor/random.js";
import { HostArray, type HostTree, leavesOf, type TensorTree, unflatten } from "../tensor/tree.js";
import { type Augment, applyChange, type Change, drawChange } from "./data/augment.js";
import { type Dataset, sampleSize } from "./data/dataset.js";

/** A rise in equal steps to the peak in update `warmup`, from 1/warmup of it in the first; then half a cosine to 0 at `updates`; per update, as MAE has it. */
export function warmupCosine(step: Tensor, peak: number, warmup: number, updates: number): Tensor {
  const at = tf.cast(step, "float32");
  const rise = warmup > 0 ? tf.minimum(tf.div(tf.add(at, 1), warmup), 1) : tf.scalar(1);
  const progress = tf.clipByValue(tf.div(tf.sub(at, warmup), Math.max(1, updates - warmup)), 0, 1);
  const fall = tf.div(tf.add(tf.cos(tf.mul(progress, Math.PI)), 1), 2);
  return tf.mul(tf.mul(rise, fall), peak);
}

export interface UpdateSettings {
  readonly learningRate: Tensor;
  readonly step: Tensor;
  readonly weightDecay: number;
  readonly beta2: number;
  readonly gradientClip?: number | null;
  /** Factor of the learning rate of each leaf by its path; 1 unless given. */
  readonly scaleOf?: (path: string) => number;
}

export const initMoments = (params: HostTree): HostTree => adamw().init(params);

/** Whether weights decay: not biases (which attention keeps per head), norms and whatever else has one axis. */
const decays = (leaf: Tensor, path: string): boolean => leaf.rank > 1 && !path.endsWith("/b");

/** AdamW whose decay spares biases and norms, with a learning rate of its own for each leaf. */
export function updateWeights<P extends TensorTree>(
  params: P,
  gradients: P,
  moments: TensorTree,
  settings: UpdateSettings,
): { params: P; moments: TensorTree } {
  const { learningRate, step, weightDecay, beta2, gradientClip, scaleOf = () => 1 } = settings;
  const clipped = gradientClip ? (clipByGlobalNorm(gradients, gradientClip).gradients as P) : gradients;
  const next = adamw({ beta2, weightDecay: 0 }).apply({ params, gradients: clipped, state: moments, learningRate, step });
  const before = leavesOf<Tensor>(params);
  const after = leavesOf<Tensor>(next.params);
  const leaves = before.map(({ leaf, path }, i) => {
    const stepped = after[i]!.leaf;
    const shrunk =
      weightDecay > 0 && decays(leaf, path) ? tf.sub(stepped, tf.mul(leaf, tf.mul(learningRate, weightDecay))) : stepped;
    const scale = scaleOf(path);
    return scale === 1 ? shrunk : tf.add(leaf, tf.mul(tf.sub(shrunk, leaf), scale));
  });
  return { params: unflatten<Tensor, Tensor>(params, leaves) as P, moments: next.state };
}

/** Which samples each update sees: every epoch in an order of its own. A pure function of seed and update, so that resuming needs no state. */
export class Batches {
  #epoch = -1;
  readonly #order: Int32Array;

  constructor(
    readonly dataset: Dataset,
    readonly batch: number,
    readonly seed: number,
    readonly label: string,
  ) {
    this.#order = new Int32Array(dataset.size);
  }

  /** Whole batches in an epoch; a last one that is not whole is left out, except where there is no other. */
  get perEpoch(): number {
    return Math.max(1, Math.floor(this.dataset.size / this.batch));
  }

  epochOf(update: number): number {
    return Math.floor(update / this.perEpoch);
  }

  /** Sample numbers of an update, [batch]. */
  at(update: number): Int32Array {
    const epoch = this.epochOf(update);
    if (epoch !== this.#epoch) {
      RandomStream.from(this.seed, `${this.label} epoch ${epoch}`).permutation(this.#order, 0, this.dataset.size);
      this.#epoch = epoch;
    }
    const from = (update % this.perEpoch) * this.batch;
    return Int32Array.from({ length: this.batch }, (_, i) => this.#order[(from + i) % this.dataset.size]!);
  }
}

/** Pixels of some samples, [B,T,H,W,C]; each changed as `changes` say, where given. */
export function readPixels(dataset: Dataset, samples: ArrayLike<number>, changes?: readonly Change[]): HostArray {
  const length = sampleSize(dataset);
  const pixels = new Float32Array(samples.length * length);
  for (let b = 0; b < samples.length; b++) {
    dataset.read(samples[b]!, pixels, b * length);
    if (changes) applyChange(pixels, b * length, dataset, changes[b]!);
  }
  return HostArray.float32(pixels, samples.length, dataset.frames, dataset.height, dataset.width, dataset.channels);
}

/** What happens to each sample of an update, by seed and number; undefined where nothing does. */
export function changesOf(dataset: Dataset, augment: Augment, count: number, seed: number, label: string): Change[] | undefined {
  if (augment.crop >= 1 && !augment.flip) return undefined;
  const rng = RandomStream.from(seed, `changes of ${label}`);
  return Array.from({ length: count }, () => drawChange(rng, dataset, augment));
}
