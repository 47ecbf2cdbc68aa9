/**
 * Google Research Football.
 *
 * @module
 */
import type { ServedFamily } from "../served.js";
import { type FootballOptions, footballOptions } from "./options.js";

export type { FootballOptions };

export const football: ServedFamily<FootballOptions> = {
  name: "football",
  summary: "Google Research Football: the academy's scenarios and whole matches.",
  members: [
    "academy_3_vs_1_with_keeper",
    "academy_pass_and_shoot_with_keeper",
    "academy_run_pass_and_shoot_with_keeper",
    "academy_counterattack_easy",
    "academy_counterattack_hard",
    "academy_corner",
    "academy_single_goal_versus_lazy",
    "1_vs_1_easy",
    "5_vs_5",
    "11_vs_11_easy_stochastic",
    "11_vs_11_stochastic",
    "11_vs_11_hard_stochastic",
  ],
  options: footballOptions,
  needs: () => "Python with gfootball",
  host: (scenario, options) => ({ spec: `football:${scenario}`, options }),
};
