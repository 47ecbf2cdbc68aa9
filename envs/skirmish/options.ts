import { z } from "zod";
import { difficulties, targetings } from "./enemy.js";

const flag = (value: boolean, text: string) => z.boolean().default(value).describe(text);
const auto = (text: string) =>
  z
    .union([z.boolean(), z.literal("auto")])
    .default("auto")
    .describe(text);
const amount = (value: number, text: string) => z.number().default(value).describe(text);

/** Options by SMAC's names and with SMAC's defaults, and `jitter` and `targeting`. */
export const skirmishOptions = z.strictObject({
  jitter: z
    .union([z.boolean(), z.number().min(0).max(4)])
    .default(true)
    .describe(
      "Amount of chance as a multiple of the usual (true = 1, false = 0): spawns shifted by up to 0.25 world units, attacks delayed by −1 to +2 ticks, units acting in a drawn order.",
    ),
  difficulty: z
    .union([
      z.enum(difficulties),
      z
        .int()
        .min(1)
        .max(9)
        .transform((level) => difficulties[level - 1]!),
    ])
    .default("7")
    .describe(
      "Level of the opponent, 1 to 9 or A, by SMAC's names: below 7 it decides more slowly; from 8 on it goes after the agents wherever they are.",
    ),
  targeting: z
    .enum(targetings)
    .default("attackers")
    .describe(
      "Whom the opponent's units shoot at: attackers (who attacks them first, as in StarCraft II) or nearest (whoever is nearest, which no decoy turns around).",
    ),
  step_mul: z.int().min(1).max(64).default(8).describe("Ticks of the game's clock (22.4 a second) in one step."),
  move_amount: z.number().min(0.5).max(8).default(2).describe("Distance of a move order in world units."),
  obs_all_health: flag(
    true,
    "Whether observations hold the health and shield of all units in sight, as fractions of their maximum.",
  ),
  obs_own_health: flag(true, "Whether observations hold the agent's own health, as a fraction; always so with obs_all_health."),
  obs_last_action: flag(false, "Whether observations hold the last actions of the allies in sight, one-hot."),
  obs_pathing_grid: flag(false, "Whether observations say which of 8 points around the agent ground units can walk on, 0 or 1."),
  obs_terrain_height: flag(false, "Whether observations hold the height of the ground at 9 points around the agent, 0 to 1."),
  obs_timestep_number: flag(false, "Whether observations hold the steps played, as a fraction of the limit."),
  obs_instead_of_state: flag(false, "Whether the state is all agents' observations, one after another, instead of SMAC's own."),
  obs_own_pos: auto(
    "Whether observations hold the agent's own place, as fractions of the world's size; auto: on the maps of SMACv2, as there.",
  ),
  use_unit_ranges: auto(
    "Whether agents see and act as far as their type does instead of 9 and 6 world units; auto: on the maps of SMACv2, as there.",
  ),
  min_attack_range: amount(2, "Least range of the targets of an agent in world units, with use_unit_ranges."),
  state_last_action: flag(true, "Whether the state holds the last actions of all agents, one-hot."),
  state_timestep_number: flag(false, "Whether the state holds the steps played, as a fraction of the limit."),
  reward_sparse: flag(false, "Whether the only reward is 1 for a win and −1 for a defeat (divided by the scale all the same)."),
  reward_only_positive: flag(true, "Whether own losses go unpunished."),
  reward_death_value: amount(10, "Reward of a kill, and cost of a loss, in hit points."),
  reward_win: amount(200, "Reward of a win in hit points."),
  reward_defeat: amount(0, "Reward of a defeat in hit points, usually not positive."),
  reward_negative_scale: amount(0.5, "Weight of own losses, as a factor; without effect with reward_only_positive."),
  reward_scale: flag(true, "Whether rewards are divided so that a win without losses gives about reward_scale_rate."),
  reward_scale_rate: z.number().positive().default(20).describe("Return of a win when rewards are scaled, in reward units."),
});

export type SkirmishOptions = z.infer<typeof skirmishOptions>;
