import { backend_util, slice_util, util } from "@tensorflow/tfjs";
import type { Value } from "../../graph.js";
import { sameShape, sizeOf } from "../../graph.js";
import type { KernelRecorder, KernelTable } from "../backend.js";
import type { Recorder } from "../recorder.js";
import { axesOf } from "./reduce.js";

/** Reorders axes; where only axes of size 1 move it is a reshape. */
export function transpose(r: Recorder, x: Value, order: readonly number[]): Value {
  const shape = order.map((axis) => x.shape[axis]!);
  const moving = order.filter((axis) => x.shape[axis] !== 1);
  if (moving.every((axis, i) => i === 0 || moving[i - 1]! < axis)) return r.reshape(x, shape);
  return r.emit("Transpose", [x], { shape, type: x.type }, { perm: { ints: order } });
}

/** `x[starts … ends)` with steps, one of each per axis. */
function slice(
  r: Recorder,
  x: Value,
  starts: readonly number[],
  ends: readonly number[],
  steps: readonly number[],
  shape: number[],
): Value {
  if (sameShape(shape, x.shape) && steps.every((step) => step > 0)) return x;
  const changed = x.shape.map((_, i) => i).filter((i) => steps[i] !== 1 || starts[i] !== 0 || ends[i] !== x.shape[i]);
  const part = (values: readonly number[]) => r.int64(changed.map((i) => values[i]!));
  return r.emit("Slice", [x, part(starts), part(ends), r.int64(changed), part(steps)], { shape, type: x.type });
}

const sliceKernel: KernelRecorder = (r, { x }, { begin, size }) => {
  const [starts, sizes] = slice_util.parseSliceParams(x! as never, begin, size);
  const ends = starts!.map((start, i) => start + sizes![i]!);
  return slice(
    r,
    x!,
    starts!,
    ends,
    x!.shape.map(() => 1),
    sizes!,
  );
};

const stridedSlice: KernelRecorder = (
  r,
  { x },
  { begin, end, strides, beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask },
) => {
  const info = slice_util.sliceInfo(
    [...x!.shape],
    begin,
    end,
    strides,
    beginMask,
    endMask,
    ellipsisMask,
    newAxisMask,
    shrinkAxisMask,
  );
  if (info.isIdentity) return r.reshape(x!, info.finalShape);
  const shape = slice_util.computeOutShape(info.begin, info.end, info.strides);
  // A negative stride that runs past the start ends at "minus infinity" in ONNX, since −1 means the last element.
  const ends = info.end.map((e, i) => (info.strides[i]! < 0 && e < 0 ? -(2 ** 31) : e));
  return r.reshape(slice(r, x!, info.begin, ends, info.strides, shape), info.finalShape);
};

const reverse: KernelRecorder = (r, { x }, { dims }) => {
  const axes = x!.shape.length === 0 ? [] : axesOf(dims, x!).filter((axis) => x!.shape[axis]! > 1);
  if (axes.length === 0) return x!;
  const all = (value: number) => r.int64(axes.map(() => value));
  return r.emit("Slice", [x!, all(-1), all(-(2 ** 31)), r.int64(axes), all(-1)], { shape: x!.shape, type: x!.type });
};

const concat: KernelRecorder = (r, inputs, { axis }) => concatenate(r, Object.values(inputs), axis as number);

function concatenate(r: Recorder, parts: readonly Value[], axis: number): Value {
  const along = util.parseAxisParam(axis, [...parts[0]!.shape])[0]!;
  const shape = backend_util.computeOutShape(
    parts.map((part) => [...part.shape]),
    along,
  );
  const full = parts.filter((part) => sizeOf(part.shape) > 0);
  if (full.length === 1) return full[0]!;
  return r.emit("Concat", full.length > 0 ? full : parts, { shape, type: parts[0]!.type }, { axis: { int: along } });
}

