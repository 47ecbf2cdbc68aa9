import { z } from "zod";

export const pettingzooOptions = z.strictObject({
  reward: z
    .enum(["sum", "mean"])
    .default("sum")
    .describe("How the team's reward follows from its members': their sum or their mean, in the environment's units."),
  episode_limit: z
    .int()
    .min(1)
    .nullable()
    .default(null)
    .describe("Steps after which an episode is cut off; null takes the environment's own limit."),
  won: z
    .string()
    .nullable()
    .default(null)
    .describe(
      "What counts as a win: an entry of the environment's info, or terminated for every end before the limit; null: nothing but an entry that says so.",
    ),
  arguments: z
    .record(z.string(), z.unknown())
    .default({})
    .describe("Arguments of the environment's parallel_env, by name, e.g. max_cycles."),
});

export type PettingzooOptions = z.infer<typeof pettingzooOptions>;
