/** A pre-training that takes seconds, and what it learns from. */
import { expect } from "vitest";
import { digits } from "../src/pretraining/data/digits.js";
import { type Recipe, recipeSchema } from "../src/pretraining/recipe.js";

/** A recipe that takes seconds. */
export const small = (more: object = {}): Recipe =>
  recipeSchema.parse({
    data: { kind: "digits", size: 16, samples: 128, testSamples: 64 },
    encoder: { width: 16, depth: 2, heads: 2 },
    decoder: { width: 16, depth: 1, heads: 2 },
    batch: 16,
    updates: 60,
    warmupUpdates: 5,
    threads: 1,
    reportEvery: 20,
    ...more,
  });

export const dataOf = ({ data, seed }: Recipe) =>
  data.kind === "digits" ? digits({ seed, samples: data.samples, size: data.size, frames: data.frames }) : expect.fail();
