/**
 * Gradients that tfjs lacks, has wrong or makes expensive, for every backend alike. Importing this module registers them in place of
 * tfjs's own.
 *
 * - BatchMatMul: tfjs's does not sum over broadcast leading axes.
 * - Tile: tfjs's slices once per repetition, and stops at rank 4; a broadcast over a batch would be hundreds of slices.
 * - GatherV2: tfjs's needs UnsortedSegmentSum, which the wasm backend lacks; a product with a one-hot matrix needs nothing special.
 * - Cumsum: tfjs's transposes the result where the axis is not the last.
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
          if (reps[i] === 1 || size > 1) split.push(size);
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

for (const gradient of [batchMatMul, tile, gather, cumsum]) tf.registerGradient(gradient);
