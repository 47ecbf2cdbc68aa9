import { z } from "zod";

export const footballOptions = z.strictObject({
  players: z
    .array(z.int().min(0).max(10))
    .min(1)
    .refine((players) => new Set(players).size === players.length, "a player can be one agent only, so no number may come twice")
    .nullable()
    .default(null)
    .describe(
      "Numbers of the left team's players that are agents (0 is the keeper); null takes the attackers of the scenario, or all field players.",
    ),
  episode_limit: z.int().min(1).max(3000).default(150).describe("Steps after which an episode is cut off."),
  reward: z
    .enum(["ace", "scoring", "checkpoints"])
    .default("ace")
    .describe(
      "ace: 100 for a goal, −1 for falling back into the own half; scoring: ±1 for goals; checkpoints: scoring, and 0.1 for each tenth of the way to the goal with the ball.",
    ),
  own_half_ends: z
    .boolean()
    .nullable()
    .default(null)
    .describe(
      "Whether an episode ends when the ball or an agent crosses into the own half; null: in the academy's scenarios only.",
    ),
  dumps: z.string().default("").describe("Folder for the engine's traces of episodes; none are written where empty."),
  dump_every: z.int().min(1).default(1).describe("Episodes of a copy between two traces."),
});

export type FootballOptions = z.infer<typeof footballOptions>;
