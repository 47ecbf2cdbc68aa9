/**
 * Every operation that compiled functions may use, as a table: what the conformance suite runs on each device.
 *
 * @module
 */
import type { Tensor } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { RandomStream } from "../../src/tensor/random.js";
import { HostArray } from "../../src/tensor/tree.js";

/** tfjs's functions by name, for rows of the table that differ in nothing else. */
const byName: typeof tf = tf;

export interface Operation {
  readonly name: string;
  readonly inputs: readonly HostArray[];
  readonly run: (...inputs: Tensor[]) => Tensor | Tensor[];
  /** False where the operation has no gradient. Float inputs are differentiated. */
  readonly differentiable: boolean;
}

const rng = RandomStream.from(7, "operations");

/** Uniform floats in [low, high). */
function floats(shape: number[], low = -2, high = 2): HostArray {
  const array = HostArray.zeros({ shape, dtype: "float32" });
  return HostArray.float32(
    Float32Array.from(array.data, () => low + (high - low) * rng.uniform()),
    ...shape,
  );
}

/** Integers low … high−1. */
function integers(shape: number[], low: number, high: number): HostArray {
  const array = HostArray.zeros({ shape, dtype: "int32" });
  return HostArray.int32(
    Int32Array.from(array.data, () => low + rng.integer(high - low)),
    ...shape,
  );
}

function bools(shape: number[]): HostArray {
  const array = HostArray.zeros({ shape, dtype: "bool" });
  return HostArray.bool(
    Uint8Array.from(array.data, () => rng.integer(2)),
    ...shape,
  );
}

type Run = Operation["run"];

const smooth = (name: string, inputs: HostArray[], run: Run): Operation => ({ name, inputs, run, differentiable: true });
const discrete = (name: string, inputs: HostArray[], run: Run): Operation => ({ name, inputs, run, differentiable: false });

const x = floats([3, 4]);
const y = floats([3, 4]);
const row = floats([4]);
const column = floats([3, 1]);
const positive = floats([3, 4], 0.2, 3);
const inside = floats([3, 4], -0.9, 0.9);
const cube = floats([2, 3, 4]);
const whole = integers([3, 4], -5, 6);
const divisor = integers([3, 4], 1, 4);
const mask = bools([3, 4]);
const other = bools([3, 4]);

const unary: Operation[] = [
  ...(
    [
      "neg",
      "abs",
      "square",
      "exp",
      "expm1",
      "sin",
      "cos",
      "tanh",
      "sigmoid",
      "relu",
      "relu6",
      "elu",
      "selu",
      "softplus",
      "erf",
    ] as const
  ).map((name) => smooth(name, [x], (a) => byName[name](a!))),
  ...(["sinh", "cosh", "atan", "asinh"] as const).map((name) => smooth(name, [x], (a) => byName[name](a!))),
  ...(["tan", "asin", "acos", "atanh"] as const).map((name) => smooth(name, [inside], (a) => byName[name](a!))),
  ...(["sqrt", "rsqrt", "log", "log1p", "reciprocal"] as const).map((name) => smooth(name, [positive], (a) => byName[name](a!))),
  smooth("acosh", [floats([4], 1.1, 3)], (a) => tf.acosh(a!)),
  smooth("expm1 and log1p of tiny numbers", [floats([5], -1e-5, 1e-5)], (a) => [tf.expm1(a!), tf.log1p(a!)]),
  smooth("expm1 of large numbers", [floats([5], 10, 80)], (a) => tf.log(tf.expm1(a!))),
  smooth("leakyRelu", [x], (a) => tf.leakyRelu(a!, 0.1)),
  smooth("prelu", [x, row], (a, b) => tf.prelu(a!, b!)),
  smooth("clipByValue", [x], (a) => tf.clipByValue(a!, -0.5, 0.7)),
  smooth("sign, step, floor, ceil, round", [x], (a) => [tf.sign(a!), tf.step(a!), tf.floor(a!), tf.ceil(a!), tf.round(a!)]),
  discrete("step with a slope", [x], (a) => tf.step(a!, 0.3)),
  discrete("round halves to even", [HostArray.float32(Float32Array.of(-1.5, -0.5, 0.5, 1.5, 2.5), 5)], (a) => tf.round(a!)),
  discrete(
    "isNaN, isInf, isFinite",
    [HostArray.float32(Float32Array.of(1, Number.NaN, Number.POSITIVE_INFINITY, -2), 4)],
    (a) => [tf.isNaN(a!), tf.isInf(a!), tf.isFinite(a!)],
  ),
  discrete("of int32: neg, abs, square, sign, relu", [whole], (a) => [
    tf.neg(a!),
    tf.abs(a!),
    tf.square(a!),
    tf.sign(a!),
    tf.relu(a!),
  ]),
];

