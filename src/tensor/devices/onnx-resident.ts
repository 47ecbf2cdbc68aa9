import * as ort from "onnxruntime-node";
import type { Resident, Signature } from "../device.js";
import type { Value } from "../graph.js";
import { encodeOnnx, type OnnxModel } from "../onnx.js";
import type { ArraySpec, HostTree, Tree } from "../tree.js";
import { HostArray, leavesOf, mapTree } from "../tree.js";
import { checkArguments } from "./arguments.js";

type Tensors = Record<string, ort.Tensor>;

/** The runtime's view of a host array; they share memory. */
export const viewOf = ({ dtype, data, shape }: HostArray): ort.Tensor =>
  new ort.Tensor(dtype, data as Float32Array, shape as number[]);

/**
 * A session whose state stays in buffers of the GPU: the outputs of one run are the inputs of the next.
 *
 * What the binding of onnxruntime-node 1.30 does and does not do: `preferredOutputLocation: "gpu-buffer"` gives outputs on the device,
 * which can be fed again, to any session of the provider. With it, preallocated outputs are ignored, so each run gets fresh buffers (of
 * the runtime's pool) and those of the run before are given back. `Tensor.getData` of such an output ends the process; numbers are read
 * with a session that copies.
 */
export class OnnxResident implements Resident {
  /** The state's leaves: on the host after {@link load}, on the device after a run. */
  #state: ort.Tensor[] = [];
  /** Where {@link read} writes to. */
  readonly #mirror: HostTree;
  readonly #copiers = new Map<string, Promise<Copier>>();
  /** Counts states: what was read of this one need not be read again. */
  #version = 0;

  constructor(
    readonly outputs: Tree<ArraySpec>,
    private readonly session: ort.InferenceSession,
    private readonly signature: Signature,
    private readonly label: string,
    private readonly model: OnnxModel,
    private readonly open: (bytes: Uint8Array) => Promise<ort.InferenceSession>,
  ) {
    this.#mirror = mapTree(signature[0]!, (spec) => HostArray.zeros(spec));
  }

  load(leaves: readonly HostArray[]): void {
    this.#replace(leaves.map((leaf) => viewOf(leaf.clone())));
  }

  async run(inputs: readonly HostTree[], outputs: HostTree): Promise<void> {
    const given = checkArguments(this.label, this.signature, [this.#mirror, ...inputs]);
    const count = this.#state.length;
    const feeds: Tensors = {};
    for (const [i, leaf] of given.entries()) {
      const name = this.model.inputNames[i];
      if (name !== undefined) feeds[name] = i < count ? this.#state[i]! : viewOf(leaf);
    }
    const results = await this.session.run(feeds);
    const made = this.model.outputNames.map((name) => results[name]!);
    for (const [i, { leaf }] of leavesOf<HostArray>(outputs).entries()) leaf.data.set(made[count + i]!.data as Float32Array);
    this.#replace(made.slice(0, count));
  }

  async read(select: (state: HostTree) => HostTree): Promise<HostTree> {
    const picked = select(this.#mirror);
    const wanted = new Set(leavesOf<HostArray>(picked).map(({ leaf }) => leaf));
    const mirror = leavesOf<HostArray>(this.#mirror).map(({ leaf }, i) => ({ leaf, from: this.#state[i]! }));
    const moving = mirror.filter(({ leaf }) => wanted.has(leaf));
    const onDevice = moving.filter(({ from }) => from.location === "gpu-buffer");
    for (const { leaf, from } of moving) if (from.location === "cpu") leaf.data.set(from.data as Float32Array);
    if (onDevice.length > 0) {
      const copier = await this.#copier(onDevice.map(({ leaf }) => leaf));
      await copier.copy(
        onDevice.map(({ from }) => from),
        this.#version,
      );
    }
    return picked;
  }

  dispose(): void {
    this.#replace([]);
    void this.session.release();
    for (const copier of this.#copiers.values()) void copier.then((ready) => ready.dispose());
    this.#copiers.clear();
  }

  #replace(next: ort.Tensor[]): void {
    for (const tensor of this.#state) if (tensor.location === "gpu-buffer") tensor.dispose();
    this.#state = next;
    this.#version += 1;
  }

  /** One copier for each part of the state that is ever asked for. */
  #copier(into: readonly HostArray[]): Promise<Copier> {
    const all = leavesOf<HostArray>(this.#mirror).map(({ leaf }) => leaf);
    const key = `${into.map((leaf) => all.indexOf(leaf))}`;
    let copier = this.#copiers.get(key);
    if (!copier) {
      copier = Copier.create(into, this.open);
      this.#copiers.set(key, copier);
    }
    return copier;
  }
}

/** A session that gives back what it is given, into host arrays. */
class Copier {
  #copied = -1;

  private constructor(
    private readonly session: ort.InferenceSession,
    private readonly model: OnnxModel,
    private readonly fetches: Tensors,
  ) {}

  static async create(into: readonly HostArray[], open: (bytes: Uint8Array) => Promise<ort.InferenceSession>): Promise<Copier> {
    const inputs = into.map(({ shape, dtype }): Value => ({ shape, type: dtype }));
    const model = encodeOnnx({ inputs, nodes: [], outputs: inputs }, "copy");
    const fetches = Object.fromEntries(into.map((leaf, i) => [model.outputNames[i]!, viewOf(leaf)]));
    return new Copier(await open(model.bytes), model, fetches);
  }

  /** Copies `from`, unless that was done for this version of it. */
  async copy(from: readonly ort.Tensor[], version: number): Promise<void> {
    if (version === this.#copied) return;
    await this.session.run(Object.fromEntries(from.map((tensor, i) => [this.model.inputNames[i]!, tensor])), this.fetches);
    this.#copied = version;
  }

  dispose(): void {
    void this.session.release();
  }
}
