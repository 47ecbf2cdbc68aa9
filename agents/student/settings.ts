import { z } from "zod";

/** Everything that can be set about a student. */
export const studentSettings = z
  .strictObject({
    width: z.number().int().min(8).max(1024).default(64).describe("Features of a token, in units; a multiple of heads."),
    heads: z.number().int().min(1).max(64).default(4).describe("Attention heads."),
    depth: z.number().int().min(1).max(12).default(1).describe("Transformer blocks."),
    window: z
      .number()
      .int()
      .min(1)
      .max(64)
      .default(8)
      .describe("Own time steps that an agent remembers, the present one included."),
    batchSize: z.number().int().min(1).max(4096).default(32).describe("Windows in each update."),
    learningRate: z.number().positive().max(1).default(1e-3).describe("Learning rate at the start."),
    learningRateEnd: z.number().positive().max(1).default(1e-4).describe("Learning rate after the cosine decay."),
    learningRateUpdates: z.number().int().positive().default(10_000).describe("Length of the cosine decay, in updates."),
    gradientClip: z.number().positive().default(10).describe("Largest global norm of the gradient; longer ones are scaled down."),
  })
  .describe("A student: every agent by itself, from its own observations, as a teacher taught it.");

export type StudentSettings = z.infer<typeof studentSettings>;
