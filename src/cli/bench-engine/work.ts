import type { PureFunction } from "../../tensor/device.js";
import type { StateFunction } from "../../tensor/step.js";
import { type HostArray, type HostTree, leavesOf } from "../../tensor/tree.js";

/** Something that both engines compute from the same numbers, so that they are seen to do the same. */
export interface Work {
  readonly name: string;
  /** Carries a state from run to run, or computes something from its arguments. */
  readonly kind: "step" | "function";
  /** The state, or the first argument. */
  readonly first: HostTree;
  readonly inputs: readonly HostTree[];
  readonly fn: StateFunction | PureFunction;
  /** A number of the first run that the peer's must equal. */
  readonly check: (outputs: HostTree) => number;
  readonly peers: readonly PeerOf[];
  /** The most milliseconds that one run shall take, where that is promised. */
  readonly limit?: number;
  /** Runs in each turn; short work takes many. */
  readonly runs: number;
}

/** A peer of some work, and how much faster than it ours shall be. */
export interface PeerOf {
  /** For people, e.g. "PyTorch, same arithmetic". */
  readonly name: string;
  /** A file of experiments/bench/peers. */
  readonly script: string;
  readonly settings: Readonly<Record<string, unknown>>;
  /** Named arrays that it reads. */
  readonly arrays: readonly (readonly [name: string, array: HostArray])[];
  /** The largest share of the peer's time that ours shall take; absent where nothing is promised. */
  readonly target?: number;
  /** The same result as ours is expected. */
  readonly same: boolean;
}

/** The leaves of a tree under a prefix. */
export const named = (prefix: string, tree: HostTree): (readonly [string, HostArray])[] =>
  leavesOf<HostArray>(tree).map(({ path, leaf }) => [`${prefix}${path}`, leaf] as const);

/** The sum of an array's elements. */
export const sumOf = ({ data }: HostArray): number => {
  let sum = 0;
  for (const value of data) sum += value;
  return sum;
};
