/** What features are worth: a linear probe and nearest neighbours on a frozen encoder, and fine-tuning of all of it. */
import type { Tensor } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { BatonError } from "../errors.js";
import { drawDropPath } from "../masked/index.js";
import type { Device } from "../tensor/device.js";
import { valueAndGradTree } from "../tensor/gradient.js";
import { normal, zeros } from "../tensor/initialise.js";
import { dense, type Linear } from "../tensor/layers.js";
import { RandomStream } from "../tensor/random.js";
import { StatefulStep } from "../tensor/step.js";
import { HostArray, type HostTree, specOf, type TensorTree } from "../tensor/tree.js";
import type { Dataset } from "./data/dataset.js";
import type { FeatureKind, Model, ModelParameters } from "./model.js";
import { Batches, changesOf, initMoments, readPixels, updateWeights, warmupCosine } from "./optimise.js";

const BATCH = 64;

/** Features of the first `count` samples, [count,D], and their labels. */
export interface Features {
  readonly count: number;
  readonly width: number;
  readonly data: Float32Array;
  readonly labels: Int32Array;
}

function requireLabels({ name, classes }: Dataset): void {
  if (classes > 1) return;
  throw new BatonError("invalid-value", `the data ${name} have no classes to tell apart`, {
    hint: "put the pictures into folders, one a class",
  });
}

/** Encodes samples whole, nothing hidden: the mean of the encoded patches, or the class token. */
export async function featuresOf(
  device: Device,
  model: Model,
  weights: HostTree,
  dataset: Dataset,
  count: number,
  of: FeatureKind = "patches",
): Promise<Features> {
  requireLabels(dataset);
  const size = Math.min(count, dataset.size);
  const B = Math.min(BATCH, size);
  const numbers = (from: number) => Int32Array.from({ length: B }, (_, i) => (from + i) % dataset.size);
  const fn = (p: ModelParameters, pixels: Tensor) => ({ features: model.features(p, pixels, { of }) });
  const compiled = await device.compile(fn, [specOf(weights), specOf(readPixels(dataset, numbers(0)))], "features");
  const width = model.recipe.encoder.width;
  const data = new Float32Array(size * width);
  for (let from = 0; from < size; from += B) {
    const { features } = (await compiled.run([weights, readPixels(dataset, numbers(from))])) as { features: HostArray };
    data.set((features.data as Float32Array).subarray(0, Math.min(B, size - from) * width), from * width);
  }
  compiled.dispose();
  return { count: size, width, data, labels: Int32Array.from({ length: size }, (_, i) => dataset.label(i)) };
}

/** Each feature with the mean and spread of `of` taken out: MAE's batch norm without affine parameters, on all of the training features. */
function standardised(features: Features, of: Features): Float32Array {
  const { width } = features;
  const out = new Float32Array(features.data.length);
  for (let d = 0; d < width; d++) {
    let [sum, squares] = [0, 0];
    for (let i = 0; i < of.count; i++) sum += of.data[i * width + d]!;
    const mean = sum / of.count;
    for (let i = 0; i < of.count; i++) squares += (of.data[i * width + d]! - mean) ** 2;
    const scale = 1 / Math.sqrt(squares / of.count + 1e-6);
    for (let i = 0; i < features.count; i++) out[i * width + d] = (features.data[i * width + d]! - mean) * scale;
  }
  return out;
}

const crossEntropy = (logits: Tensor, labels: Tensor, classes: number): Tensor =>
  tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(logits), tf.cast(tf.oneHot(labels, classes), "float32")), -1)));

const share = (right: number, of: number) => right / of;

/** Row-wise largest of [n,K]. */
function largest(scores: ArrayLike<number>, row: number, classes: number): number {
  let best = 0;
  for (let k = 1; k < classes; k++) if (scores[row * classes + k]! > scores[row * classes + best]!) best = k;
  return best;
}

type HeadState = { params: Linear; moments: TensorTree; step: Tensor };

