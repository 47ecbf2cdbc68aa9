/** Pre-training: predict what is hidden. */
import type { Tensor } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { type Masker, maskerOf, stackMaskings, tokensIn } from "../masked/index.js";
import type { Device } from "../tensor/device.js";
import { valueAndGradTree } from "../tensor/gradient.js";
import { RandomStream } from "../tensor/random.js";
import { StatefulStep } from "../tensor/step.js";
import { HostArray, type HostTree, specOf, type TensorTree } from "../tensor/tree.js";
import { changeScores } from "./data/augment.js";
import type { Dataset } from "./data/dataset.js";
import type { Masked, Model, ModelParameters } from "./model.js";
import { Batches, changesOf, initMoments, readPixels, updateWeights, warmupCosine } from "./optimise.js";
import type { MaskingSettings, Recipe } from "./recipe.js";

type State = { params: ModelParameters; moments: TensorTree; step: Tensor };

/** What attention-driven masking draws by: the attention that each token of each sample got, [N,T], at the beginning of an epoch, −1 before. */
type Looks = { scores: HostArray; epoch: HostArray };

/** Samples whose attention is looked at together. */
const MAP_BATCH = 64;

/** Trains a recipe's model. What an update sees depends on the seed and its number alone: a restored training goes on as if undisturbed. */
export class Pretraining {
  readonly #batches: Batches;
  #step: StatefulStep | undefined;
  #stepFor: MaskingSettings | undefined;
  /** Of recipes that mask by attention. */
  #looks: Looks | undefined;
  /** Weights, moments and step counter until an update is compiled. */
  #first: HostTree;
  #updates = 0;

