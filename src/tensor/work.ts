import type { PureFunction, Signature } from "./device.js";
import { optimise } from "./passes/index.js";
import { productFlops } from "./threads.js";
import { trace } from "./trace/trace.js";

/** Floating-point operations of the matrix products of one run, as compiled; what else it computes is not counted. */
export const matrixOperations = (fn: PureFunction, signature: Signature, label: string): number =>
  productFlops(optimise(trace(fn, signature, label).graph));
