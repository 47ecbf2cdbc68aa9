import type { Environment } from "../../src/environment.js";

/** `payoff[a][b]`: what the team gets when agent 0 plays a and agent 1 plays b. Square. */
export type Payoff = readonly (readonly number[])[];

/**
 * The climbing game (Claus & Boutilier, "The dynamics of reinforcement learning in cooperative multiagent systems", AAAI 1998):
 * next to the optimum (0, 0) lie heavy punishments, so that agents who learn by themselves climb down to (2, 2) or (1, 1).
 */
export const climbingPayoff: Payoff = [
  [11, -30, 0],
  [-30, 7, 6],
  [0, 0, 5],
];

/** The penalty game of the same paper: two optima, (0, 0) and (2, 2), and a penalty `k` ≤ 0 for mixing them up. */
export function penaltyPayoff(k: number): Payoff {
  return [
    [10, 0, k],
    [0, 2, 0],
    [k, 0, 10],
  ];
}

/** The most that the team can get in one play. */
export function bestPayoff(payoff: Payoff): number {
  return Math.max(...payoff.flat());
}

/**
 * A two-agent game of one simultaneous move: the episode terminates after one step with the payoff as its reward, and is won
 * when the payoff is the best there is. Nothing changes and nothing is random: each agent, and each entity's row, is its number one-hot.
 */
export function matrixGame(id: string, payoff: Payoff): Environment {
  const best = bestPayoff(payoff);
  const write = (oneHot: Float32Array) => oneHot.set([1, 0, 0, 1]);
  return {
    spec: {
      id,
      agents: 2,
      entities: 2,
      actions: payoff.length,
      entityFeatures: 2,
      observationSize: 2,
      episodeLimit: 1,
      actionNames: payoff.map((_, action) => `play ${action}`),
    },
    reset(_seed, out) {
      write(out.entities);
      write(out.observations);
    },
    step(actions, out) {
      out.reward = payoff[actions[0]!]![actions[1]!]!;
      out.terminated = true;
      out.info.won = out.reward === best;
    },
  };
}
