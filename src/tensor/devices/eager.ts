import type { Tensor } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { initialiseBackend, withBackend } from "../backend.js";
import type { Compiled, Device, PureFunction, Resident, Signature } from "../device.js";
import "../gradients.js";
import { trace } from "../trace/trace.js";
import type { ArraySpec, HostTree, TensorTree, Tree } from "../tree.js";
import { HostArray, leavesOf, mapTree, unflatten } from "../tree.js";
import { checkArguments, copyInto } from "./arguments.js";

/** Runs `body` on a tfjs backend and frees every tensor that it makes and does not keep. */
function inScope<T>(backend: string, body: () => T): T {
  return withBackend(backend, () => {
    tf.engine().startScope();
    try {
      return body();
    } finally {
      tf.engine().endScope();
    }
  });
}

const upload = ({ data, shape, dtype }: HostArray): Tensor => tf.tensor(data, [...shape], dtype);

/** Writes the numbers of a tree of tensors into the arrays of `into`. */
function download(tree: TensorTree, into: HostTree): void {
  copyInto(
    into,
    leavesOf<Tensor>(tree).map(({ leaf }) => leaf.dataSync()),
  );
}

/** Runs a pure function op by op on a tfjs backend; nothing of a call outlives it. */
class EagerFunction implements Compiled {
  constructor(
    readonly outputs: Tree<ArraySpec>,
    private readonly backend: string,
    private readonly fn: PureFunction,
    private readonly signature: Signature,
    private readonly label: string,
  ) {}

  async run(args: readonly HostTree[], into?: HostTree): Promise<HostTree> {
    checkArguments(this.label, this.signature, args);
    const result = into ?? mapTree(this.outputs, (spec) => HostArray.zeros(spec));
    inScope(this.backend, () => download(this.fn(...args.map((tree) => mapTree(tree, upload))), result));
    return result;
  }

  dispose(): void {}
}

/** A step op by op whose state stays in tensors of the backend: for native TensorFlow on a GPU, in the GPU's memory. */
class EagerResident implements Resident {
  /** The state's leaves, kept by hand. */
  #state: Tensor[] = [];
  /** Where {@link read} writes to. */
  readonly #mirror: HostTree;

  constructor(
    readonly outputs: Tree<ArraySpec>,
    private readonly backend: string,
    private readonly fn: PureFunction,
    private readonly signature: Signature,
    private readonly label: string,
  ) {
    this.#mirror = mapTree(signature[0]!, (spec) => HostArray.zeros(spec));
  }

  load(leaves: readonly HostArray[]): void {
    withBackend(this.backend, () => {
      // A copy: some backends compute in the array that a tensor was made from.
      this.#replace(leaves.map((leaf) => tf.keep(upload(leaf.clone()))));
    });
  }

  async run(inputs: readonly HostTree[], outputs: HostTree): Promise<void> {
    checkArguments(this.label, this.signature, [this.#mirror, ...inputs]);
    inScope(this.backend, () => {
      const state = unflatten<ArraySpec, Tensor>(this.signature[0]!, this.#state);
      const out = this.fn(state, ...inputs.map((tree) => mapTree(tree, upload))) as { state: TensorTree; outputs: TensorTree };
      download(out.outputs, outputs);
      // Clones share memory; the function may have passed a part of the state on as it is, or one tensor for two parts.
      this.#replace(leavesOf<Tensor>(out.state).map(({ leaf }) => tf.keep(leaf.clone())));
    });
  }

  async read(select: (state: HostTree) => HostTree): Promise<HostTree> {
    const picked = select(this.#mirror);
    const wanted = new Set(leavesOf<HostArray>(picked).map(({ leaf }) => leaf));
    withBackend(this.backend, () => {
      for (const [i, { leaf }] of leavesOf<HostArray>(this.#mirror).entries()) {
        if (wanted.has(leaf)) leaf.data.set(this.#state[i]!.dataSync());
      }
    });
    return picked;
  }

  dispose(): void {
    withBackend(this.backend, () => this.#replace([]));
  }

  #replace(next: Tensor[]): void {
    for (const tensor of this.#state) tensor.dispose();
    this.#state = next;
  }
}

/** A tfjs backend that computes at once: the reference (`js`), the fallback (`wasm`) and native TensorFlow. */
class EagerDevice implements Device {
  constructor(
    readonly name: string,
    readonly description: string,
    private readonly backend: string,
  ) {}

  /** Traces once too: that gives the outputs' shapes, and refuses what other devices could not run. */
  async compile(fn: PureFunction, signature: Signature, label: string): Promise<Compiled> {
    return new EagerFunction(trace(fn, signature, label).outputs, this.backend, fn, signature, label);
  }

  async resident(fn: PureFunction, signature: Signature, label: string): Promise<Resident> {
    return new EagerResident(trace(fn, signature, label).outputs, this.backend, fn, signature, label);
  }
}

/** Opens the device on a tfjs backend that is registered already; undefined where the backend does not start. */
export async function openEager(name: string, backend: string, engine: string): Promise<Device | undefined> {
  if (!(await initialiseBackend(backend))) return undefined;
  return new EagerDevice(name, `TensorFlow.js ${tf.version.tfjs} on ${engine}, op by op`, backend);
}
