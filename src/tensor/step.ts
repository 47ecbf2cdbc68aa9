import type { Compiled, Device, PureFunction, Signature } from "./device.js";
import { copyInto } from "./devices/arguments.js";
import type { ArraySpec, HostTree, TensorTree, Tree } from "./tree.js";
import { HostArray, mapTree, specOf, zipTrees } from "./tree.js";

/** A pure function that advances a state: what it returns under `state` has the shapes of its first argument. */
// biome-ignore lint/suspicious/noExplicitAny: concrete argument types differ per function, as in PureFunction.
export type StateFunction = (state: any, ...inputs: any[]) => { readonly state: TensorTree; readonly outputs: TensorTree };

const copyOf = (tree: HostTree): HostTree => mapTree<HostArray, HostArray>(tree, (leaf) => leaf.clone());

/**
 * A compiled step whose state lives in two sets of buffers that take turns: a run reads one and writes the other, so that no run
 * allocates. Runs must not overlap.
 *
 * @example
 * const step = await StatefulStep.create(device, update, initial, [specOf(batch)], "update");
 * const { loss } = await step.run([batch]);
 */
export class StatefulStep {
  #current: HostTree;
  #next: HostTree;
  readonly #outputs: HostTree;

  private constructor(
    private readonly compiled: Compiled,
    private readonly label: string,
    state: HostTree,
    outputs: Tree<ArraySpec>,
  ) {
    this.#current = copyOf(state);
    this.#next = copyOf(state);
    this.#outputs = mapTree(outputs, (spec) => HostArray.zeros(spec));
  }

  /**
   * Compiles `fn(state, …inputs)` for the shapes of `state` and `signature`, and takes a copy of `state` to start from.
   *
   * @throws TypeError when the state that `fn` returns differs in keys, shapes or types from the one that it takes.
   */
  static async create(
    device: Device,
    fn: StateFunction,
    state: HostTree,
    signature: Signature,
    label: string,
  ): Promise<StatefulStep> {
    const pure: PureFunction = (...args) => {
      const { state: next, outputs } = fn(args[0], ...args.slice(1));
      return { state: next, outputs };
    };
    const specs = specOf(state) as Tree<ArraySpec>;
    const compiled = await device.compile(pure, [specs, ...signature], label);
    const { state: made, outputs } = compiled.outputs as { state: Tree<ArraySpec>; outputs: Tree<ArraySpec> };
    zipTrees<ArraySpec, ArraySpec, void>(specs, made, (before, after, path) => {
      const [want, got] = [before, after].map(({ shape, dtype }) => `${dtype}[${shape}]`);
      if (want !== got) throw new TypeError(`"${label}" takes state "${path}" as ${want} and returns it as ${got}`);
    });
    return new StatefulStep(compiled, label, state, outputs);
  }

  /** Advances once and returns the outputs, in arrays that the next run overwrites. */
  async run(inputs: readonly HostTree[]): Promise<HostTree> {
    await this.compiled.run([this.#current, ...inputs], { state: this.#next, outputs: this.#outputs });
    [this.#current, this.#next] = [this.#next, this.#current];
    return this.#outputs;
  }

  /** The state after the last run, in arrays that a later run overwrites: copy what must stay. */
  get state(): HostTree {
    return this.#current;
  }

  /** Goes on from a copy of `state`, which has the shapes of the one given at creation. */
  load(state: HostTree): void {
    zipTrees<HostArray, HostArray, void>(this.#current, state, (mine, given, path) => {
      const [want, got] = [mine, given].map(({ shape, dtype }) => `${dtype}[${shape}]`);
      if (want !== got) throw new TypeError(`state "${path}" of "${this.label}" is ${got}, expected ${want}`);
    });
    // Leaf by leaf in the order of the buffers: the keys of `state` may come in another one.
    const given: ArrayLike<number>[] = [];
    zipTrees<HostArray, HostArray, void>(this.#current, state, (_, leaf) => {
      given.push(leaf.data);
    });
    copyInto(this.#current, given);
  }

  dispose(): void {
    this.compiled.dispose();
  }
}
