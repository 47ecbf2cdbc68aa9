// A custom environment in one file: `baton train --env ./experiments/examples/my-env.ts --set env.length=8`.
// Two agents on a corridor must stand on the bell at its right end at the same time.
import type { Environment } from "../../src/environment.js";

export default ({ length = 6 }: { length?: number }): Environment => {
  const at = [0, 0];
  let t = 0;
  const spec = {
    id: "corridor",
    agents: 2,
    actions: 3,
    actionNames: ["stay", "left", "right"],
    observationSize: 3,
    episodeLimit: 4 * length,
  };
  const observe = (observations: Float32Array) =>
    observations.set([0, at[0]! / length, at[1]! / length, 1, at[1]! / length, at[0]! / length]);
  return {
    spec,
    reset(seed, out) {
      t = 0;
      at[0] = seed % length;
      at[1] = (7 * seed) % length;
      observe(out.observations);
    },
    step(actions, out) {
      t += 1;
      for (const i of [0, 1]) at[i] = Math.min(length, Math.max(0, at[i]! + [0, -1, 1][actions[i]!]!));
      const won = at[0] === length && at[1] === length;
      out.reward = won ? 10 : -0.1;
      out.terminated = won;
      out.truncated = !won && t === spec.episodeLimit;
      if (won) out.info.won = true;
      observe(out.observations);
    },
  };
};
