import { util } from "@tensorflow/tfjs";
import type { Value } from "../../graph.js";
import { sizeOf } from "../../graph.js";
import type { KernelRecorder, KernelTable } from "../backend.js";
import type { Recorder } from "../recorder.js";
import { binary } from "./elementwise.js";
import { matMul } from "./matmul.js";

/** 0 … n−1 as int32. */
function range(r: Recorder, n: number): Value {
  return r.constant(
    Int32Array.from({ length: n }, (_, i) => i),
    [n],
    "int32",
  );
}

/** `[…]` indices to `[…, depth]`: a comparison with 0 … depth−1, so that an index out of range gives a row of zeros as in tfjs. */
const oneHot: KernelRecorder = (r, { indices }, { depth, onValue, offValue, dtype }) => {
  const column = r.reshape(r.cast(indices!, "int32"), [...indices!.shape, 1]);
  const hot = binary(r, "Equal", column, range(r, depth as number), "bool");
  const type = r.type(dtype as "float32");
  if (type === "bool" || (onValue === 1 && offValue === 0)) return r.cast(hot, type);
  const scalarType = type === "int32" ? "int32" : "float32";
  const [on, off] = [r.scalar(onValue as number, scalarType), r.scalar(offValue as number, scalarType)];
  return r.emit("Where", [hot, on, off], { shape: hot.shape, type });
};

/** tf.gather. With batch dimensions the indices are shifted into a flattened table, all in exact int32. */
const gather: KernelRecorder = (r, { x, indices }, { axis, batchDims }) => {
  const along = util.parseAxisParam(axis, [...x!.shape])[0]!;
  const index = r.cast(indices!, "int32");
  const batch = (batchDims as number) ?? 0;
  const shape = [...x!.shape.slice(0, along), ...index.shape.slice(batch), ...x!.shape.slice(along + 1)];
  if (batch === 0) return r.emit("Gather", [x!, index], { shape, type: x!.type }, { axis: { int: along } });
  if (along !== batch)
    throw r.untraceable(`gather along axis ${along} with ${batch} batch axes`, "gather along the first axis after the batch");
  const copies = sizeOf(x!.shape.slice(0, batch));
  const rows = x!.shape[along]!;
  const table = r.reshape(x!, [copies * rows, ...x!.shape.slice(along + 1)]);
  const offsets = Int32Array.from({ length: copies }, (_, i) => i * rows);
  const offsetShape = [...x!.shape.slice(0, batch), ...index.shape.slice(batch).map(() => 1)];
  const flat = binary(r, "Add", index, r.constant(offsets, offsetShape, "int32"));
  return r.emit("Gather", [table, flat], { shape, type: x!.type }, { axis: { int: 0 } });
};

const gatherNd: KernelRecorder = (r, { params, indices }) => {
  const depth = indices!.shape.at(-1)!;
  const shape = [...indices!.shape.slice(0, -1), ...params!.shape.slice(depth)];
  return r.emit("GatherND", [params!, r.cast(indices!, "int64")], { shape, type: params!.type });
};

/**
 * Sums of the rows of each segment, as a product with a one-hot matrix: the same result on any number of threads, which ONNX Runtime's
 * ScatterND does not promise when indices repeat.
 */
const unsortedSegmentSum: KernelRecorder = (r, { x, segmentIds }, { numSegments }) => {
  const count = sizeOf(segmentIds!.shape);
  const rest = x!.shape.slice(segmentIds!.shape.length);
  return sumByIndex(r, r.reshape(x!, [count, sizeOf(rest)]), r.reshape(segmentIds!, [count]), numSegments as number, rest);
};

function sumByIndex(r: Recorder, rows: Value, index: Value, segments: number, rest: readonly number[]): Value {
  const ids = r.reshape(range(r, segments), [segments, 1]);
  const hot = r.cast(binary(r, "Equal", ids, r.cast(index, "int32"), "bool"), rows.type);
  return r.reshape(matMul(r, hot, rows), [segments, ...rest]);
}

/** tf.scatterND: updates at repeated positions add up. */
const scatterNd: KernelRecorder = (r, { indices, updates }, attributes) => {
  const shape = attributes.shape as number[];
  const depth = indices!.shape.at(-1)!;
  const count = sizeOf(indices!.shape) / depth;
  const rest = shape.slice(depth);
  const strides = Int32Array.from({ length: depth }, (_, i) => sizeOf(shape.slice(i + 1, depth)));
  const scaled = binary(r, "Mul", r.cast(indices!, "int32"), r.constant(strides, [depth], "int32"));
  const axes = r.int64([indices!.shape.length - 1]);
  const flat = r.emit(
    "ReduceSum",
    [scaled, axes],
    { shape: indices!.shape.slice(0, -1), type: "int32" },
    { keepdims: { int: 0 } },
  );
  const rows = r.reshape(updates!, [count, sizeOf(rest)]);
  const table = sumByIndex(r, rows, r.reshape(flat, [count]), sizeOf(shape.slice(0, depth)), rest);
  return r.reshape(table, shape);
};

export const gathers: KernelTable = {
  OneHot: oneHot,
  GatherV2: gather,
  GatherNd: gatherNd,
  ScatterNd: scatterNd,
  UnsortedSegmentSum: unsortedSegmentSum,
};
