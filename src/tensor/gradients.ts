/**
 * Gradients that tfjs lacks, has wrong or makes expensive, for every backend alike. Importing this module registers them in place of
 * tfjs's own.
 *
 * - BatchMatMul: tfjs's does not sum over broadcast leading axes.
 * - Tile: tfjs's slices once per repetition, and stops at rank 4; a broadcast over a batch would be hundreds of slices.
 * - GatherV2: tfjs's needs UnsortedSegmentSum, which the wasm backend lacks; a product with a one-hot matrix needs nothing special.
 * - Cumsum: tfjs's transposes the result where the axis is not the last.
 * - Maximum, Minimum, SquaredDifference: tfjs's do not sum over broadcast axes.
 * - Prod: tfjs's does not know axes that count from the end.
 * - Relu: tfjs's keeps the input; from the output the result is the same, and product, bias and ReLU can stay one operator.
 *
 * @module
 */
import type { GradConfig, NamedAttrMap, Tensor } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";

/** Sums `gradient` over the axes along which an operand of shape `shape` was broadcast. */
function unbroadcast(gradient: Tensor, shape: readonly number[]): Tensor {
  const axes = tf.broadcast_util.getReductionAxes([...shape], gradient.shape);
  return axes.length === 0 ? gradient : tf.sum(gradient, axes).reshape([...shape]);
}

/** The gradient of b in a·b, summed over the leading axes if b has none of its own: then they fold into the rows of one product. */
function rightGradient(a: Tensor, dy: Tensor, b: Tensor, transposeA: boolean): Tensor {
  const shared = b.size === b.shape.at(-1)! * b.shape.at(-2)! && a.rank > 2;
  if (shared && !transposeA) {
    const rows = a.reshape([-1, a.shape.at(-1)!]);
    return tf.matMul(rows, dy.reshape([-1, dy.shape.at(-1)!]), true, false).reshape(b.shape);
  }
  return unbroadcast(tf.matMul(a, dy, !transposeA, false), b.shape);
}

const batchMatMul: GradConfig = {
  kernelName: "BatchMatMul",
  inputsToSave: ["a", "b"],
  gradFunc: (output, saved, attributes) => {
    const dy = output as Tensor;
    const [a, b] = saved as [Tensor, Tensor];
    const { transposeA, transposeB } = attributes as unknown as { transposeA: boolean; transposeB: boolean };
    return {
      a: () => unbroadcast(transposeA ? tf.matMul(b, dy, transposeB, true) : tf.matMul(dy, b, false, !transposeB), a.shape),
      b: () => (transposeB ? unbroadcast(tf.matMul(dy, a, true, transposeA), b.shape) : rightGradient(a, dy, b, transposeA)),
    };
  },
};

const tile: GradConfig = {
  kernelName: "Tile",
  inputsToSave: ["x"],
  gradFunc: (output, saved, attributes) => {
    const { shape } = saved[0]!;
    const reps = (attributes as unknown as { reps: number[] }).reps;
    return {
      x: () => {
        // Each axis that repeats becomes two, [repetition, size]; the repetitions are summed.
        const split: number[] = [];
        const repeated: number[] = [];
        for (const [i, size] of shape.entries()) {
          if (reps[i]! > 1) repeated.push(split.push(reps[i]!) - 1);
          if (reps[i] === 1 || size !== 1) split.push(size);
        }
        return tf.sum((output as Tensor).reshape(split), repeated).reshape(shape);
      },
    };
  },
};

/** Adds rows [count, …] into a table of `size` rows by index. */
function sumByIndex(rows: Tensor, index: Tensor, size: number): Tensor {
  const count = index.size;
  const hot = tf.equal(tf.range(0, size, 1, "int32").reshape([size, 1]), index.reshape([1, count]));
  const table = tf.matMul(hot.cast("float32") as tf.Tensor2D, rows.reshape([count, rows.size / count]) as tf.Tensor2D);
  return table.reshape([size, ...rows.shape.slice(1)]);
}

const gather: GradConfig = {
  kernelName: "GatherV2",
  inputsToSave: ["x", "indices"],
  gradFunc: (output, saved, attributes) => {
    const dy = output as Tensor;
    const [x, indices] = saved as [Tensor, Tensor];
    const { axis, batchDims } = attributes as unknown as { axis: number; batchDims: number };
    const along = tf.util.parseAxisParam(axis, x.shape)[0]!;
    return {
      indices: () => tf.zerosLike(indices),
      x: () => (batchDims > 0 ? batchedGatherGradient(dy, x, indices, batchDims) : gatherGradient(dy, x, indices, along)),
    };
  },
};