const binary: Operation[] = [
  ...(["add", "sub", "mul", "maximum", "minimum", "squaredDifference"] as const).flatMap((name) => [
    smooth(name, [x, y], (a, b) => byName[name](a!, b!)),
    smooth(`${name} with a row`, [x, row], (a, b) => byName[name](a!, b!)),
    smooth(`${name} of a column and a row`, [column, row], (a, b) => byName[name](a!, b!)),
    smooth(`${name} with a number`, [x], (a) => byName[name](a!, 0.3)),
  ]),
  smooth("div", [x, positive], (a, b) => tf.div(a!, b!)),
  smooth("div of a row by a column", [row, floats([3, 1], 1, 2)], (a, b) => tf.div(a!, b!)),
  smooth("pow", [positive, y], (a, b) => tf.pow(a!, b!)),
  smooth("pow of negatives to a whole power", [x], (a) => tf.pow(a!, 3)),
  smooth("mod", [x, floats([3, 4], 0.5, 1)], (a, b) => tf.mod(a!, b!)),
  smooth("addN", [x, y, positive], (a, b, c) => tf.addN([a!, b!, c!])),
  discrete("int32 arithmetic", [whole, divisor], (a, b) => [
    tf.add(a!, b!),
    tf.sub(a!, b!),
    tf.mul(a!, b!),
    tf.maximum(a!, b!),
    tf.minimum(a!, b!),
  ]),
  discrete("int32 floor division and mod", [whole, divisor], (a, b) => [tf.floorDiv(a!, b!), tf.div(a!, b!), tf.mod(a!, b!)]),
  discrete("large int32 products are exact", [integers([4], 40_000, 46_000), integers([4], 40_000, 46_000)], (a, b) =>
    tf.mul(a!, b!),
  ),
  discrete("addN of int32", [whole, divisor], (a, b) => tf.addN([a!, b!, a!])),
  discrete("float32 and int32 mix", [x, whole], (a, b) => [tf.add(a!, b!), tf.mul(b!, a!)]),
];

const logic: Operation[] = [
  ...(["greater", "greaterEqual", "less", "lessEqual", "equal", "notEqual"] as const).flatMap((name) => [
    discrete(name, [x, y], (a, b) => byName[name](a!, b!)),
    discrete(`${name} of int32 with a row`, [whole, integers([4], -2, 3)], (a, b) => byName[name](a!, b!)),
  ]),
  discrete("equal and greater of bool", [mask, other], (a, b) => [tf.equal(a!, b!), tf.greater(a!, b!)]),
  discrete("logical and, or, not, xor", [mask, other], (a, b) => [
    tf.logicalAnd(a!, b!),
    tf.logicalOr(a!, b!),
    tf.logicalNot(a!),
    tf.logicalXor(a!, b!),
  ]),
  smooth("where", [mask, x, y], (m, a, b) => tf.where(m!, a!, b!)),
  smooth("where broadcasts", [mask, row, column], (m, a, b) => tf.where(m!, a!, b!)),
  smooth("where with a scalar", [mask, x], (m, a) => tf.where(m!, a!, tf.scalar(-1e9))),
  discrete("where of int32 and bool", [mask, whole, divisor, other], (m, a, b, c) => [
    tf.where(m!, a!, b!),
    tf.where(m!, c!, tf.logicalNot(c!)),
  ]),
  smooth("cast", [x], (a) => [tf.cast(a!, "float32"), tf.cast(a!, "int32"), tf.cast(a!, "bool")]),
  discrete("cast from int32 and bool", [whole, mask], (a, b) => [
    tf.cast(a!, "float32"),
    tf.cast(a!, "bool"),
    tf.cast(b!, "float32"),
    tf.cast(b!, "int32"),
  ]),
];

const axes = [undefined, 0, 1, -1, [0, 2]] as const;

