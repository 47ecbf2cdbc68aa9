/** A recipe: everything that a pre-training is made of, as a YAML file holds it. */
import { z } from "zod";
import { BatonError } from "../errors.js";
import { type MaskingSettings, maskingSchema } from "../masked/index.js";
import { deviceNames } from "../tensor/devices.js";
import { RandomStream } from "../tensor/random.js";
import { cifar10, mnistParts } from "./data/archives.js";
import { augmentSchema } from "./data/augment.js";
import { chosen, type Dataset, part } from "./data/dataset.js";
import { digits } from "./data/digits.js";
import { imageFolder } from "./data/images.js";
import type { ReadingOptions } from "./data/reading.js";
import { videoFolder } from "./data/videos.js";

const count = (least = 1) => z.number().int().min(least);

const encoderSchema = z
  .strictObject({
    width: count().max(4096).default(64).describe("Features of a token; a multiple of 4 and of heads."),
    depth: count().max(64).default(4).describe("Blocks."),
    heads: count().max(64).default(4).describe("Attention heads."),
  })
  .refine(({ width, heads }) => width % 4 === 0 && width % heads === 0, "width must be a multiple of 4 and of heads");

const firstSamples = count(16).nullable().default(null).describe("The first samples to train on; null for all.");

const dataSchema = z
  .discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("digits"),
      size: count(16).max(256).default(28).describe("Pixels of a side."),
      frames: count().max(64).default(1).describe("1 for pictures; more for videos of moving digits."),
      samples: count(64).default(5000).describe("Samples to train on."),
      testSamples: count(16).default(1000).describe("Samples to judge by."),
    }),
    z.strictObject({ kind: z.literal("mnist"), folder: z.string().describe("Folder of the idx files."), samples: firstSamples }),
    z.strictObject({
      kind: z.literal("cifar10"),
      folder: z.string().describe("Folder of the .bin files."),
      samples: firstSamples,
    }),
    z.strictObject({
      kind: z.literal("images"),
      folder: z.string().describe("Folder of .png and .jpg files, or of folders of them, one a class."),
      size: count(8).max(512).default(32).describe("Pixels of a side that pictures are scaled to."),
    }),
    z.strictObject({
      kind: z.literal("videos"),
      folder: z.string().describe("Folder of clips (folders of frames, or .gif files), or of folders of them, one a class."),
      size: count(8).max(512).default(32).describe("Pixels of a side that frames are scaled to."),
      frames: count(2).max(64).default(8).describe("Frames of a sample."),
      stride: count().max(64).default(1).describe("A sample has every so many-th frame of its clip."),
    }),
  ])
  .describe("What is learnt from.");

/** How weights are moved, and how often they are kept; what recipes of all kinds share. */
export const learningSettings = ({ learningRate, warmupUpdates }: { learningRate: number; warmupUpdates: number }) => ({
  learningRate: z
    .number()
    .positive()
    .max(1)
    .default(learningRate)
    .describe("Learning rate at its highest; it falls along half a cosine to 0."),
  weightDecay: z
    .number()
    .min(0)
    .max(1)
    .default(0.05)
    .describe("Share of the weights (not of biases and norms) taken off per unit of learning rate."),
  beta2: z.number().min(0.5).lt(1).default(0.95).describe("Adam's decay of squared gradients."),
  warmupUpdates: count(0)
    .default(warmupUpdates)
    .describe("Updates in which the learning rate rises in equal steps, from 1/warmupUpdates of its highest in the first."),
  checkpointEvery: count().default(500).describe("Updates between two checkpoints; the last update has one, too."),
});

