import * as ort from "onnxruntime-node";
import type { Compiled, Device, DeviceOptions, PureFunction, Signature } from "../device.js";
import { encodeOnnx, type OnnxModel } from "../onnx.js";
import { optimise } from "../passes/index.js";
import { trace } from "../trace/trace.js";
import type { ArraySpec, HostTree, Tree } from "../tree.js";
import { HostArray, leavesOf, mapTree } from "../tree.js";
import { checkArguments } from "./arguments.js";

// What goes wrong comes as an exception; the runtime's own log would only say it twice.
ort.env.logLevel = "fatal";

/** The execution providers of ONNX Runtime that devices are made of. */
export type Provider = "cpu" | "webgpu" | "cuda";

function sessionOptions(provider: Provider, options: DeviceOptions): ort.InferenceSession.SessionOptions {
  return {
    executionProviders: provider === "cpu" ? ["cpu"] : [provider, "cpu"],
    // An explicit count makes ONNX Runtime leave thread affinities alone.
    ...(options.threads ? { intraOpNumThreads: options.threads } : {}),
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
      view = new ort.Tensor(array.dtype, array.data as Float32Array, array.shape as number[]);
      this.#views.set(array, view);
    }
    return view;
  }
}

/** Compiles pure functions to ONNX Runtime graphs. */
class OnnxDevice implements Device {
  constructor(
    readonly name: string,
    readonly description: string,
    private readonly provider: Provider,
    private readonly options: DeviceOptions,
  ) {}

  async compile(fn: PureFunction, signature: Signature, label: string): Promise<Compiled> {
    const traced = trace(fn, signature, label);
    const model = encodeOnnx(optimise(traced.graph), label);
    const session = await ort.InferenceSession.create(model.bytes, sessionOptions(this.provider, this.options));
    return new OnnxFunction(traced.outputs, session, signature, label, model);
  }
}

/** Opens a device on this provider. That it works is for a probe to find out: providers load their libraries with the first session. */
export function openOnnx(provider: Provider, hardware: string, options: DeviceOptions): Device {
  const version = ort.env.versions.node ?? ort.env.versions.common;
  return new OnnxDevice(provider, `ONNX Runtime ${version} on ${hardware}, compiled`, provider, options);
}
