/** A recipe of trajectory pre-training: everything that it is made of, as a YAML file of experiments/trajectory holds it. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { BatonError } from "../errors.js";
import { maskingSchema } from "../masked/index.js";
import { unknownName, yamlNames } from "../names.js";
import { packageRoot } from "../package.js";
import { learningSettings } from "../pretraining/recipe.js";
import { deviceNames } from "../tensor/devices.js";
import { locateIssues, mergeLayers, type SettingLayer, yamlLayer } from "../training/layers.js";
import { checkSettings, settingsError } from "../validation.js";

const count = (least = 1) => z.number().int().min(least);

export const trajectoryRecipeSchema = z.strictObject({
  seed: count(0).default(0).describe("Seed of every random stream."),
  device: z.enum(deviceNames).default("auto").describe("Where networks run."),
  threads: count(0).max(256).default(1).describe("Threads inside one operation; 0 takes one per core."),
  data: z
    .strictObject({
      kind: z.literal("recordings"),
      recordings: z
        .array(z.string())
        .default([])
        .describe("Folders that `baton record` made; several may be of several maps whose features are the same."),
      episodes: z
        .array(count(2))
        .nullable()
        .default(null)
        .describe("How many of the first episodes of each recording are used; null takes those that are there at the start."),
    })
    .default({ kind: "recordings", recordings: [], episodes: null })
    .describe("What is learnt from."),
  window: z
    .strictObject({
      frames: count().max(256).default(8).describe("Time steps that are seen together."),
      stride: count().max(64).default(1).describe("Steps of the episode from one of them to the next."),
    })
    .prefault({}),
  encoder: z
    .strictObject({
      encoder: z.enum(["relational", "transformer"]).default("relational").describe("As agent.encoder of the agent to come."),
      hidden: count(4).max(1024).default(64).describe("As agent.hidden."),
      depth: count().max(12).default(1).describe("As agent.depth; of the transformer."),
      heads: count().max(64).default(4).describe("As agent.heads; of the transformer."),
    })
    .prefault({})
    .describe("The encoder, which is the agent's own."),
  decoder: z
    .strictObject({
      width: count().max(1024).default(64).describe("Features of a token; a multiple of heads, and even."),
      depth: count().max(16).default(1).describe("Blocks."),
      heads: count().max(64).default(4).describe("Attention heads."),
    })
    .prefault({})
    .describe("What predicts, and is thrown away in the end."),
  masking: maskingSchema
    .refine(({ strategy }) => strategy !== "attention", "entities over time are masked by random, tube, frame or block")
    .prefault({ strategy: "random", ratio: 0.8 })
    .describe("Which tokens are hidden."),
  batch: count().max(65_536).default(64).describe("Windows in each update."),
  updates: count().default(3000).describe("Length of the training, in updates."),
  ...learningSettings({ learningRate: 1e-3, warmupUpdates: 100 }),
  gradientClip: z.number().positive().nullable().default(1).describe("Largest global norm of the gradient; null for none."),
  reportEvery: count().default(100).describe("Updates between two lines of metrics."),
  heldOutWindows: count(0)
    .default(256)
    .describe("Windows of kept episodes that each report judges by; every tenth episode is kept."),
});

export type TrajectoryRecipe = z.infer<typeof trajectoryRecipeSchema>;

const recipeFolder = () => join(packageRoot(), "experiments", "trajectory");

export const trajectoryRecipeNames = (): string[] => yamlNames(recipeFolder());

/** A recipe by name, or of a YAML file by path. */
export function trajectoryRecipeLayer(nameOrFile: string): SettingLayer {
  if (trajectoryRecipeNames().includes(nameOrFile)) {
    const path = join(recipeFolder(), `${nameOrFile}.yaml`);
    return yamlLayer(readFileSync(path, "utf8"), `experiments/trajectory/${nameOrFile}.yaml`);
  }
  if (/\.ya?ml$/.test(nameOrFile) && existsSync(nameOrFile)) return yamlLayer(readFileSync(nameOrFile, "utf8"), nameOrFile);
  throw unknownName("recipe", nameOrFile, trajectoryRecipeNames());
}

/** Checks a recipe. Throws one BatonError with every mistake and where it was written. */
export function resolveTrajectoryRecipe(layers: readonly SettingLayer[]): TrajectoryRecipe {
  const layer = mergeLayers(layers);
  const checked = checkSettings(trajectoryRecipeSchema, layer.settings);
  if (checked.issues !== undefined) throw settingsError(locateIssues(checked.issues, [], layer));
  const recipe = checked.value;
  const { encoder, decoder } = recipe;
  if (encoder.encoder === "transformer" && encoder.hidden % encoder.heads !== 0) {
    throw new BatonError("invalid-value", `encoder.heads is ${encoder.heads}, but must divide encoder.hidden, ${encoder.hidden}`);
  }
  if (decoder.width % decoder.heads !== 0 || decoder.width % 2 !== 0) {
    throw new BatonError(
      "invalid-value",
      `decoder.width is ${decoder.width}, but must be even and a multiple of decoder.heads, ${decoder.heads}`,
    );
  }
  return recipe;
}
