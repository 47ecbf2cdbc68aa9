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

/** Samples whose attention is looked at together. */
const MAP_BATCH = 64;

/** Trains a recipe's model. What an update sees depends on the seed and its number alone: a restored training goes on as if undisturbed. */
export class Pretraining {
  readonly #batches: Batches;
  #step: StatefulStep | undefined;
  #stepFor: MaskingSettings | undefined;
  #scores: Float32Array[] = [];
  /** Epoch whose beginning the scores are of; −1 before the first look. */
  #scoresOf = -1;
  #state: HostTree;
  #updates = 0;

  constructor(
    readonly device: Device,
    readonly model: Model,
    readonly dataset: Dataset,
  ) {
    const { batch, seed } = model.recipe;
    this.#batches = new Batches(dataset, batch, seed, "pretraining");
    const params = model.init(RandomStream.from(seed, "initial weights"));
    this.#state = { params, moments: initMoments(params), step: HostArray.scalar(0) };
  }

  get updates(): number {
    return this.#updates;
  }

  /** Epochs that are behind. */
  get epoch(): number {
    return this.#batches.epochOf(this.#updates);
  }

  /** Weights, moments and step counter. */
  async state(): Promise<HostTree> {
    return this.#step ? this.#step.read() : this.#state;
  }

  /** Weights, overwritten by later updates. */
  async weights(): Promise<HostTree> {
    return ((await this.state()) as { params: HostTree }).params;
  }

  restore(state: HostTree, updates: number): void {
    this.#state = state;
    this.#step?.load(state);
    this.#updates = updates;
    this.#scoresOf = -1;
  }

  /** Begins with these weights in place of random ones; before the first update. */
  begin(weights: HostTree): void {
    this.restore({ params: weights, moments: initMoments(weights), step: HostArray.scalar(0) }, 0);
  }

  /** One update; resolves to its loss. */
  async update(): Promise<number> {
    const { recipe, grid } = this.model;
    const settings = this.#maskingNow();
    if (settings.strategy === "attention") await this.#look();
    const samples = this.#batches.at(this.#updates);
    const rng = RandomStream.from(recipe.seed, `masks of update ${this.#updates}`);
    const draw: Masker = maskerOf(settings, grid);
    const changes = changesOf(this.dataset, recipe.augment, samples.length, recipe.seed, `update ${this.#updates}`);
    const scoresOf = (sample: number, b: number) => {
      const scores = this.#scores[sample];
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

  #maskingNow(): MaskingSettings {
    const { masking, warmupMasking } = this.model.recipe;
    const warming = masking.strategy === "attention" && this.epoch < warmupMasking.epochs;
    return warming ? { strategy: "random", ratio: warmupMasking.ratio } : masking;
  }

  /** A compiled update for as many tokens as this masking keeps and hides. */
  async #prepare(settings: MaskingSettings, inputs: readonly HostTree[]): Promise<void> {
    if (this.#step && this.#stepFor?.strategy === settings.strategy) return;
    const state = await this.state();
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
  async #look(): Promise<void> {
    const { refreshEpochs, epochs } = this.model.recipe.warmupMasking;
    const due = this.epoch - ((this.epoch - epochs) % refreshEpochs);
    if (this.#scoresOf >= due) return;
    this.#scores = await attentionOf(this.device, this.model, await this.weights(), this.dataset);
    this.#scoresOf = this.epoch;
  }
}

/** The attention map of every sample, [T] each. */
export async function attentionOf(device: Device, model: Model, weights: HostTree, dataset: Dataset): Promise<Float32Array[]> {
  const map = (p: ModelParameters, pixels: Tensor) => ({ map: model.attention(p, pixels) });
  const B = Math.min(MAP_BATCH, dataset.size);
  const numbers = (from: number) => Int32Array.from({ length: B }, (_, i) => (from + i) % dataset.size);
  const compiled = await device.compile(map, [specOf(weights), specOf(readPixels(dataset, numbers(0)))], "attention map");
  const T = tokensIn(model.grid);
  const scores: Float32Array[] = [];
  for (let from = 0; from < dataset.size; from += B) {
    const { map: found } = (await compiled.run([weights, readPixels(dataset, numbers(from))])) as { map: HostArray };
    for (let i = 0; i < B && from + i < dataset.size; i++) scores.push((found.data as Float32Array).slice(i * T, (i + 1) * T));
  }
  compiled.dispose();
  return scores;
}
