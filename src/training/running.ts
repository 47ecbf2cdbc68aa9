import type { LastingChoice } from "../agent.js";
import type { History } from "./histories.js";

/** The episode that a copy is playing; plain JSON. */
export interface Running extends History {
  readonly seed: number;
  /** [t][n] */
  readonly actions: number[][];
  return: number;
  /** [n] the random choices its agents keep to. */
  readonly lasting: LastingChoice[];
}

/** As written down; runs that began before random choices could last have none. */
export type RunningState = Omit<Running, "lasting"> & { readonly lasting?: LastingChoice[] };

/** An episode of n agents that nobody has acted in yet. */
export const begun = (seed: number, n: number): Running => ({
  seed,
  actions: [],
  return: 0,
  lasting: Array.from({ length: n }, () => ({ seed: 0, left: 0 })),
});

/** A copy of an episode, from which or to which state is taken. */
export const copyOf = ({ lasting, ...running }: RunningState, n: number): Running => ({
  ...structuredClone(running),
  lasting: structuredClone(lasting ?? begun(0, n).lasting),
});
