/** ε-greedy exploration with a linear decay, as every value-based agent here explores. */
import { z } from "zod";
import type { RandomStream } from "../src/tensor/random.js";
import { HostArray } from "../src/tensor/tree.js";

const probability = z.number().min(0).max(1);

/** Settings of an agent that explores so. */
export const explorationSettings = {
  explorationStart: probability.default(1).describe("Probability of a random action at the first environment step."),
  explorationEnd: probability.default(0.05).describe("Probability of a random action after the decay."),
  explorationSteps: z
    .number()
    .int()
    .positive()
    .default(50_000)
    .describe("Length of the linear decay of exploration, in environment steps."),
};

type ExplorationSettings = { explorationStart: number; explorationEnd: number; explorationSteps: number };

/** ε(t) = ε₀ + (ε₁ − ε₀) · min(1, t / T) */
export function explorationRate(settings: ExplorationSettings, environmentSteps: number): number {
  const { explorationStart: from, explorationEnd: to, explorationSteps } = settings;
  return from + (to - from) * Math.min(1, environmentSteps / explorationSteps);
}

/** Who explores, [E, n] bool, and scores [E, n, A] whose largest legal one is then taken; at rate 0 nobody does. */
export function drawExploration(rng: RandomStream, rate: number, copies: number, n: number, A: number) {
  const explore = new Uint8Array(copies * n);
  const scores = new Float32Array(copies * n * A);
  if (rate > 0) {
    for (let i = 0; i < explore.length; i++) explore[i] = rng.uniform() < rate ? 1 : 0;
    for (let i = 0; i < scores.length; i++) scores[i] = rng.uniform();
  }
  return { explore: HostArray.bool(explore, copies, n), scores: HostArray.float32(scores, copies, n, A) };
}