const reductions: Operation[] = [
  ...(["sum", "mean", "max", "min"] as const).flatMap((name) =>
    axes.flatMap((axis) => [
      smooth(`${name} over ${axis ?? "all"}`, [cube], (a) => byName[name](a!, axis as number)),
      smooth(`${name} over ${axis ?? "all"}, axes kept`, [cube], (a) => byName[name](a!, axis as number, true)),
    ]),
  ),
  smooth("sum and max over axes of size 1", [column], (a) => [tf.sum(a!, 1), tf.max(a!, 1, true)]),
  smooth("prod", [cube], (a) => [tf.prod(a!, 2), tf.prod(a!, -1, true)]),
  smooth("max of a ReLU with ties", [x], (a) => tf.max(tf.relu(a!), 1)),
  discrete("reductions of int32", [whole], (a) => [tf.sum(a!, 0), tf.max(a!, 1), tf.min(a!), tf.prod(a!, 1), tf.mean(a!, 1)]),
  discrete("sum of bool", [mask], (a) => tf.sum(tf.cast(a!, "int32"), 1)),
  discrete("any and all", [mask], (a) => [tf.any(a!), tf.any(a!, 1), tf.all(a!, 0, true), tf.all(a!)]),
  discrete("argMax and argMin", [cube], (a) => [tf.argMax(a!, 1), tf.argMax(a!, -1), tf.argMin(a!, 2), tf.argMin(a!, 0)]),
  discrete("argMax takes the first of equals", [integers([5, 6], 0, 2)], (a) => [tf.argMax(a!, 1), tf.argMin(a!, 1)]),
  smooth("softmax", [cube], (a) => tf.softmax(a!)),
  smooth("logSoftmax", [cube], (a) => tf.logSoftmax(a!)),
  smooth("softmax with everything but one masked", [x], (a) => tf.softmax(tf.add(a!, tf.tensor([0, -1e9, -1e9, -1e9])))),
  smooth("logSumExp", [cube], (a) => tf.logSumExp(a!, 1)),
  smooth("cumsum", [cube], (a) => [tf.cumsum(a!, 2), tf.cumsum(a!, 0), tf.cumsum(a!, 1, true), tf.cumsum(a!, 1, false, true)]),
  discrete("cumsum of int32", [whole], (a) => tf.cumsum(a!, 1)),
  discrete("cumprod", [positive], (a) => [tf.cumprod(a!, 1), tf.cumprod(a!, 0, true), tf.cumprod(a!, 1, false, true)]),
  discrete("topk", [x], (a) => {
    const { values, indices } = tf.topk(a!, 2);
    return [values, indices];
  }),
  smooth("norm", [x], (a) => [tf.norm(a!), tf.norm(a!, 2, 1), tf.norm(a!, 1, 0)]),
  smooth("moments", [cube], (a) => {
    const { mean, variance } = tf.moments(a!, -1, true);
    return [mean, variance];
  }),
];

const transposed = [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
] as const;

const products: Operation[] = [
  ...transposed.flatMap(([ta, tb]) => {
    const flags = `${ta ? "aᵀ" : "a"}·${tb ? "bᵀ" : "b"}`;
    const left = (...batch: number[]) => floats([...batch, ...(ta ? [5, 3] : [3, 5])]);
    const right = (...batch: number[]) => floats([...batch, ...(tb ? [4, 5] : [5, 4])]);
    const run: Run = (a, b) => tf.matMul(a!, b!, ta, tb);
    return [
      smooth(`${flags} of matrices`, [left(), right()], run),
      smooth(`${flags} of batches`, [left(2), right(2)], run),
      smooth(`${flags} of batches of batches`, [left(2, 3), right(2, 3)], run),
      smooth(`${flags} of batches and one matrix`, [left(2, 3), right()], run),
      smooth(`${flags} of a batch of one`, [left(1), right(1)], run),
      smooth(`${flags} of one matrix and batches`, [left(), right(3)], run),
      smooth(`${flags} of batches that repeat`, [left(2, 3), right(3)], run),
    ];
  }),
  smooth("dot", [row, floats([4])], (a, b) => tf.dot(a!, b!)),
  smooth("fused matMul with bias and relu", [floats([3, 5]), floats([5, 4]), row], (a, b, bias) =>
    tf.fused.matMul({ a: a!, b: b!, bias: bias!, activation: "relu" }),
  ),
  discrete("matMul of int32", [integers([3, 5], -9, 9), integers([5, 2], -9, 9)], (a, b) => tf.matMul(a!, b!)),
];