export const recipeSchema = z.strictObject({
  seed: count(0).default(0).describe("Seed of every random stream."),
  device: z.enum(deviceNames).default("auto").describe("Where networks run."),
  threads: count(0).max(256).default(0).describe("Threads inside one operation; 0 takes one per core."),
  data: dataSchema.default({ kind: "digits", size: 28, frames: 1, samples: 5000, testSamples: 1000 }),
  pixels: z
    .strictObject({
      mean: z.number().min(0).max(1).default(0.5).describe("Taken off every pixel (0 is black, 1 white)."),
      spread: z.number().positive().max(1).default(0.5).describe("What is left is divided by this."),
    })
    .prefault({})
    .describe("Brings pixels to about mean 0 and spread 1; the data's own mean and spread are best."),
  augment: augmentSchema.prefault({}),
  patch: count().default(4).describe("Pixels of a patch's side."),
  tube: count().default(1).describe("Frames of a tube."),
  predictedFrames: count()
    .max(64)
    .nullable()
    .default(null)
    .describe("Frames of a video that are predicted, evenly spread; null for all (MAE-ST: half of them)."),
  encoder: encoderSchema.prefault({}),
  decoder: encoderSchema.prefault({ width: 32, depth: 1, heads: 4 }),
  masking: maskingSchema.prefault({ strategy: "random", ratio: 0.75 }),
  warmupMasking: z
    .strictObject({
      epochs: count(0).default(0).describe("Epochs of random masking before the attention-driven one."),
      ratio: z.number().positive().lt(1).default(0.75).describe("Share hidden meanwhile."),
      refreshEpochs: count().default(10).describe("Epochs between two looks at what the class token attends to."),
    })
    .prefault({})
    .describe("For attention-driven masking: how it begins, and how often attention is looked at."),
  normalise: z.boolean().default(true).describe("Whether each patch to predict is normalised by itself."),
  batch: count().max(65_536).default(64).describe("Samples in each update."),
  updates: count().default(800).describe("Length of the training, in updates."),
  ...learningSettings({ learningRate: 2e-3, warmupUpdates: 40 }),
  gradientClip: z.number().positive().nullable().default(null).describe("Largest global norm of the gradient; null for none."),
  reportEvery: count().default(50).describe("Updates between two lines of metrics."),
});

export type Recipe = z.infer<typeof recipeSchema>;
export type { MaskingSettings };

/** What a recipe trains on, and what it is judged by. */
export interface Split {
  readonly train: Dataset;
  readonly test: Dataset;
}

/** Opens a recipe's data. Throws a BatonError that names the file which is missing or is not what it should be. */
export async function openData({ data, seed }: Recipe, reading?: ReadingOptions): Promise<Split> {
  switch (data.kind) {
    case "digits": {
      const all = digits({ seed, samples: data.samples + data.testSamples, size: data.size, frames: data.frames });
      return { train: part(all, 0, data.samples), test: part(all, data.samples, data.testSamples) };
    }
    case "mnist": {
      const { train, test } = mnistParts(data.folder);
      return { train: first(train, data.samples), test };
    }
    case "cifar10":
      return { train: first(cifar10(data.folder, "train"), data.samples), test: cifar10(data.folder, "test") };
    case "images":
      return everyFifth(await imageFolder(data.folder, data.size, reading), seed);
    case "videos":
      return everyFifth(await videoFolder(data.folder, data, reading), seed);
  }
}

const first = (all: Dataset, samples: number | null): Dataset => part(all, 0, Math.min(samples ?? all.size, all.size));

/**
 * Every fifth sample is kept for judging: folders are read class by class, so that each class of five has one there. Then both parts are shuffled, since
 * whoever judges takes the first samples.
 */
function everyFifth(all: Dataset, seed: number): Split {
  if (all.size < 5) {
    throw new BatonError(
      "invalid-file",
      `${all.name} has ${all.size} samples, but at least 5 are needed: every fifth is kept for judging`,
      {
        hint: "add more to data.folder",
      },
    );
  }
  const shuffled = (which: (i: number) => boolean, name: string): Dataset => {
    const numbers = Array.from({ length: all.size }, (_, i) => i).filter(which);
    const order = new Int32Array(numbers.length);
    RandomStream.from(seed, `samples to ${name}`).permutation(order, 0, order.length);
    return chosen(
      all,
      order.map((k) => numbers[k]!),
      `${all.name} (${name})`,
    );
  };
  return { train: shuffled((i) => i % 5 !== 4, "train"), test: shuffled((i) => i % 5 === 4, "test") };
}
