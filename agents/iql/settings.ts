import { z } from "zod";
import { explorationSettings } from "../exploration.js";

const probability = z.number().min(0).max(1);
const share = z.number().positive().max(1);

/** Everything that can be set about independent Q-learning. */
export const iqlSettings = z
  .strictObject({
    hidden: z.number().int().min(4).max(1024).default(64).describe("Width H of both hidden layers, in units."),
    nStep: z
      .number()
      .int()
      .min(1)
      .max(64)
      .default(1)
      .describe("Steps of reward summed before bootstrapping, in environment steps."),
    gamma: probability.default(0.99).describe("Discount per environment step."),
    batchSize: z.number().int().min(1).max(4096).default(128).describe("Transitions in each update."),
    learningRate: z.number().positive().max(1).default(1e-3).describe("Learning rate, constant."),
    gradientClip: z.number().positive().default(10).describe("Largest global norm of the gradient; longer ones are scaled down."),
    targetRate: share.default(0.01).describe("Share of the online network mixed into the target network after each update."),
    ...explorationSettings,
  })
  .describe("IQL: every agent learns alone.");

export type IqlSettings = z.infer<typeof iqlSettings>;