const pack: KernelRecorder = (r, inputs, { axis }) => {
  const parts = Object.values(inputs);
  const along = (axis as number) < 0 ? (axis as number) + parts[0]!.shape.length + 1 : (axis as number);
  const expanded = parts.map((part) => r.reshape(part, [...part.shape.slice(0, along), 1, ...part.shape.slice(along)]));
  return concatenate(r, expanded, along);
};

function split(r: Recorder, x: Value, sizes: readonly number[], axis: number): Value[] {
  if (sizes.length === 1) return [x];
  const outputs = sizes.map((size) => ({ shape: x.shape.map((d, i) => (i === axis ? size : d)), type: x.type }));
  return r.emitMany("Split", [x, r.int64(sizes)], outputs, { axis: { int: axis } });
}

const splitV: KernelRecorder = (r, { x }, { numOrSizeSplits, axis }) => {
  const along = util.parseAxisParam(axis, [...x!.shape])[0]!;
  return split(r, x!, backend_util.prepareSplitSize(x! as never, numOrSizeSplits, along), along);
};

const unpack: KernelRecorder = (r, { value }, { axis }) => {
  const along = (axis as number) < 0 ? (axis as number) + value!.shape.length : (axis as number);
  const shape = value!.shape.filter((_, i) => i !== along);
  const parts = split(r, value!, new Array<number>(value!.shape[along]!).fill(1), along);
  return parts.map((part) => r.reshape(part, shape));
};

/** tfjs broadcasts by Tile; where only axes of size 1 grow, ONNX's Expand says so, and a pass can drop it. */
const tile: KernelRecorder = (r, { x }, { reps }) => {
  const repeats = reps as number[];
  const shape = x!.shape.map((size, i) => size * repeats[i]!);
  if (sameShape(shape, x!.shape)) return x!;
  if (x!.shape.every((size, i) => size === 1 || repeats[i] === 1)) {
    return r.emit("Expand", [x!, r.int64(shape)], { shape, type: x!.type });
  }
  return r.emit("Tile", [x!, r.int64(repeats)], { shape, type: x!.type });
};

const broadcastTo: KernelRecorder = (r, { x }, { shape }) => {
  if (sameShape(shape as number[], x!.shape)) return x!;
  return r.emit("Expand", [x!, r.int64(shape as number[])], { shape: shape as number[], type: x!.type });
};

const pad: KernelRecorder = (r, { x }, { paddings, constantValue }) => {
  const pairs = paddings as [number, number][];
  if (pairs.every(([before, after]) => before === 0 && after === 0)) return x!;
  if (x!.type === "bool") throw r.untraceable("padding of bool tensors", "cast to int32 first");
  const shape = x!.shape.map((size, i) => size + pairs[i]![0] + pairs[i]![1]);
  const pads = r.int64([...pairs.map(([before]) => before), ...pairs.map(([, after]) => after)]);
  const value = r.scalar((constantValue as number) ?? 0, x!.type === "int32" ? "int32" : "float32");
  return r.emit("Pad", [x!, pads, value], { shape, type: x!.type }, { mode: { text: "constant" } });
};

export const shapes: KernelTable = {
  Identity: (_, { x }) => x!,
  Reshape: (r, { x }, { shape }) => r.reshape(x!, util.inferFromImplicitShape(shape as number[], sizeOf(x!.shape))),
  ExpandDims: (r, { input }, { dim }) => {
    const at = (dim as number) < 0 ? input!.shape.length + 1 + (dim as number) : (dim as number);
    return r.reshape(input!, [...input!.shape.slice(0, at), 1, ...input!.shape.slice(at)]);
  },
  Transpose: (r, { x }, { perm }) => transpose(r, x!, perm as number[]),
  Slice: sliceKernel,
  StridedSlice: stridedSlice,
  Reverse: reverse,
  Concat: concat,
  Pack: pack,
  SplitV: splitV,
  Unpack: unpack,
  Tile: tile,
  BroadcastTo: broadcastTo,
  PadV2: pad,
};
