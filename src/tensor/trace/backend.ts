import type { BackendValues, DataId, DataType, NamedAttrMap, NamedTensorInfoMap, TensorInfo } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import type { Value } from "../graph.js";
import type { DType, HostData } from "../tree.js";
import type { Recorder } from "./recorder.js";

/** Records one tfjs kernel. `inputs` are in tfjs's order by name (`x`, `a`, `b`, …) or by number for kernels that take a list. */
export type KernelRecorder = (
  recorder: Recorder,
  inputs: Readonly<Record<string, Value>>,
  attributes: KernelAttributes,
) => Value | Value[];

// biome-ignore lint/suspicious/noExplicitAny: tfjs attributes differ per kernel and are untyped at this boundary; each kernel states what it reads.
export type KernelAttributes = Readonly<Record<string, any>>;

/** The recorders of some tfjs kernels by kernel name. */
export type KernelTable = Readonly<Record<string, KernelRecorder>>;

export const traceBackendName = "trace";

function toHostData(values: BackendValues, dtype: DataType): HostData {
  if (dtype === "bool") return Uint8Array.from(values as Uint8Array);
  return dtype === "int32" ? Int32Array.from(values as Int32Array) : Float32Array.from(values as Float32Array);
}

/**
 * A tfjs backend that computes nothing: its tensors stand for edges of a graph, and its kernels append nodes to the recorder in use.
 * Tensors made from numbers become constants. Since tfjs knows one instance of each backend, the recorder is set for the time of a trace.
 */
export class TraceBackend extends tf.KernelBackend {
  #recorder: Recorder | undefined;
  #values = new WeakMap<DataId, Value>();

  /** Runs `body` with what it does recorded. Traces do not nest. */
  recordInto<T>(recorder: Recorder, body: () => T): T {
    if (this.#recorder) throw new Error(`"${recorder.label}" is traced inside of "${this.#recorder.label}"`);
    this.#recorder = recorder;
    try {
      return body();
    } finally {
      this.#recorder = undefined;
      this.#values = new WeakMap();
    }
  }

  get recorder(): Recorder {
    if (!this.#recorder) throw new Error("the trace backend is used outside of a trace");
    return this.#recorder;
  }

  /** A new tensor that stands for `value`. */
  wrap(value: Value): TensorInfo {
    const dataId = {};
    this.#values.set(dataId, value);
    return { dataId, shape: [...value.shape], dtype: value.type as DType };
  }

  /** The edge that a tensor stands for. A tensor made outside of the function is refused: it would be frozen into the graph. */
  value(tensor: TensorInfo): Value {
    const value = this.#values.get(tensor.dataId);
    if (value) return value;
    throw this.recorder.untraceable(
      `it uses a tensor of shape [${tensor.shape}] that was made outside of the function`,
      "pass the tensor in as an argument, or make it inside of the function",
    );
  }

  /** Records one kernel call. */
  record(
    name: string,
    kernel: KernelRecorder,
    inputs: NamedTensorInfoMap,
    attributes: NamedAttrMap | undefined,
  ): TensorInfo | TensorInfo[] {
    this.recorder.enter(name);
    const values: Record<string, Value> = {};
    for (const [key, tensor] of Object.entries(inputs)) if (tensor) values[key] = this.value(tensor);
    const out = kernel(this.recorder, values, attributes ?? {});
    return Array.isArray(out) ? out.map((value) => this.wrap(value)) : this.wrap(out);
  }

  override write(values: BackendValues, shape: number[], dtype: DataType): DataId {
    const type = this.recorder.type(dtype);
    return this.wrap(this.recorder.constant(toHostData(values, dtype), shape, type)).dataId;
  }

  override readSync(dataId: DataId): BackendValues {
    const data = this.#values.get(dataId)?.constant;
    if (data && !(data instanceof BigInt64Array)) return data;
    throw this.recorder.untraceable(
      "it reads the numbers of a tensor (dataSync, data, array or print) that are not known before it runs",
      "compute with tfjs ops instead, or return the tensor and read it outside",
    );
  }

  override async read(dataId: DataId): Promise<BackendValues> {
    return this.readSync(dataId);
  }

  override numDataIds(): number {
    return 0;
  }

  override disposeData(): boolean {
    return true;
  }

  override refCount(): number {
    return 1;
  }

  override incRef(): void {}

  decRef(): boolean {
    return true;
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: true };
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  override timerAvailable(): boolean {
    return false;
  }

  override dispose(): void {}
}
