import type { DataType } from "@tensorflow/tfjs";
import { BatonError } from "../../errors.js";
import type { Attributes, ConstantData, ElementType, GraphNode, Value } from "../graph.js";
import { sameShape } from "../graph.js";
import { captureStack, userLocation } from "./location.js";

/** What a node puts out. */
export type OutputSpec = { readonly shape: readonly number[]; readonly type: ElementType };

/** Collects the nodes of one traced function. Kernels call it in place of computing. */
export class Recorder {
  readonly nodes: GraphNode[] = [];
  /** Where each kernel was last called in user code, for errors that appear only in the backward pass. */
  readonly #calls = new Map<string, Error>();
  #kernel = "";

  constructor(readonly label: string) {}

  /** Notes that the kernel of this name is being recorded. */
  enter(kernel: string): void {
    this.#kernel = kernel;
    this.#calls.set(kernel, captureStack());
  }

  /** Appends an operator with one output. */
  emit(op: string, inputs: readonly Value[], output: OutputSpec, attributes: Attributes = {}): Value {
    return this.emitMany(op, inputs, [output], attributes)[0]!;
  }

  /** Appends an operator with several outputs. */
  emitMany(op: string, inputs: readonly Value[], outputs: readonly OutputSpec[], attributes: Attributes = {}): Value[] {
    const values = outputs.map(({ shape, type }): Value => ({ shape, type }));
    this.nodes.push({ op, inputs, outputs: values, attributes });
    return values;
  }

  constant(constant: ConstantData, shape: readonly number[], type: ElementType): Value {
    return { constant, shape, type };
  }

  /** A scalar constant. */
  scalar(value: number, type: "float32" | "int32"): Value {
    return this.constant(type === "float32" ? Float32Array.of(value) : Int32Array.of(value), [], type);
  }

  /** A constant vector of 64-bit integers: how ONNX takes shapes, axes and slice bounds. */
  int64(values: readonly number[]): Value {
    return this.constant(BigInt64Array.from(values, BigInt), [values.length], "int64");
  }

  reshape(x: Value, shape: readonly number[]): Value {
    if (sameShape(x.shape, shape)) return x;
    // To ONNX a size of 0 means "as before" unless it is told otherwise.
    const attributes: Attributes = shape.includes(0) ? { allowzero: { int: 1 } } : {};
    return this.emit("Reshape", [x, this.int64(shape)], { shape, type: x.type }, attributes);
  }

  cast(x: Value, type: ElementType): Value {
    if (x.type === type) return x;
    // 1: float32, 2: uint8, 6: int32, 7: int64, 9: bool
    const to = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9 }[type];
    return this.emit("Cast", [x], { shape: x.shape, type }, { to: { int: to } });
  }

  /** The tfjs type as an element type; strings and complex numbers are refused. */
  type(dtype: DataType): ElementType {
    if (dtype === "float32" || dtype === "int32" || dtype === "bool") return dtype;
    throw this.untraceable(`${this.#kernel} of ${dtype} tensors`, "use float32, int32 or bool");
  }

  /**
   * The error for something in user code that cannot become part of a graph. It points at the place where it is made, or at `stack`, or
   * at the last call of `kernel`.
   */
  untraceable(what: string, hint: string, options: { kernel?: string; stack?: Error; cause?: unknown } = {}): BatonError {
    const called = options.kernel === undefined ? undefined : this.#calls.get(options.kernel);
    const at = userLocation(options.stack ?? called ?? captureStack());
    const message = `cannot compile "${this.label}": ${what}${at ? ` (at ${at})` : ""}`;
    return new BatonError("untraceable", message, { hint, cause: options.cause });
  }
}
