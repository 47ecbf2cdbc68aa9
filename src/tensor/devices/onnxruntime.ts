import * as ort from "onnxruntime-node";
import type { Compiled, Device, DeviceOptions, PureFunction, Resident, Signature } from "../device.js";
import { encodeOnnx, type OnnxModel } from "../onnx.js";
import { cpuPasses, optimise } from "../passes/index.js";
import { automaticThreads, productFlops } from "../threads.js";
import { trace } from "../trace/trace.js";
import type { ArraySpec, HostTree, Tree } from "../tree.js";
import { HostArray, leavesOf, mapTree } from "../tree.js";
import { checkArguments } from "./arguments.js";
import { OnnxResident, viewOf } from "./onnx-resident.js";

// What goes wrong comes as an exception; the runtime's own log would only say it twice.
ort.env.logLevel = "fatal";

/** The execution providers of ONNX Runtime that devices are made of. */
export type Provider = "cpu" | "webgpu" | "cuda";

function sessionOptions(provider: Provider, threads: number): ort.InferenceSession.SessionOptions {
  return {
    executionProviders: provider === "cpu" ? ["cpu"] : [provider, "cpu"],
    // An explicit count makes ONNX Runtime leave thread affinities alone.
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    graphOptimizationLevel: "all",
    // Idle threads sleep: other sessions and the simulators want the cores.
    extra: { session: { intra_op: { allow_spinning: "0" } } },
    logSeverityLevel: 4,
  };
}

/** A session over typed arrays: feeds and results share memory with the host arrays, nothing is copied on the way. */
class OnnxFunction implements Compiled {
  /** A host array never changes its buffer, so the runtime's view of it is made once. */
  readonly #views = new WeakMap<HostArray, ort.Tensor>();

  constructor(
    readonly outputs: Tree<ArraySpec>,
    private readonly session: ort.InferenceSession,
    private readonly signature: Signature,
    private readonly label: string,
    private readonly model: OnnxModel,
  ) {}

  async run(args: readonly HostTree[], into?: HostTree): Promise<HostTree> {
    const inputs = checkArguments(this.label, this.signature, args);
    const feeds: Record<string, ort.Tensor> = {};
    for (const [i, leaf] of inputs.entries()) {
      const name = this.model.inputNames[i];
      if (name !== undefined) feeds[name] = this.#view(leaf);
    }
    const result = into ?? mapTree(this.outputs, (spec) => HostArray.zeros(spec));
    const fetches: Record<string, ort.Tensor> = {};
    for (const [i, { leaf }] of leavesOf(result).entries()) fetches[this.model.outputNames[i]!] = this.#view(leaf);
    await this.session.run(feeds, fetches);
    return result;
  }

  dispose(): void {
    void this.session.release();
  }

  #view(array: HostArray): ort.Tensor {
    let view = this.#views.get(array);
    if (!view) {
      view = viewOf(array);
      this.#views.set(array, view);
    }
    return view;
  }
}

/** WebGPU ends with the last session that uses it, which takes 0.1 s each time: this one stays until the process ends. */
let keeper: Promise<unknown> | undefined;

function keepWebGpu(options: ort.InferenceSession.SessionOptions): Promise<unknown> {
  const scalar = { shape: [], type: "float32" } as const;
  keeper ??= ort.InferenceSession.create(encodeOnnx({ inputs: [scalar], nodes: [], outputs: [scalar] }, "keep").bytes, options);
  return keeper;
}

/** Compiles pure functions to ONNX Runtime graphs. */
class OnnxDevice implements Device {
  readonly resident?: NonNullable<Device["resident"]>;

  constructor(
    readonly name: string,
    readonly description: string,
    private readonly provider: Provider,
    private readonly options: DeviceOptions,
  ) {
    // The binding knows no other memory than the host's and WebGPU's: under CUDA the state crosses with every run.
    if (provider === "webgpu") this.resident = (...of) => this.#resident(...of);
  }

  async compile(fn: PureFunction, signature: Signature, label: string): Promise<Compiled> {
    const { graph, outputs } = trace(fn, signature, label);
    const optimised = optimise(graph, this.provider === "cpu" ? cpuPasses : []);
    const model = encodeOnnx(optimised, label);
    return new OnnxFunction(outputs, await this.#open(model.bytes, productFlops(optimised)), signature, label, model);
  }

  async #resident(fn: PureFunction, signature: Signature, label: string): Promise<Resident> {
    const { graph, outputs } = trace(fn, signature, label);
    const model = encodeOnnx(optimise(graph), label);
    const count = leavesOf(signature[0]!).length;
    const preferredOutputLocation = Object.fromEntries(
      model.outputNames.map((name, i) => [name, i < count ? ("gpu-buffer" as const) : ("cpu" as const)]),
    );
    const session = await this.#open(model.bytes, 0, { preferredOutputLocation });
    return new OnnxResident(outputs, session, signature, label, model, (bytes) => this.#open(bytes, 0));
  }

  async #open(bytes: Uint8Array, flops: number, more: ort.InferenceSession.SessionOptions = {}): Promise<ort.InferenceSession> {
    const { threads, simulatorThreads = 0 } = this.options;
    const options = sessionOptions(this.provider, threads || automaticThreads(flops, simulatorThreads));
    if (this.provider === "webgpu") await keepWebGpu(options);
    return ort.InferenceSession.create(bytes, { ...options, ...more });
  }
}

/** Opens a device on this provider. That it works is for a probe to find out: providers load their libraries with the first session. */
export function openOnnx(provider: Provider, hardware: string, options: DeviceOptions): Device {
  const version = ort.env.versions.node ?? ort.env.versions.common;
  return new OnnxDevice(provider, `ONNX Runtime ${version} on ${hardware}, compiled`, provider, options);
}
