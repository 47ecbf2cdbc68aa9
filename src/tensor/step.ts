import type { Tensor } from "@tensorflow/tfjs";
import type { Compiled, Device, PureFunction, Resident, Signature } from "./device.js";
import { copyInto } from "./devices/arguments.js";
import { allocate, FlatLayout } from "./flat.js";
import type { ArraySpec, HostTree, TensorTree, Tree } from "./tree.js";
import { HostArray, mapTree, specOf, zipTrees } from "./tree.js";

/** A pure function that advances a state: what it returns under `state` has the shapes of its first argument. */
// biome-ignore lint/suspicious/noExplicitAny: concrete argument types differ per function, as in PureFunction.
export type StateFunction = (state: any, ...inputs: any[]) => { readonly state: TensorTree; readonly outputs: TensorTree };

/**
 * A compiled step with its state, which stays on the device between runs where the device can keep it there. Runs must not overlap.
 *
 * @example
 * const step = await StatefulStep.create(device, update, initial, [specOf(batch)], "update");
 * const { loss } = await step.run([batch]);
 * const { params } = await step.read();
 */
export class StatefulStep {
  readonly #outputs: HostTree;
  /** Has the shapes of the state. */
  readonly #specs: Tree<ArraySpec>;

  private constructor(
    private readonly resident: Resident,
    private readonly label: string,
    specs: Tree<ArraySpec>,
  ) {
    this.#specs = specs;
    const { outputs } = resident.outputs as { outputs: Tree<ArraySpec> };
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
    const specs = specOf(state) as Tree<ArraySpec>;
    const pure: PureFunction = (...args) => {
      const { state: next, outputs } = fn(args[0], ...args.slice(1));
      // In the order of the state that goes in, whatever the order in which `fn` names its parts.
      return { state: zipTrees<ArraySpec, Tensor, Tensor>(specs, next, (_, leaf) => leaf), outputs };
    };
    const whole = [specs, ...signature];
    const resident = device.resident
      ? await device.resident(pure, whole, label)
      : await DoubleBuffered.create(device, pure, whole, label);
    const { state: made } = resident.outputs as { state: Tree<ArraySpec> };
    zipTrees<ArraySpec, ArraySpec, void>(specs, made, (before, after, path) => {
      const [want, got] = [before, after].map(({ shape, dtype }) => `${dtype}[${shape}]`);
      if (want !== got) throw new TypeError(`"${label}" takes state "${path}" as ${want} and returns it as ${got}`);
    });
    const step = new StatefulStep(resident, label, specs);
    step.load(state);
    return step;
  }

  /** Advances once and returns the outputs, in arrays that the next run overwrites. */
  async run(inputs: readonly HostTree[]): Promise<HostTree> {
    await this.resident.run(inputs, this.#outputs);
    return this.#outputs;
  }

  /**
   * The state after the last run, or the part of it that `select` picks, in arrays that a later run or read overwrites: copy what must
   * stay. Only that part is brought from the device.
   */
  async read(select: (state: HostTree) => HostTree = (state) => state): Promise<HostTree> {
    return this.resident.read(select);
  }

  /** Goes on from a copy of `state`, which has the shapes of the one given at creation. */
  load(state: HostTree): void {
    // Leaf by leaf in the order of the signature: the keys of `state` may come in another one.
    const given: HostArray[] = [];
    zipTrees<ArraySpec, HostArray, void>(this.#specs, state, (mine, leaf, path) => {
      const [want, got] = [mine, leaf].map(({ shape, dtype }) => `${dtype}[${shape}]`);
      if (want !== got) throw new TypeError(`state "${path}" of "${this.label}" is ${got}, expected ${want}`);
      given.push(leaf);
    });
    this.resident.load(given);
  }

  dispose(): void {
    this.resident.dispose();
  }
}

/** State in two sets of host vectors that take turns: a run reads one and writes the other, so that no run allocates. */
class DoubleBuffered implements Resident {
  #current: Buffers;
  #next: Buffers;

  private constructor(
    private readonly compiled: Compiled,
    readonly outputs: Tree<ArraySpec>,
    buffers: readonly [Buffers, Buffers],
  ) {
    [this.#current, this.#next] = buffers;
  }

  static async create(device: Device, fn: PureFunction, signature: Signature, label: string): Promise<DoubleBuffered> {
    const [specs, ...inputs] = signature;
    const layout = new FlatLayout(specs!);
    let made: Tree<ArraySpec> = {};
    const flat: PureFunction = (vectors, ...others) => {
      const { state, outputs } = fn(layout.split(vectors), ...others) as { state: TensorTree; outputs: TensorTree };
      made = mapTree<Tensor, ArraySpec>(state, ({ shape, dtype }) => ({ shape, dtype: dtype as ArraySpec["dtype"] }));
      return { state: layout.join(state), outputs };
    };
    const compiled = await device.compile(flat, [layout.vectors, ...inputs], label);
    const { outputs } = compiled.outputs as { outputs: Tree<ArraySpec> };
    const buffers = () => {
      const vectors = allocate(layout.vectors);
      return { vectors, tree: layout.views(vectors) };
    };
    return new DoubleBuffered(compiled, { state: made, outputs }, [buffers(), buffers()]);
  }

  async run(inputs: readonly HostTree[], outputs: HostTree): Promise<void> {
    await this.compiled.run([this.#current.vectors, ...inputs], { state: this.#next.vectors, outputs });
    [this.#current, this.#next] = [this.#next, this.#current];
  }

  async read(select: (state: HostTree) => HostTree): Promise<HostTree> {
    return select(this.#current.tree);
  }

  load(leaves: readonly HostArray[]): void {
    copyInto(
      this.#current.tree,
      leaves.map(({ data }) => data),
    );
  }

  dispose(): void {
    this.compiled.dispose();
  }
}

/** The vectors of a state, and its leaves as views of them. */
type Buffers = { readonly vectors: Record<string, HostArray>; readonly tree: HostTree };
