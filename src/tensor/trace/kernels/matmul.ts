import type { Value } from "../../graph.js";
import { broadcastShape, sameShape, sizeOf } from "../../graph.js";
import type { KernelRecorder, KernelTable } from "../backend.js";
import type { Recorder } from "../recorder.js";
import { binary, elementwise } from "./elementwise.js";
import { transpose } from "./shape.js";

/** Swaps the last two axes. */
function swapped(r: Recorder, x: Value): Value {
  const rank = x.shape.length;
  const order = x.shape.map((_, i) => i);
  [order[rank - 2], order[rank - 1]] = [rank - 1, rank - 2];
  return transpose(r, x, order);
}

/** `x` as a matrix when all of its leading axes have size 1. */
function asMatrix(r: Recorder, x: Value): Value {
  return r.reshape(x, x.shape.slice(-2));
}

/**
 * a·b over the last two axes, each first transposed on demand, leading axes broadcast.
 *
 * One matrix times one matrix is a MatMul or Gemm. Many matrices times one matrix fold the leading axes into rows: one product instead
 * of many. Else it is a batched MatMul, whose transposes ONNX Runtime fuses.
 */
export function matMul(r: Recorder, a: Value, b: Value, transposeA = false, transposeB = false): Value {
  const [rows, inner] = dimensions(a, transposeA);
  const [innerB, columns] = dimensions(b, transposeB);
  const batch = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  if (!batch || inner !== innerB) {
    throw new RangeError(
      `matMul: shapes [${a.shape}]${transposeA ? "ᵀ" : ""} and [${b.shape}]${transposeB ? "ᵀ" : ""} do not fit`,
    );
  }
  if (!repeatsWhole(a.shape.slice(0, -2), b.shape.slice(0, -2))) {
    const what = `a matMul whose batches [${a.shape.slice(0, -2)}] and [${b.shape.slice(0, -2)}] both repeat`;
    throw r.untraceable(what, "tfjs computes it wrongly; tile one side first");
  }
  const shape = [...batch, rows, columns];
  const batchA = sizeOf(a.shape.slice(0, -2));
  const oneB = sizeOf(b.shape.slice(0, -2)) === 1;
  if (oneB && batchA === 1) return r.reshape(product(r, asMatrix(r, a), asMatrix(r, b), transposeA, transposeB), shape);
  if (oneB && !transposeA) {
    const flat = r.reshape(a, [batchA * rows, inner]);
    return r.reshape(product(r, flat, asMatrix(r, b), false, transposeB), shape);
  }
  const left = transposeA ? swapped(r, a) : a;
  const right = transposeB ? swapped(r, b) : b;
  return r.emit("MatMul", [left, right], { shape, type: a.type });
}

/** Whether the smaller batch only repeats as a whole: the one kind of broadcast that tfjs's own backends get right. */
function repeatsWhole(a: readonly number[], b: readonly number[]): boolean {
  const core = (batch: readonly number[]) => batch.slice(batch.findIndex((size) => size !== 1));
  const [large, small] = sizeOf(a) >= sizeOf(b) ? [core(a), core(b)] : [core(b), core(a)];
  return sizeOf(small) === 1 || sameShape(large.slice(large.length - small.length), small);
}

function dimensions(x: Value, transposed: boolean): [number, number] {
  const [rows, columns] = x.shape.slice(-2) as [number, number];
  return transposed ? [columns, rows] : [rows, columns];
}

/** The product of two matrices. ONNX Runtime has no Gemm of whole numbers. */
function product(r: Recorder, a: Value, b: Value, transposeA: boolean, transposeB: boolean): Value {
  const output = { shape: [dimensions(a, transposeA)[0], dimensions(b, transposeB)[1]], type: a.type };
  if (!transposeA && !transposeB) return r.emit("MatMul", [a, b], output);
  if (a.type !== "float32") return r.emit("MatMul", [transposeA ? swapped(r, a) : a, transposeB ? swapped(r, b) : b], output);
  return r.emit("Gemm", [a, b], output, { transA: { int: transposeA ? 1 : 0 }, transB: { int: transposeB ? 1 : 0 } });
}

/** tf.fused.matMul: product, bias and activation; ONNX Runtime does its own fusing. */
const fused: KernelRecorder = (
  r,
  { a, b, bias, preluActivationWeights },
  { transposeA, transposeB, activation, leakyreluAlpha },
) => {
  let out = matMul(r, a!, b!, transposeA, transposeB);
  if (bias) out = binary(r, "Add", out, bias);
  const kernels: Record<string, string> = {
    relu: "Relu",
    relu6: "Relu6",
    elu: "Elu",
    sigmoid: "Sigmoid",
    leakyrelu: "LeakyRelu",
    prelu: "Prelu",
  };
  if (activation === "linear" || activation === undefined) return out;
  const kernel = elementwise[kernels[activation as string] ?? ""];
  if (!kernel) throw r.untraceable(`activation "${activation}" of a fused matMul`, "apply the activation as an op of its own");
  const inputs = preluActivationWeights ? { x: out, alpha: preluActivationWeights } : { x: out };
  return kernel(r, inputs, { alpha: leakyreluAlpha });
};

export const matmuls: KernelTable = {
  BatchMatMul: (r, { a, b }, { transposeA, transposeB }) => matMul(r, a!, b!, transposeA, transposeB),
  _FusedMatMul: fused,
};
