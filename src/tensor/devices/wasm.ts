/**
 * tfjs's wasm backend, with the kernels that it lacks or has wrong composed from those that it has right. Importing this module
 * registers it.
 *
 * - Cast to bool keeps the lowest byte of a number instead of asking whether it is zero.
 * - Select reads truth values as if they were four bytes wide.
 * - OneHot knows int32 only.
 * - BatchMatMul knows float32 only.
 * - GatherV2 in batches reads the indices of a batch as if there were as many as batches.
 * - UnsortedSegmentSum is missing.
 *
 * @module
 */
import "@tensorflow/tfjs-backend-wasm";
import type { KernelFunc, NamedTensorInfoMap, Tensor } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";

/** What stands in for a kernel: undefined leaves the call to tfjs's own. tfjs hands kernels real tensors, whatever its types say. */
type Replacement = (
  inputs: Readonly<Record<string, Tensor>>,
  attributes: Readonly<Record<string, unknown>>,
) => Tensor | undefined;

/** Row r of the result is 1 where `index` is r: [size, count]. */
const selects = (index: Tensor, size: number): Tensor =>
  tf.equal(tf.range(0, size, 1, "int32").reshape([size, 1]), index.reshape([1, -1])).cast("float32");

const replacements: Readonly<Record<string, Replacement>> = {
  Cast: ({ x }, { dtype }) => {
    if (dtype !== "bool" || x!.dtype === "bool") return undefined;
    return tf.notEqual(x!, tf.scalar(0, x!.dtype as "float32"));
  },
  Select: ({ condition, t, e }) => {
    if (t!.dtype !== "bool") return undefined;
    return tf.logicalOr(tf.logicalAnd(condition!, t!), tf.logicalAnd(tf.logicalNot(condition!), e!));
  },
  OneHot: ({ indices }, attributes) => {
    const { depth, onValue, offValue, dtype } = attributes as {
      depth: number;
      onValue: number;
      offValue: number;
      dtype: "float32" | "int32" | "bool";
    };
    if (dtype === "int32") return undefined;
    const hot = tf.equal(indices!.expandDims(-1), tf.range(0, depth, 1, "int32"));
    if (dtype === "bool") return hot;
    return tf.add(tf.mul(tf.cast(hot, dtype), onValue - offValue), offValue);
  },
  BatchMatMul: ({ a, b }, { transposeA, transposeB }) => {
    if (a!.dtype === "float32") return undefined;
    // [… , m, k, 1]·[… , 1, k, n] summed over k: exact in int32
    const swap = (x: Tensor) => x.transpose([...x.shape.keys()].map((i) => (i < x.rank - 2 ? i : 2 * x.rank - 3 - i)));
    const [left, right] = [transposeA ? swap(a!) : a!, transposeB ? swap(b!) : b!];
    return tf.sum(tf.mul(left.expandDims(-1), right.expandDims(-3)), -2);
  },
  GatherV2: ({ x, indices }, attributes) => {
    const { batchDims } = attributes as { batchDims: number };
    if (batchDims === 0) return undefined;
    // One table of the rows of all batches. Tracing has refused an axis that is not the first after those of the batch.
    const batches = tf.util.sizeFromShape(x!.shape.slice(0, batchDims));
    const size = x!.shape[batchDims]!;
    const rest = x!.shape.slice(batchDims + 1);
    const first = tf.range(0, batches * size, size, "int32").reshape([batches, 1]);
    const flat = tf.add(indices!.reshape([batches, -1]), first).reshape([-1]) as tf.Tensor1D;
    return tf.gather(x!.reshape([batches * size, ...rest]), flat).reshape([...indices!.shape, ...rest]);
  },
  UnsortedSegmentSum: ({ x, segmentIds }, { numSegments }) => {
    const rest = x!.shape.slice(segmentIds!.rank);
    const rows = x!.reshape([segmentIds!.size, -1]);
    return tf.matMul(selects(segmentIds!, numSegments as number), rows).reshape([numSegments as number, ...rest]);
  },
};

for (const [kernelName, replacement] of Object.entries(replacements)) {
  const original = tf.getKernel(kernelName, "wasm");
  if (original) tf.unregisterKernel(kernelName, "wasm");
  const kernelFunc: KernelFunc = (call) => {
    const inputs = call.inputs as NamedTensorInfoMap as Record<string, Tensor>;
    return replacement(inputs, call.attrs ?? {}) ?? original.kernelFunc(call);
  };
  tf.registerKernel({ ...original, kernelName, backendName: "wasm", kernelFunc });
}