function gatherGradient(dy: Tensor, x: Tensor, indices: Tensor, along: number): Tensor {
  const rest = [...x.shape.slice(0, along), ...x.shape.slice(along + 1)];
  const flat = dy.reshape([...x.shape.slice(0, along), indices.size, ...x.shape.slice(along + 1)]);
  const order = [along, ...x.shape.map((_, i) => i).filter((i) => i !== along)];
  const table = sumByIndex(flat.transpose(order), indices, x.shape[along]!).reshape([x.shape[along]!, ...rest]);
  const back = x.shape.map((_, i) => order.indexOf(i));
  return table.transpose(back);
}

/** Each batch has a one-hot matrix of its own: [copies, size, count] · [copies, count, rest]. */
function batchedGatherGradient(dy: Tensor, x: Tensor, indices: Tensor, batchDims: number): Tensor {
  const copies = tf.util.sizeFromShape(x.shape.slice(0, batchDims));
  const size = x.shape[batchDims]!;
  const count = indices.size / copies;
  const hot = tf.equal(tf.range(0, size, 1, "int32").reshape([1, size, 1]), indices.reshape([copies, 1, count]));
  return tf.matMul(hot.cast("float32"), dy.reshape([copies, count, dy.size / (copies * count)])).reshape(x.shape);
}

const cumsum: GradConfig = {
  kernelName: "Cumsum",
  inputsToSave: ["x"],
  gradFunc: (output, _saved, attributes: NamedAttrMap) => {
    const { axis, exclusive, reverse } = attributes as unknown as { axis: number; exclusive: boolean; reverse: boolean };
    return { x: () => tf.cumsum(output as Tensor, axis, exclusive, !reverse) };
  },
};

/** The gradient of an operation on a and b from its two partial derivatives, each times dy. */
function elementwise(
  kernelName: string,
  partials: (dy: Tensor, a: Tensor, b: Tensor) => [() => Tensor, () => Tensor],
): GradConfig {
  return {
    kernelName,
    inputsToSave: ["a", "b"],
    gradFunc: (output, saved) => {
      const [a, b] = saved as [Tensor, Tensor];
      const [da, db] = partials(output as Tensor, a, b);
      return { a: () => unbroadcast(da(), a.shape), b: () => unbroadcast(db(), b.shape) };
    },
  };
}

const maximum = elementwise("Maximum", (dy, a, b) => [
  () => tf.mul(dy, tf.cast(tf.greaterEqual(a, b), "float32")),
  () => tf.mul(dy, tf.cast(tf.less(a, b), "float32")),
]);

const minimum = elementwise("Minimum", (dy, a, b) => [
  () => tf.mul(dy, tf.cast(tf.lessEqual(a, b), "float32")),
  () => tf.mul(dy, tf.cast(tf.greater(a, b), "float32")),
]);

const squaredDifference = elementwise("SquaredDifference", (dy, a, b) => [
  () => tf.mul(dy, tf.mul(tf.sub(a, b), 2)),
  () => tf.mul(dy, tf.mul(tf.sub(b, a), 2)),
]);

/** Each factor's derivative is the product of those before it and those after it: right where factors are zero, too. */
const prod: GradConfig = {
  kernelName: "Prod",
  inputsToSave: ["x"],
  gradFunc: (output, saved, attributes) => {
    const x = saved[0]!;
    const axes = tf.util.parseAxisParam((attributes as unknown as { axis: number[] }).axis, x.shape);
    return {
      x: () => {
        const kept = x.shape.map((_, i) => i).filter((i) => !axes.includes(i));
        const order = [...kept, ...axes];
        const moved = x.transpose(order);
        const rows = moved.reshape([...kept.map((i) => x.shape[i]!), -1]);
        const last = rows.rank - 1;
        const others = tf.mul(tf.cumprod(rows, last, true), tf.cumprod(rows, last, true, true));
        const dy = (output as Tensor).reshape([...rows.shape.slice(0, -1), 1]);
        const back = x.shape.map((_, i) => order.indexOf(i));
        return tf.mul(others, dy).reshape(moved.shape).transpose(back);
      },
    };
  },
};

const relu: GradConfig = {
  kernelName: "Relu",
  outputsToSave: [true],
  gradFunc: (output, saved) => ({ x: () => tf.mul(output as Tensor, tf.step(saved[0]!)) }),
};

const replaced = [batchMatMul, tile, gather, cumsum, maximum, minimum, squaredDifference, prod, relu];
for (const gradient of replaced) tf.registerGradient(gradient);
