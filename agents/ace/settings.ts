import { z } from "zod";
import { explorationSettings } from "../exploration.js";

const probability = z.number().min(0).max(1);
const share = z.number().positive().max(1);

/** Everything that can be set about ACE; defaults fit two cores. The paper's own values stand in README.md. */
export const aceSettings = z
  .strictObject({
    hidden: z.number().int().min(4).max(1024).default(64).describe("Width H of every hidden layer, in units (paper: 256)."),
    encoder: z
      .enum(["relational", "transformer"])
      .default("relational")
      .describe(
        "How entities are seen: pooled pairwise relations (relational, the paper) or attention biased by relations (transformer).",
      ),
    depth: z.number().int().min(1).max(12).default(1).describe("Blocks of the transformer encoder."),
    heads: z.number().int().min(1).max(64).default(4).describe("Attention heads of the transformer encoder; they divide hidden."),
    target: z
      .enum(["sequential", "environment"])
      .default("sequential")
      .describe(
        "What agents before the last learn from: the next agent's best reply (sequential, the paper) or the environment's return (environment, the authors' code).",
      ),
    order: z
      .enum(["fixed", "shuffle", "shuffle-sample", "gap"])
      .default("shuffle")
      .describe(
        "Order of deciding in training: fixed, one random order per batch (shuffle), one per sample (shuffle-sample), or whoever has the largest gap between best and mean value next (gap, also when evaluated; (n+1)/2 times the work).",
      ),
    nStep: z
      .number()
      .int()
      .min(1)
      .max(64)
      .default(3)
      .describe("Steps of reward summed before bootstrapping, in environment steps."),
    gamma: probability.default(0.99).describe("Discount per environment step."),
    batchSize: z.number().int().min(1).max(4096).default(128).describe("Transitions in each update (paper: 320)."),
    learningRate: z.number().positive().max(1).default(1e-3).describe("Learning rate at the start (paper: 3e-4)."),
    learningRateEnd: z.number().positive().max(1).default(1e-5).describe("Learning rate after the cosine decay (paper: 3e-6)."),
    learningRateUpdates: z
      .number()
      .int()
      .positive()
      .default(20_000)
      .describe("Length of the learning rate's cosine decay, in updates; constant afterwards."),
    learningRateWarmup: z
      .number()
      .int()
      .min(0)
      .default(0)
      .describe(
        "Updates in which the learning rate rises from 0. RMSprop's first steps are ten times the learning rate in every weight, which spoils weights that are good already.",
      ),
    weightDecay: z.number().min(0).max(1).default(1e-5).describe("L2 penalty added to the gradient, per unit of weight."),
    gradientClip: z.number().positive().default(50).describe("Largest global norm of the gradient; longer ones are scaled down."),
    targetRate: share.default(0.008).describe("Share of the online network mixed into the target network after each update."),
    averageRate: share
      .default(1)
      .describe("Share of the online network mixed into the network that acts after each update; 1 has the online one act."),
    auxiliaryWeight: z
      .number()
      .min(0)
      .default(10)
      .describe("Weight of the prediction loss (how each entity changes); 0 turns it off."),
    auxiliaryBalance: z
      .boolean()
      .default(false)
      .describe("Whether changing and unchanging features weigh the same in the prediction loss."),
    auxiliaryGlobal: z
      .boolean()
      .default(true)
      .describe("Whether the prediction loss also asks for the sums over each side (paper: on StarCraft, not in football)."),
    priority: probability
      .default(0)
      .describe("Exponent of prioritised replay: 0 draws all transitions alike, 1 in proportion to their error (paper: 0)."),
    priorityCorrection: probability
      .default(0.4)
      .describe("How far the loss makes up for unequal draws at the first update, 0 to 1; it grows in a straight line to 1."),
    priorityCorrectionUpdates: z
      .number()
      .int()
      .positive()
      .default(20_000)
      .describe("Updates until the loss makes up for unequal draws in full."),
    ...explorationSettings,
  })
  .describe("ACE: agents decide one after another.");

export type AceSettings = z.infer<typeof aceSettings>;