const shapes: Operation[] = [
  smooth("reshape, expandDims, squeeze, identity", [cube], (a) => [
    tf.reshape(a!, [6, -1]),
    tf.expandDims(a!, 1),
    tf.expandDims(a!, -1),
    tf.squeeze(tf.reshape(a!, [2, 1, 12])),
    tf.clone(a!),
  ]),
  smooth("transpose", [cube], (a) => [tf.transpose(a!), tf.transpose(a!, [1, 0, 2]), tf.transpose(a!, [0, 1, 2])]),
  smooth("transpose of axes of size 1", [floats([1, 3, 1, 2])], (a) => [
    tf.transpose(a!, [1, 0, 3, 2]),
    tf.transpose(a!, [3, 0, 2, 1]),
  ]),
  smooth("concat", [x, y, floats([3, 2])], (a, b, c) => [tf.concat([a!, b!], 0), tf.concat([a!, b!, c!], -1)]),
  smooth("stack and unstack", [x, y], (a, b) => [tf.stack([a!, b!]), tf.stack([a!, b!], 2), ...tf.unstack(a!, 1)]),
  smooth("split", [cube], (a) => [...tf.split(a!, 2, 2), ...tf.split(a!, [1, 2], 1)]),
  smooth("split, of which one part is used", [cube], (a) => tf.split(a!, [1, 2], 1)[1]!),
  smooth("slice", [cube], (a) => [tf.slice(a!, [0, 1, 0], [-1, 2, 3]), tf.slice(a!, 1), tf.slice(a!, [1, 0], [1, 2])]),
  discrete("stridedSlice", [cube], (a) => [
    tf.stridedSlice(a!, [0, 0, 0], [2, 3, 4], [1, 2, 2]),
    tf.stridedSlice(a!, [1, 2, 3], [0, 0, 0], [-1, -1, -2]),
    tf.stridedSlice(a!, [0, 2], [2, 0], [1, -1], 0, 2),
    tf.stridedSlice(a!, [1], [2], [1], 0, 0, 0, 0, 1),
  ]),
  smooth("reverse", [cube], (a) => [tf.reverse(a!), tf.reverse(a!, 1), tf.reverse(a!, [0, -1])]),
  smooth("pad", [x], (a) =>
    tf.pad(
      a!,
      [
        [1, 0],
        [0, 2],
      ],
      0.5,
    ),
  ),
  smooth("tile", [x], (a) => [tf.tile(a!, [2, 3]), tf.tile(tf.reshape(a!, [3, 1, 4]), [1, 5, 1])]),
  smooth("tile of rank 5", [floats([1, 2, 1, 2, 1])], (a) => tf.tile(a!, [2, 1, 3, 2, 2])),
  smooth("broadcastTo", [row, column], (a, b) => [tf.broadcastTo(a!, [2, 3, 4]), tf.broadcastTo(b!, [3, 4])]),
  discrete("shapes of int32 and bool", [whole, mask], (a, b) => [
    tf.transpose(a!),
    tf.concat([b!, b!], 0),
    tf.stack([b!, b!]),
    tf.tile(a!, [1, 2]),
    tf.slice(b!, [1, 0], [1, 4]),
    tf.reverse(a!, 0),
  ]),
];