  /** Throws a BatonError when the maskings leave nothing to see or to predict. */
  constructor(
    readonly device: Device,
    readonly model: Model,
    readonly dataset: Dataset,
  ) {
    const { batch, seed, masking } = model.recipe;
    for (const settings of [masking, this.#maskingAt(0)]) maskerOf(settings, model.grid)(RandomStream.from(seed));
    this.#batches = new Batches(dataset, batch, seed, "pretraining");
    const params = model.init(RandomStream.from(seed, "initial weights"));
    this.#first = { params, moments: initMoments(params), step: HostArray.scalar(0) };
    if (masking.strategy === "attention") {
      const scores = HostArray.zeros({ shape: [dataset.size, tokensIn(model.grid)], dtype: "float32" });
      this.#looks = { scores, epoch: HostArray.scalar(-1) };
    }
  }

  get updates(): number {
    return this.#updates;
  }

  /** Epochs that are behind. */
  get epoch(): number {
    return this.#batches.epochOf(this.#updates);
  }

  async #learner(): Promise<Record<string, HostTree>> {
    return (this.#step ? await this.#step.read() : this.#first) as Record<string, HostTree>;
  }

  /** Weights, moments and step counter, and what is masked by. */
  async state(): Promise<HostTree> {
    const looks: Record<string, HostTree> = this.#looks ? { looks: this.#looks } : {};
    return { ...(await this.#learner()), ...looks };
  }

  /** Weights, overwritten by later updates. */
  async weights(): Promise<HostTree> {
    return (await this.#learner()).params!;
  }

  restore(state: HostTree, updates: number): void {
    const { looks, ...learner } = state as Record<string, HostTree>;
    this.#first = learner;
    this.#step?.load(learner);
    if (looks) this.#looks = looks as Looks;
    this.#updates = updates;
  }

  /** Begins with these weights in place of random ones; before the first update. */
  begin(weights: HostTree): void {
    this.restore({ params: weights, moments: initMoments(weights), step: HostArray.scalar(0) }, 0);
  }

  /** One update; resolves to its loss. */
  async update(): Promise<number> {
    const { recipe, grid } = this.model;
    const settings = this.#maskingAt(this.epoch);
    const looks = settings.strategy === "attention" ? await this.#look() : undefined;
    const samples = this.#batches.at(this.#updates);
    const rng = RandomStream.from(recipe.seed, `masks of update ${this.#updates}`);
    const draw: Masker = maskerOf(settings, grid);
    const changes = changesOf(this.dataset, recipe.augment, samples.length, recipe.seed, `update ${this.#updates}`);
    const scoresOf = (sample: number, b: number) => {
      const scores = looks && rowOf(looks.scores, sample);
      return scores && changes ? changeScores(scores, grid, this.dataset, changes[b]!) : scores;
    };
    const maskings = [...samples].map((sample, b) => draw(rng, scoresOf(sample, b)));
    const { keep, hidden } = stackMaskings(maskings);
    const inputs = [readPixels(this.dataset, samples, changes), { keep, hidden }];
    await this.#prepare(settings, inputs);
    const { loss } = (await this.#step!.run(inputs)) as { loss: HostArray };
    this.#updates += 1;
    return loss.data[0]!;
  }

  dispose(): void {
    this.#step?.dispose();
  }

  #maskingAt(epoch: number): MaskingSettings {
    const { masking, warmupMasking } = this.model.recipe;
    const warming = masking.strategy === "attention" && epoch < warmupMasking.epochs;
    return warming ? { strategy: "random", ratio: warmupMasking.ratio } : masking;
  }

  /** A compiled update for as many tokens as this masking keeps and hides. */
  async #prepare(settings: MaskingSettings, inputs: readonly HostTree[]): Promise<void> {
    if (this.#step && this.#stepFor?.strategy === settings.strategy) return;
    const state = await this.#learner();
    const next = await StatefulStep.create(
      this.device,
      this.#advance(this.model.recipe),
      state,
      inputs.map((input) => specOf(input)),
      "pretrain",
    );
    this.#step?.dispose();
    this.#step = next;
    this.#stepFor = settings;
  }

  #advance(recipe: Recipe) {
    return ({ params, moments, step }: State, pixels: Tensor, masked: Masked) => {
      const { value, gradients } = valueAndGradTree(
        (p: ModelParameters) => ({ loss: this.model.loss(p, pixels, masked), auxiliary: {} }),
        params,
      );
      const learningRate = warmupCosine(step, recipe.learningRate, recipe.warmupUpdates, recipe.updates);
      const next = updateWeights(params as TensorTree, gradients as TensorTree, moments, { ...recipe, learningRate, step });
      return { state: { params: next.params, moments: next.moments, step: tf.add(step, 1) }, outputs: { loss: value } };
    };
  }

  /** Looks at what the class token attends to in every sample, at the start and every few epochs. */
  async #look(): Promise<Looks> {
    const { refreshEpochs, epochs } = this.model.recipe.warmupMasking;
    const due = this.epoch - ((this.epoch - epochs) % refreshEpochs);
    if (this.#looks && this.#looks.epoch.data[0]! >= due) return this.#looks;
    const scores = await attentionOf(this.device, this.model, await this.weights(), this.dataset);
    this.#looks = { scores, epoch: HostArray.scalar(this.epoch) };
    return this.#looks;
  }
}

/** Row `i` of [N,T]. */
export const rowOf = ({ data, shape: [, T] }: HostArray, i: number): Float32Array =>
  (data as Float32Array).subarray(i * T!, (i + 1) * T!);

/** The attention map of every sample, [N,T]. */
export async function attentionOf(device: Device, model: Model, weights: HostTree, dataset: Dataset): Promise<HostArray> {
  const map = (p: ModelParameters, pixels: Tensor) => ({ map: model.attention(p, pixels) });
  const B = Math.min(MAP_BATCH, dataset.size);
  const numbers = (from: number) => Int32Array.from({ length: B }, (_, i) => (from + i) % dataset.size);
  const compiled = await device.compile(map, [specOf(weights), specOf(readPixels(dataset, numbers(0)))], "attention map");
  const T = tokensIn(model.grid);
  const scores = new Float32Array(dataset.size * T);
  for (let from = 0; from < dataset.size; from += B) {
    const { map: found } = (await compiled.run([weights, readPixels(dataset, numbers(from))])) as { map: HostArray };
    scores.set((found.data as Float32Array).subarray(0, Math.min(B, dataset.size - from) * T), from * T);
  }
  compiled.dispose();
  return HostArray.float32(scores, dataset.size, T);
}
