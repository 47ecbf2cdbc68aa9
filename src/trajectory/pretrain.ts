/** Trajectory pre-training: predict the entities that are hidden. */
import * as tf from "@tensorflow/tfjs";
import { maskerOf } from "../masked/index.js";
import type { Trainable } from "../pretraining/loop.js";
import { initMoments, updateWeights, warmupCosine } from "../pretraining/optimise.js";
import type { Compiled, Device } from "../tensor/device.js";
import { valueAndGradTree } from "../tensor/gradient.js";
import { RandomStream } from "../tensor/random.js";
import { StatefulStep } from "../tensor/step.js";
import { HostArray, type HostTree, specOf, type Tensors, type TensorTree } from "../tensor/tree.js";
import { allocateTrajectoryBatch, type TrajectoryBatch, writeWindow } from "./batch.js";
import { TrajectoryModel, type TrajectoryParameters } from "./model.js";
import { persistenceLoss } from "./persistence.js";
import type { TrajectoryRecipe } from "./recipe.js";
import { type FeatureScale, featureScale } from "./scale.js";
import { type Part, placesOf, type WindowSource } from "./windows.js";

type State = { params: TrajectoryParameters; moments: TensorTree; step: tf.Tensor };

/** Trains a recipe's model. What an update sees depends on the seed and its number alone: a restored training goes on as if undisturbed. */
export class TrajectoryPretraining implements Trainable {
  readonly model: TrajectoryModel;
  readonly scale: FeatureScale;
  readonly #step: StatefulStep;
  readonly #judge: Compiled;
  readonly #batch: TrajectoryBatch;
  #updates = 0;
  /** Held-out windows, always the same, batch by batch. */
  #kept: TrajectoryBatch[] = [];

  private constructor(
    readonly recipe: TrajectoryRecipe,
    readonly source: WindowSource,
    parts: { model: TrajectoryModel; scale: FeatureScale; step: StatefulStep; judge: Compiled; batch: TrajectoryBatch },
  ) {
    this.model = parts.model;
    this.scale = parts.scale;
    this.#step = parts.step;
    this.#judge = parts.judge;
    this.#batch = parts.batch;
  }

  static async create(device: Device, recipe: TrajectoryRecipe, source: WindowSource): Promise<TrajectoryPretraining> {
    const scale = featureScale(source);
    const model = new TrajectoryModel(recipe, source.layout, scale);
    const params = model.init(RandomStream.from(recipe.seed, "initial weights"));
    const state = { params, moments: initMoments(params), step: HostArray.scalar(0) };
    const masking = drawMasking(recipe, source, RandomStream.from(0));
    const batch = allocateTrajectoryBatch(source.layout, recipe.batch, masking.keep.length, masking.hidden.length);
    const advance = ({ params: p, moments, step }: State, inputs: Tensors<TrajectoryBatch>) => {
      const { value, gradients } = valueAndGradTree(
        (now: TrajectoryParameters) => ({ loss: model.loss(now, inputs), auxiliary: {} }),
        p,
      );
      const learningRate = warmupCosine(step, recipe.learningRate, recipe.warmupUpdates, recipe.updates);
      const next = updateWeights(p as TensorTree, gradients as TensorTree, moments, { ...recipe, learningRate, step });
      return { state: { params: next.params, moments: next.moments, step: tf.add(step, 1) }, outputs: { loss: value } };
    };
    const judge = (p: TrajectoryParameters, inputs: Tensors<TrajectoryBatch>) => ({ loss: model.loss(p, inputs) });
    return new TrajectoryPretraining(recipe, source, {
      model,
      scale,
      batch,
      step: await StatefulStep.create(device, advance, state, [specOf(batch)], "trajectory"),
      judge: await device.compile(judge, [specOf(params), specOf(batch)], "held out"),
    });
  }

  get updates(): number {
    return this.#updates;
  }

  state(): Promise<HostTree> {
    return this.#step.read();
  }

  restore(state: HostTree, updates: number): void {
    this.#step.load(state);
    this.#updates = updates;
  }

  async update(): Promise<number> {
    this.#fill(this.#batch, RandomStream.from(this.recipe.seed, `windows of update ${this.#updates}`), "train");
    const { loss } = (await this.#step.run([this.#batch])) as { loss: HostArray };
    this.#updates += 1;
    return loss.data[0]!;
  }

  /** The loss on windows of episodes that are kept, beside that of {@link persistenceLoss} on the same. */
  async judge(): Promise<Record<string, number>> {
    const { heldOutWindows, batch: B, seed } = this.recipe;
    if (heldOutWindows === 0 || this.source.windows("test") === 0) return {};
    if (this.#kept.length === 0) {
      const rng = RandomStream.from(seed, "held-out windows");
      this.#kept = Array.from({ length: Math.ceil(heldOutWindows / B) }, () => {
        const batch = allocateTrajectoryBatch(this.source.layout, B, this.#batch.keep.shape[1]!, this.#batch.hidden.shape[1]!);
        return this.#fill(batch, rng, "test");
      });
    }
    const { params } = (await this.#step.read((state) => ({ params: (state as { params: HostTree }).params }))) as {
      params: HostTree;
    };
    let [heldOut, persistence] = [0, 0];
    for (const batch of this.#kept) {
      const { loss } = (await this.#judge.run([params, batch])) as { loss: HostArray };
      heldOut += loss.data[0]! / this.#kept.length;
      persistence += persistenceLoss(batch, this.source.layout, this.scale) / this.#kept.length;
    }
    return { heldOutLoss: heldOut, persistenceLoss: persistence };
  }

  #fill(batch: TrajectoryBatch, rng: RandomStream, part: Part): TrajectoryBatch {
    for (let b = 0; b < this.recipe.batch; b++) {
      const window = this.source.draw(rng, part);
      writeWindow(batch, b, window, drawMasking(this.recipe, this.source, rng), this.source.layout, this.scale);
    }
    return batch;
  }

  dispose(): void {
    this.#step.dispose();
    this.#judge.dispose();
  }
}

/** Which tokens of one window are hidden: they are numbered frame by frame, place by place. */
function drawMasking({ masking }: TrajectoryRecipe, { layout }: WindowSource, rng: RandomStream) {
  const grid = { frames: layout.frames, rows: 1, columns: placesOf(layout) };
  return maskerOf(masking, grid)(rng);
}