const gathers: Operation[] = [
  discrete("oneHot", [HostArray.int32(Int32Array.of(2, 0, -1, 5, 1), 5)], (a) => [
    tf.oneHot(a!, 3),
    tf.oneHot(a!, 3, 2.5, -1, "float32"),
    tf.oneHot(a!, 3, 1, 0, "bool"),
  ]),
  smooth("gather rows, some twice", [x, HostArray.int32(Int32Array.of(2, 0, 2, 1), 2, 2)], (a, i) =>
    tf.gather(a!, i! as tf.Tensor1D),
  ),
  smooth("gather along another axis", [cube, HostArray.int32(Int32Array.of(1, 1, 2, 0), 4)], (a, i) =>
    tf.gather(a!, i! as tf.Tensor1D, 1),
  ),
  smooth("gather from a table with one row", [floats([1, 3]), HostArray.int32(Int32Array.of(0, 0), 2)], (a, i) =>
    tf.gather(a!, i! as tf.Tensor1D),
  ),
  smooth("gather in batches", [cube, HostArray.int32(Int32Array.of(2, 0, 1, 1), 2, 2)], (a, i) =>
    tf.gather(a!, i! as tf.Tensor1D, 1, 1),
  ),
  smooth("gather in batches, more than batches and fewer", [cube, integers([2, 5], 0, 3), integers([2, 1], 0, 3)], (a, i, j) => [
    tf.gather(a!, i! as tf.Tensor1D, 1, 1),
    tf.gather(a!, j! as tf.Tensor1D, 1, 1),
  ]),
  discrete("gather of int32 in batches", [whole, integers([3, 2], 0, 4)], (a, i) => tf.gather(a!, i! as tf.Tensor1D, 1, 1)),
  discrete("gather of int32 with computed indices", [whole, divisor], (a, i) =>
    tf.gather(tf.reshape(a!, [12]), tf.sub(tf.mul(i!, tf.scalar(4, "int32")), tf.scalar(3, "int32")) as tf.Tensor1D),
  ),
  smooth("unsortedSegmentSum", [x, HostArray.int32(Int32Array.of(1, 0, 1), 3)], (a, i) =>
    tf.unsortedSegmentSum(a!, i! as tf.Tensor1D, 4),
  ),
  discrete("gatherND", [cube, HostArray.int32(Int32Array.of(1, 2, 0, 0), 2, 2)], (a, i) => tf.gatherND(a!, i!)),
  discrete(
    "scatterND adds at equal positions",
    [HostArray.int32(Int32Array.of(1, 2, 0, 0, 1, 2), 3, 2), floats([3, 4])],
    (i, u) => tf.scatterND(i!, u!, [2, 3, 4]),
  ),
];

const creations: Operation[] = [
  smooth("constants made inside", [x], (a) => [
    tf.add(a!, tf.range(0, 4)),
    tf.mul(a!, tf.tensor2d([[1], [2], [3]])),
    tf.add(a!, tf.fill([3, 4], 2)),
    tf.sub(tf.onesLike(a!), a!),
    tf.add(tf.zerosLike(a!), a!),
    tf.add(a!, tf.linspace(0, 1, 4)),
    tf.matMul(a!, tf.eye(4)),
  ]),
  discrete("constants are results", [x], () => [
    tf.scalar(3),
    tf.zeros([2, 2]),
    tf.range(0, 5, 2, "int32"),
    tf.range(3, 0, -1),
    tf.ones([2], "bool"),
  ]),
  smooth("an input is a result, twice", [x], (a) => [a!, a!]),
  discrete("linspace of one number", [x], () => tf.linspace(3, 5, 1)),
];

/** Where numbers, axes or shapes are at their limits. */
const limits: Operation[] = [
  discrete("log1p of the largest numbers", [HostArray.float32(Float32Array.of(Infinity, 3e38, 1e30, -1), 4)], (a) =>
    tf.log1p(a!),
  ),
  smooth("axes of no numbers, reshaped and tiled", [floats([2, 3, 0])], (a) => [
    tf.reshape(a!, [6, 0]),
    tf.reshape(a!, [0, 4]),
    tf.tile(a!, [1, 1, 3]),
    tf.sum(a!, 2),
  ]),
  ...transposed.map(([ta, tb]) =>
    discrete(`matMul of int32, transposed: ${ta}, ${tb}`, [integers([3, 3], -9, 9), integers([3, 3], -9, 9)], (a, b) =>
      tf.matMul(a!, b!, ta, tb),
    ),
  ),
  smooth("pieces laid end to end, one of them times a number", [floats([]), row, floats([4]), cube], (s, a, b, c) =>
    tf.concat([tf.mul(a!, s!), tf.mul(a!, b!), tf.mul(b!, b!), tf.mul(c!, c!), tf.mul(s!, s!)].map((part) => part.reshape([-1]))),
  ),
  discrete("the sign of a ReLU beside a larger array of zeros", [row], (a) => tf.greater(tf.relu(a!), tf.zeros([3, 4]))),
];

export const operations: readonly Operation[] = [
  ...unary,
  ...binary,
  ...logic,
  ...reductions,
  ...products,
  ...shapes,
  ...gathers,
  ...creations,
  ...limits,
];
