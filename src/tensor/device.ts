import type { ArraySpec, HostTree, TensorTree, Tree } from "./tree.js";

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

/** What the settings of a device are. */
export interface DeviceOptions {
  /** Threads inside one operation; 0 lets the device choose. */
  readonly threads?: number;
}

/** Somewhere that pure functions run. */
export interface Device {
  /** The name given to `--device`. */
  readonly name: string;
  /** One sentence for people: engine, version, hardware. */
  readonly description: string;
  /** Makes `fn` ready for arrays of these shapes. `label` names it in errors and profiles. */
  compile(fn: PureFunction, signature: Signature, label: string): Promise<Compiled>;
}