/** Accuracy on `test` of a linear classifier of the features, trained on all of `train` at once for `updates` steps. */
export async function linearProbe(
  device: Device,
  train: Features,
  test: Features,
  classes: number,
  { updates = 400, learningRate = 0.02, weightDecay = 1e-3 } = {},
): Promise<number> {
  const { width } = train;
  const x = HostArray.float32(standardised(train, train), train.count, width);
  const y = HostArray.int32(train.labels, train.count);
  const params = { w: normal(RandomStream.from(0, "probe"), [width, classes], 0.01), b: zeros([classes]) };
  const state = { params, moments: initMoments(params), step: HostArray.scalar(0) };
  const update = ({ params: p, moments, step }: HeadState, features: Tensor, labels: Tensor) => {
    const { value, gradients } = valueAndGradTree(
      (head: Linear) => ({ loss: crossEntropy(dense(features, head), labels, classes), auxiliary: {} }),
      p,
    );
    const rate = warmupCosine(step, learningRate, 10, updates);
    const next = updateWeights(p as TensorTree, gradients as TensorTree, moments, {
      learningRate: rate,
      step,
      weightDecay,
      beta2: 0.999,
    });
    return { state: { params: next.params, moments: next.moments, step: tf.add(step, 1) }, outputs: { loss: value } };
  };
  const step = await StatefulStep.create(device, update, state, [specOf(x), specOf(y)], "linear probe");
  for (let i = 0; i < updates; i++) await step.run([x, y]);
  const { w, b } = ((await step.read()) as { params: { w: HostArray; b: HostArray } }).params;
  const judged = standardised(test, train);
  let right = 0;
  const scores = new Float64Array(classes);
  for (let i = 0; i < test.count; i++) {
    for (let k = 0; k < classes; k++) {
      let sum = b.data[k]!;
      for (let d = 0; d < width; d++) sum += judged[i * width + d]! * w.data[d * classes + k]!;
      scores[k] = sum;
    }
    if (largest(scores, 0, classes) === test.labels[i]) right += 1;
  }
  step.dispose();
  return share(right, test.count);
}

/** Accuracy on `test` of the k nearest of `train` by cosine, each with the weight exp(cosine/0.07) (Wu et al., 2018). */
export function nearestNeighbours(train: Features, test: Features, classes: number, k = 20): number {
  const unit = ({ count, width, data }: Features) => {
    const out = Float32Array.from(data);
    for (let i = 0; i < count; i++) {
      const row = out.subarray(i * width, (i + 1) * width);
      const norm = Math.hypot(...row) || 1;
      for (let d = 0; d < width; d++) row[d]! /= norm;
    }
    return out;
  };
  const [known, asked] = [unit(train), unit(test)];
  const { width } = train;
  let right = 0;
  for (let i = 0; i < test.count; i++) {
    const likeness = Float64Array.from({ length: train.count }, (_, j) => {
      let sum = 0;
      for (let d = 0; d < width; d++) sum += asked[i * width + d]! * known[j * width + d]!;
      return sum;
    });
    const nearest = Array.from(likeness.keys())
      .sort((a, b) => likeness[b]! - likeness[a]!)
      .slice(0, k);
    const votes = new Float64Array(classes);
    for (const j of nearest) votes[train.labels[j]!]! += Math.exp(likeness[j]! / 0.07);
    if (largest(votes, 0, classes) === test.labels[i]) right += 1;
  }
  return share(right, test.count);
}

export interface FineTuning {
  readonly labels: number;
  readonly updates: number;
  readonly batch: number;
  readonly learningRate: number;
  /** Factor of the learning rate from each block to the one below it. */
  readonly layerDecay: number;
  /** Chance that a sample passes over a branch of the last block; 0 for none. */
  readonly dropPath: number;
  readonly seed: number;
}

/**
 * How many layers a parameter stands below the head: 0 for the head and the last norm, 1 for the last block, …, depth+1 for what embeds
 * tokens (MAE's groups).
 */
export function depthBelowHead(path: string, depth: number): number {
  const block = /(?:^|\/)encoder\/blocks\/(\d+)\//.exec(path);
  if (block) return depth - Number(block[1]);
  return /(?:^|\/)(embed|cls|places)(\/|$)/.test(path) ? depth + 1 : 0;
}

type TunedState = { params: { model: ModelParameters; head: Linear }; moments: TensorTree; step: Tensor };

/** A model's weights without those that only predict. */
function withoutDecoder(weights: HostTree): HostTree {
  const { autoencoder, places } = weights as Record<string, Record<string, HostTree>>;
  const { decoder: _, ...encoder } = autoencoder!;
  return { autoencoder: encoder, ...(places && { places: { encoder: places.encoder! } }) };
}

