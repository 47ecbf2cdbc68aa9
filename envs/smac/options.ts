import { z } from "zod";

const flag = (value: boolean, text: string) => z.boolean().default(value).describe(text);
const amount = (value: number, text: string) => z.number().default(value).describe(text);

/** Options by SMAC's own names and with its defaults; `units`, `enemies` and `save_replay_every` are Baton's. */
export const smacOptions = z.strictObject({
  units: z.int().min(1).max(50).default(5).describe("Agents in SMACv2's teams; without effect on SMAC's own maps."),
  enemies: z.int().min(1).max(50).default(5).describe("Enemies in SMACv2's teams; without effect on SMAC's own maps."),
  difficulty: z
    .enum(["1", "2", "3", "4", "5", "6", "7", "8", "9", "A"])
    .default("7")
    .describe("Strength of the game's own player, 1 (very easy) to A (cheats insanely); 7 is what papers play."),
  step_mul: z.int().min(1).max(64).default(8).describe("Ticks of the game's clock (22.4 a second) in one step."),
  move_amount: z.number().positive().max(8).default(2).describe("Distance of a move order in world units."),
  seed: z.int().min(0).default(0).describe("Seed of the game of copy 0; copy k has the seed + k."),
  obs_all_health: flag(true, "Whether observations hold the health and shield of all units in sight, as fractions."),
  obs_own_health: flag(true, "Whether observations hold the agent's own health, as a fraction."),
  obs_last_action: flag(false, "Whether observations hold the last actions of the allies in sight, one-hot."),
  obs_pathing_grid: flag(false, "Whether observations say which of 8 points around the agent can be walked on, 0 or 1."),
  obs_terrain_height: flag(false, "Whether observations hold the height of the ground at 9 points, 0 to 1."),
  obs_timestep_number: flag(false, "Whether observations hold the steps played, as a fraction of the limit."),
  obs_instead_of_state: flag(false, "Whether the state is all agents' observations, one after another."),
  state_last_action: flag(true, "Whether the state holds the last actions of all agents, one-hot."),
  state_timestep_number: flag(false, "Whether the state holds the steps played, as a fraction of the limit."),
  reward_sparse: flag(false, "Whether the only reward is 1 for a win and −1 for a defeat."),
  reward_only_positive: flag(true, "Whether own losses go unpunished."),
  reward_death_value: amount(10, "Reward of a kill in hit points."),
  reward_win: amount(200, "Reward of a win in hit points."),
  reward_defeat: amount(0, "Reward of a defeat in hit points, usually not positive."),
  reward_negative_scale: amount(0.5, "Weight of own losses, as a factor; without effect with reward_only_positive."),
  reward_scale: flag(true, "Whether rewards are divided so that a win without losses gives about reward_scale_rate."),
  reward_scale_rate: z.number().positive().default(20).describe("Return of a win when rewards are scaled, in reward units."),
  replay_dir: z.string().default("").describe("Folder for the game's replays; the game's own where empty."),
  save_replay_every: z.int().min(0).default(0).describe("Episodes of a copy between two saved replays; 0 saves none."),
});

export type SmacOptions = z.infer<typeof smacOptions>;

export const smacliteOptions = z.strictObject({
  episode_limit: z
    .int()
    .min(1)
    .nullable()
    .default(null)
    .describe("Steps after which an episode is cut off; null takes SMAC's limit for the map."),
  use_cpp_rvo2: flag(false, "Whether the C++ port of its collision avoidance is used, which must be installed then."),
});

export type SmacliteOptions = z.infer<typeof smacliteOptions>;
