import { z } from "zod";
import type { Environment, EnvironmentFamily } from "../../src/environment.js";
import { bestPayoff, climbingPayoff, matrixGame, penaltyPayoff } from "./games.js";
import { solvePursuit } from "./optimum.js";
import { flyBehaviours } from "./pursuit.js";
import { spidersAndFly } from "./spiders.js";

export { bestPayoff, climbingPayoff, matrixGame, type Payoff, penaltyPayoff } from "./games.js";
export { type PursuitOptimum, solvePursuit } from "./optimum.js";
export { type Pursuit, type PursuitRules, pursuitRewards } from "./pursuit.js";
export { spidersAndFly } from "./spiders.js";

export const matrixMembers = ["climbing", "penalty", "spiders-and-fly"] as const;
export type MatrixMember = (typeof matrixMembers)[number];

export const matrixOptions = z.strictObject({
  penalty: z.number().max(0).default(-100).describe("penalty: the payoff k of the two joint actions that mix up the optima"),
  size: z.int().min(3).max(10).default(4).describe("spiders-and-fly: side of the grid, in cells"),
  fly: z.enum(flyBehaviours).default("away").describe("spiders-and-fly: how the fly moves after each step of the spiders"),
  episodeLimit: z.int().min(1).max(1000).default(20).describe("spiders-and-fly: steps after which an episode is cut off"),
});
export type MatrixOptions = z.infer<typeof matrixOptions>;

/** Games small enough to know the optimum exactly: what every algorithm should solve in seconds. */
export const matrix: EnvironmentFamily<MatrixOptions> = {
  name: "matrix",
  summary: "Tiny cooperative games with a known optimum: two matrix games and a pursuit on a grid.",
  members: matrixMembers,
  options: matrixOptions,
  make: (member, options) => makeMember(member as MatrixMember, options),
};

function makeMember(member: MatrixMember, options: MatrixOptions): Environment {
  switch (member) {
    case "climbing":
      return matrixGame("matrix/climbing", climbingPayoff);
    case "penalty":
      return matrixGame("matrix/penalty", penaltyPayoff(options.penalty));
    case "spiders-and-fly":
      return spidersAndFly("matrix/spiders-and-fly", options);
  }
}

/** The expected undiscounted return of perfect play, over the random start where there is one. */
export function optimalReturn(member: MatrixMember, options: Partial<MatrixOptions> = {}): number {
  const whole = matrixOptions.parse(options);
  switch (member) {
    case "climbing":
      return bestPayoff(climbingPayoff);
    case "penalty":
      return bestPayoff(penaltyPayoff(whole.penalty));
    case "spiders-and-fly":
      return solvePursuit(whole).mean;
  }
}