/**
 * Trains the encoder and a head on the first `labels` samples, lower layers with smaller steps.
 *
 * @returns the accuracy on `test`, and of how many samples each was made: no more than there are.
 */
export async function fineTune(
  device: Device,
  model: Model,
  weights: HostTree,
  data: { train: Dataset; test: Dataset; testCount: number },
  { updates, learningRate, layerDecay, dropPath, seed, ...wanted }: FineTuning,
): Promise<{ accuracy: number; labels: number; batch: number; test: number }> {
  requireLabels(data.train);
  const { classes } = data.train;
  const { width, depth } = model.recipe.encoder;
  const few = { ...data.train, size: Math.min(wanted.labels, data.train.size) };
  const batch = Math.min(wanted.batch, few.size);
  const head = { w: normal(RandomStream.from(seed, "head"), [width, classes], 2e-5), b: zeros([classes]) };
  const params = { model: withoutDecoder(weights), head } as HostTree;
  const state = { params, moments: initMoments(params), step: HostArray.scalar(0) };
  const scaleOf = (path: string) => layerDecay ** depthBelowHead(path, depth);
  const logits = (p: TunedState["params"], pixels: Tensor, paths?: Tensor) =>
    dense(model.features(p.model, pixels, { dropPath: paths }), p.head);
  const update = ({ params: p, moments, step }: TunedState, pixels: Tensor, y: Tensor, paths?: Tensor) => {
    const { value, gradients } = valueAndGradTree(
      (free: TunedState["params"]) => ({ loss: crossEntropy(logits(free, pixels, paths), y, classes), auxiliary: {} }),
      p,
    );
    const rate = warmupCosine(step, learningRate, Math.ceil(updates / 10), updates);
    const settings = { learningRate: rate, step, weightDecay: 0.05, beta2: 0.999, scaleOf };
    const next = updateWeights(p as TensorTree, gradients as TensorTree, moments, settings);
    return { state: { params: next.params, moments: next.moments, step: tf.add(step, 1) }, outputs: { loss: value } };
  };
  const batches = new Batches(few, batch, seed, "fine-tuning");
  const inputs = (i: number) => {
    const samples = batches.at(i);
    const y = HostArray.int32(
      samples.map((sample) => few.label(sample)),
      samples.length,
    );
    const rng = RandomStream.from(seed, `paths of update ${i}`);
    return [
      readPixels(few, samples, changesOf(few, model.recipe.augment, samples.length, seed, `fine-tuning ${i}`)),
      y,
      ...(dropPath > 0 ? [drawDropPath(rng, depth, samples.length, dropPath)] : []),
    ];
  };
  const step = await StatefulStep.create(
    device,
    update,
    state,
    inputs(0).map((input) => specOf(input)),
    "fine-tuning",
  );
  for (let i = 0; i < updates; i++) await step.run(inputs(i));
  const tuned = ((await step.read()) as { params: HostTree }).params;
  const test = Math.min(data.testCount, data.test.size);
  const accuracy = await accuracyOf(device, logits, tuned, data.test, test);
  step.dispose();
  return { accuracy, labels: few.size, batch, test };
}

async function accuracyOf(
  device: Device,
  logits: (p: TunedState["params"], pixels: Tensor) => Tensor,
  params: HostTree,
  dataset: Dataset,
  count: number,
): Promise<number> {
  const B = Math.min(BATCH, count);
  const numbers = (from: number) => Int32Array.from({ length: B }, (_, i) => (from + i) % dataset.size);
  const fn = (p: TunedState["params"], pixels: Tensor) => ({ logits: logits(p, pixels) });
  const compiled = await device.compile(fn, [specOf(params), specOf(readPixels(dataset, numbers(0)))], "classify");
  let right = 0;
  for (let from = 0; from < count; from += B) {
    const { logits: scores } = (await compiled.run([params, readPixels(dataset, numbers(from))])) as { logits: HostArray };
    for (let i = 0; i < B && from + i < count; i++)
      if (largest(scores.data, i, dataset.classes) === dataset.label(from + i)) right += 1;
  }
  compiled.dispose();
  return share(right, count);
}
