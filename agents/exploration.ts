/**
 * ε-greedy exploration with a linear decay, as every value-based agent here explores. Random choices can last (temporally-extended
 * ε-greedy, Dabney, Ostrovski & Barreto, ICLR 2021): one step aside at a time, nobody ever gets away from an enemy.
 */
import { z } from "zod";
import type { LastingChoice } from "../src/agent.js";
import { RandomStream } from "../src/tensor/random.js";
import { HostArray } from "../src/tensor/tree.js";

const probability = z.number().min(0).max(1);

/** Settings of an agent that explores so. */
export const explorationSettings = {
  explorationStart: probability.default(1).describe("Share of random actions at the first environment step."),
  explorationEnd: probability.default(0.05).describe("Share of random actions after the decay."),
  explorationSteps: z
    .number()
    .int()
    .positive()
    .default(50_000)
    .describe("Length of the linear decay of exploration, in environment steps."),
  explorationDuration: z
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(1)
    .describe(
      "Most environment steps that a random choice is kept up: d steps in proportion to 1/d, and as many fewer choices (1: each step anew).",
    ),
};

type ExplorationSettings = {
  explorationStart: number;
  explorationEnd: number;
  explorationSteps: number;
  explorationDuration: number;
};

/** ε(t) = ε₀ + (ε₁ − ε₀) · min(1, t / T) */
export function explorationRate(settings: ExplorationSettings, environmentSteps: number): number {
  const { explorationStart: from, explorationEnd: to, explorationSteps } = settings;
  return from + (to - from) * Math.min(1, environmentSteps / explorationSteps);
}

/** A drawing of exploration over n agents with A actions: see {@link Agent.drawExploration}. */
export function explorationOf(settings: ExplorationSettings, n: number, A: number) {
  const durations = new Durations(settings.explorationDuration);
  /** Who explores, [E, n] bool, and scores [E, n, A] whose largest legal one is then taken; at rate 0 nobody does. */
  return (rng: RandomStream, rate: number, copies: number, lasting?: readonly LastingChoice[][]) => {
    const explore = new Uint8Array(copies * n);
    const scores = new Float32Array(copies * n * A);
    const drawn = { explore: HostArray.bool(explore, copies, n), scores: HostArray.float32(scores, copies, n, A) };
    if (rate === 0) return drawn;
    const choices = durations.longest > 1 ? lasting?.flat() : undefined;
    // a choice is made with probability p at each step without one, so that in the long run a share ε of all steps is random:
    // ε = p E[d] / (p E[d] + 1 − p); fewer in an episode's first steps, since it begins without one
    const p = choices ? rate / (rate + durations.mean * (1 - rate)) : rate;
    for (let i = 0; i < explore.length; i++) {
      const choice = choices?.[i];
      if (choice && choice.left > 0) choice.left -= 1;
      else if (rng.uniform() >= p) continue;
      else if (choice) Object.assign(choice, { seed: rng.uint32(), left: durations.draw(rng) - 1 });
      explore[i] = 1;
    }
    for (let k = 0; k < scores.length; k++) scores[k] = rng.uniform();
    choices?.forEach(({ seed }, i) => {
      if (!explore[i]) return;
      const own = RandomStream.from(seed);
      for (let a = 0; a < A; a++) scores[i * A + a] = own.uniform();
    });
    return drawn;
  };
}

/** P(d) ∝ 1/d, d = 1 … longest. */
class Durations {
  readonly mean: number;
  readonly #sum: number;

  constructor(readonly longest: number) {
    this.#sum = Array.from({ length: longest }, (_, k) => 1 / (k + 1)).reduce((a, b) => a + b, 0);
    this.mean = longest / this.#sum;
  }

  draw(rng: RandomStream): number {
    let left = rng.uniform() * this.#sum;
    for (let d = 1; d < this.longest; d++) {
      left -= 1 / d;
      if (left < 0) return d;
    }
    return this.longest;
  }
}
