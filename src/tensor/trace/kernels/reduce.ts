import { util } from "@tensorflow/tfjs";
import type { Value } from "../../graph.js";
import type { KernelRecorder, KernelTable } from "../backend.js";
import type { Recorder } from "../recorder.js";

/** Axes as tfjs takes them (one, several, null for all), counted from 0 and in order. */
export function axesOf(axis: number | number[] | null | undefined, x: Value): number[] {
  return util.parseAxisParam(axis as number | number[], [...x.shape]).sort((a, b) => a - b);
}

/** A reduction; since opset 18 the axes of an ONNX reduction are an input. Nothing is emitted where there is no axis. */
export function reduce(r: Recorder, op: string, x: Value, axes: readonly number[], keepDims = false): Value {
  if (axes.length === 0) return x;
  const shape = keepDims ? x.shape.map((size, i) => (axes.includes(i) ? 1 : size)) : x.shape.filter((_, i) => !axes.includes(i));
  // Reducing axes of size 1 only moves numbers.
  if (axes.every((axis) => x.shape[axis] === 1)) return r.reshape(x, shape);
  return r.emit(op, [x, r.int64(axes)], { shape, type: x.type }, { keepdims: { int: keepDims ? 1 : 0 } });
}

const reduction =
  (op: string): KernelRecorder =>
  (r, { x }, { axis, reductionIndices, keepDims }) => {
    const input = x!.type === "bool" ? r.cast(x!, "int32") : x!;
    return reduce(r, op, input, axesOf(axis ?? reductionIndices, x!), keepDims ?? false);
  };

/** tfjs takes the mean of whole numbers in float32. */
const mean: KernelRecorder = (r, { x }, { axis, keepDims }) =>
  reduce(r, "ReduceMean", r.cast(x!, "float32"), axesOf(axis, x!), keepDims ?? false);

/** Any and All as the largest and smallest byte. */
const logical =
  (op: string): KernelRecorder =>
  (r, { x }, { axis, keepDims }) =>
    r.cast(reduce(r, op, r.cast(x!, "uint8"), axesOf(axis, x!), keepDims ?? false), "bool");

/** ONNX gives int64; like tfjs the first of equals wins. */
const position =
  (op: string): KernelRecorder =>
  (r, { x }, attributes) => {
    const [axis] = axesOf(attributes.axis as number, x!);
    const shape = x!.shape.filter((_, i) => i !== axis);
    const input = x!.type === "bool" ? r.cast(x!, "int32") : x!;
    return r.cast(r.emit(op, [input], { shape, type: "int64" }, { axis: { int: axis! }, keepdims: { int: 0 } }), "int32");
  };

const softmax =
  (op: string): KernelRecorder =>
  (r, inputs, { dim, axis }) => {
    const [along] = axesOf((dim ?? axis) as number, inputs.logits!);
    return r.emit(op, [inputs.logits!], { shape: inputs.logits!.shape, type: "float32" }, { axis: { int: along! } });
  };

const cumsum: KernelRecorder = (r, { x }, { axis, exclusive, reverse }) => {
  const [along] = axesOf(axis as number, x!);
  const attributes = { exclusive: { int: exclusive ? 1 : 0 }, reverse: { int: reverse ? 1 : 0 } };
  const input = x!.type === "bool" ? r.cast(x!, "int32") : x!;
  const axisValue = r.constant(Int32Array.of(along!), [], "int32");
  return r.emit("CumSum", [input, axisValue], { shape: x!.shape, type: input.type }, attributes);
};

/** ONNX has no running product: one multiplication per step (tfjs uses it in the gradient of Prod, along short axes). */
const cumprod: KernelRecorder = (r, { x }, { axis, exclusive, reverse }) => {
  const [along] = axesOf(axis as number, x!);
  const size = x!.shape[along!]!;
  const part = { shape: x!.shape.map((d, i) => (i === along ? 1 : d)), type: x!.type };
  const parts = r.emitMany(
    "Split",
    [x!, r.int64(new Array<number>(size).fill(1))],
    Array.from({ length: size }, () => part),
    { axis: { int: along! } },
  );
  const ordered = reverse ? parts.toReversed() : parts;
  const running: Value[] = [];
  let product = r.constant(new Float32Array(part.shape.reduce((a, b) => a * b, 1)).fill(1), part.shape, "float32");
  for (const factor of ordered) {
    const next = r.emit("Mul", [product, factor], part);
    running.push(exclusive ? product : next);
    product = next;
  }
  return r.emit(
    "Concat",
    reverse ? running.toReversed() : running,
    { shape: x!.shape, type: x!.type },
    { axis: { int: along! } },
  );
};

const topK: KernelRecorder = (r, { x }, { k }) => {
  const shape = [...x!.shape.slice(0, -1), k as number];
  const outputs = [
    { shape, type: x!.type },
    { shape, type: "int64" as const },
  ];
  const attributes = { axis: { int: -1 }, largest: { int: 1 }, sorted: { int: 1 } };
  const [values, indices] = r.emitMany("TopK", [x!, r.int64([k as number])], outputs, attributes);
  return [values!, r.cast(indices!, "int32")];
};

export const reductions: KernelTable = {
  Sum: reduction("ReduceSum"),
  Mean: mean,
  Max: reduction("ReduceMax"),
  Min: reduction("ReduceMin"),
  Prod: reduction("ReduceProd"),
  Any: logical("ReduceMax"),
  All: logical("ReduceMin"),
  ArgMax: position("ArgMax"),
  ArgMin: position("ArgMin"),
  Softmax: softmax("Softmax"),
  LogSoftmax: softmax("LogSoftmax"),
  Cumsum: cumsum,
  Cumprod: cumprod,
  TopK: topK,
};
