import type { Value } from "../../graph.js";
import { sizeOf } from "../../graph.js";
import type { KernelTable } from "../backend.js";
import type { Recorder } from "../recorder.js";

function filled(r: Recorder, shape: readonly number[], value: number, dtype: "float32" | "int32" | "bool"): Value {
  const size = sizeOf(shape);
  const data = dtype === "float32" ? new Float32Array(size) : dtype === "int32" ? new Int32Array(size) : new Uint8Array(size);
  return r.constant(data.fill(value), shape, dtype);
}

/** Kernels whose numbers are known while tracing. */
export const creations: KernelTable = {
  Fill: (r, _, { shape, value, dtype }) => filled(r, shape, value, r.type(dtype ?? "float32") as "float32"),
  ZerosLike: (r, { x }) => filled(r, x!.shape, 0, x!.type as "float32"),
  OnesLike: (r, { x }) => filled(r, x!.shape, 1, x!.type as "float32"),
  Range: (r, _, { start, stop, step, dtype }) => {
    const stride = step === 1 && stop < start ? -1 : (step as number);
    const size = start === stop ? 0 : Math.max(0, Math.ceil((stop - start) / stride));
    const numbers = Array.from({ length: size }, (_, i) => start + i * stride);
    return dtype === "int32"
      ? r.constant(Int32Array.from(numbers), [size], "int32")
      : r.constant(Float32Array.from(numbers), [size], "float32");
  },
  LinSpace: (r, _, { start, stop, num }) => {
    const step = (stop - start) / Math.max(1, num - 1);
    const numbers = Float32Array.from({ length: num as number }, (_, i) => start + i * step);
    return r.constant(numbers, [num as number], "float32");
  },
};
