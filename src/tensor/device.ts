import type { ArraySpec, HostArray, HostTree, TensorTree, Tree } from "./tree.js";

/** A pure function over trees of tensors, written in tfjs ops: no hidden tensors, no `dataSync`, no randomness of its own. */
// biome-ignore lint/suspicious/noExplicitAny: concrete argument types differ per function; `Device.compile` is typed from them.
export type PureFunction = (...args: any[]) => TensorTree;

/** One tree of array specs per argument. */
export type Signature = readonly Tree<ArraySpec>[];

/** A pure function made ready for one device and fixed shapes. */
export interface Compiled {
  /** What comes out: shapes and types. */
  readonly outputs: Tree<ArraySpec>;
  /**
   * Runs once. `args` must match the signature. Results are written into `into` where given (same shapes; must not share memory
   * with `args`), else into fresh arrays.
   */
  run(args: readonly HostTree[], into?: HostTree): Promise<HostTree>;
  /** Frees the session. The function cannot be run afterwards. */
  dispose(): void;
}

/**
 * A pure function `(state, …inputs) → { state, outputs }` made ready for one device, with the state in the device's own memory: only
 * inputs and outputs cross. Runs must not overlap.
 */
export interface Resident {
  /** What comes out: shapes and types of `{ state, outputs }`. */
  readonly outputs: Tree<ArraySpec>;
  /** Goes on from a copy of these arrays: the leaves of the state in the order of the signature. */
  load(leaves: readonly HostArray[]): void;
  /** Advances once and writes what comes out besides the state into `outputs`. The state stays as it was when this throws. */
  run(inputs: readonly HostTree[], outputs: HostTree): Promise<void>;
  /** The part of the state that `select` picks, in host arrays that a later run or read may overwrite. */
  read(select: (state: HostTree) => HostTree): Promise<HostTree>;
  /** Frees the session and the state. */
  dispose(): void;
}

/** What the settings of a device are. */
export interface DeviceOptions {
  /** Threads inside one operation; 0 lets the device choose (threads.ts). */
  readonly threads?: number;
  /** Threads that simulators keep busy meanwhile, for the device to leave them a core each. */
  readonly simulatorThreads?: number;
}

/** Somewhere that pure functions run. */
export interface Device {
  /** The name given to `--device`. */
  readonly name: string;
  /** One sentence for people: engine, version, hardware. */
  readonly description: string;
  /** Makes `fn` ready for arrays of these shapes. `label` names it in errors and profiles. */
  compile(fn: PureFunction, signature: Signature, label: string): Promise<Compiled>;
  /** As `compile`, with the first argument kept on the device between runs. Absent where the device computes in the host's memory. */
  resident?(fn: PureFunction, signature: Signature, label: string): Promise<Resident>;
}
