import type { Value } from "../../graph.js";
import { broadcastShape } from "../../graph.js";
import type { KernelRecorder, KernelTable } from "../backend.js";
import type { Recorder } from "../recorder.js";

/** A binary operator with numpy broadcasting, which tfjs and ONNX share; both sides already have one type. */
export function binary(r: Recorder, op: string, a: Value, b: Value, type = a.type): Value {
  const shape = broadcastShape(a.shape, b.shape);
  if (!shape) throw new RangeError(`${op}: shapes [${a.shape}] and [${b.shape}] do not broadcast`);
  return r.emit(op, [a, b], { shape, type });
}

export function unary(r: Recorder, op: string, x: Value): Value {
  return r.emit(op, [x], { shape: x.shape, type: x.type });
}

const arithmetic =
  (op: string): KernelRecorder =>
  (r, { a, b }) => {
    if (a!.type === "bool") throw r.untraceable(`${op} of bool tensors`, "cast them to int32 or float32 first");
    return binary(r, op, a!, b!);
  };

/** A function of real numbers; tfjs computes it for int32 input in float32. */
const real =
  (op: string): KernelRecorder =>
  (r, { x }) =>
    unary(r, op, r.cast(x!, "float32"));

/** A function that tfjs computes for int32 input in whole numbers on some devices and not on others; never what was meant. */
const realOnly =
  (name: string, kernel: KernelRecorder): KernelRecorder =>
  (r, inputs, attributes) => {
    const { type } = inputs.x!;
    if (type !== "float32") throw r.untraceable(`${name} of ${type} tensors`, "cast them to float32 first");
    return kernel(r, inputs, attributes);
  };

/** A function that keeps the type of its input. */
const same =
  (op: string): KernelRecorder =>
  (r, { x }) =>
    unary(r, op, x!);

/** A function that changes nothing about whole numbers. */
const rounding =
  (op: string): KernelRecorder =>
  (r, { x }) =>
    x!.type === "float32" ? unary(r, op, x!) : x!;

/** log(1+x) without losing small x: x·log(u)/(u−1) with u = 1+x rounded (Kahan); just log(u) where nothing was lost, as of infinity. */
const log1p: KernelRecorder = (r, { x }) => {
  const one = r.scalar(1, "float32");
  const u = binary(r, "Add", x!, one);
  const rounded = binary(r, "Sub", u, one);
  const tiny = binary(r, "Equal", rounded, r.scalar(0, "float32"), "bool");
  const safe = r.emit("Where", [tiny, one, rounded], { shape: x!.shape, type: "float32" });
  const log = unary(r, "Log", u);
  const precise = binary(r, "Div", binary(r, "Mul", x!, log), safe);
  const nearZero = r.emit("Where", [tiny, x!, precise], { shape: x!.shape, type: "float32" });
  return r.emit("Where", [binary(r, "Equal", rounded, x!, "bool"), log, nearZero], { shape: x!.shape, type: "float32" });
};

/** exp(x)−1 without losing small x: (u−1)·x/log(u) with u = exp(x) rounded; where u−1 is −1 or large, u−1 is exact enough. */
const expm1: KernelRecorder = (r, { x }) => {
  const one = r.scalar(1, "float32");
  const shape = x!.shape;
  const u = unary(r, "Exp", x!);
  const difference = binary(r, "Sub", u, one);
  const small = binary(r, "Less", unary(r, "Abs", x!), one, "bool");
  const tiny = binary(r, "Equal", difference, r.scalar(0, "float32"), "bool");
  const inner = r.emit("Where", [small, u, r.scalar(2, "float32")], { shape, type: "float32" });
  const log = r.emit("Where", [tiny, one, unary(r, "Log", inner)], { shape, type: "float32" });
  const precise = binary(r, "Div", binary(r, "Mul", difference, x!), log);
  const nearZero = r.emit("Where", [tiny, x!, precise], { shape, type: "float32" });
  return r.emit("Where", [small, nearZero, difference], { shape, type: "float32" });
};

/** ⌊a/b⌋. For int32 exact: (a − a mod b)/b, where ONNX's Mod takes the sign of the divisor. Of floats, tfjs's backends make different types. */
const floorDiv: KernelRecorder = (r, { a, b }) => {
  if (a!.type !== "int32") throw r.untraceable(`floorDiv of ${a!.type} tensors`, "write tf.floor(tf.div(a, b))");
  return binary(r, "Div", binary(r, "Sub", a!, binary(r, "Mod", a!, b!)), b!);
};

/** The remainder with the divisor's sign. */
const mod: KernelRecorder = (r, { a, b }) => {
  if (a!.type !== "float32") return binary(r, "Mod", a!, b!);
  return binary(r, "Sub", a!, binary(r, "Mul", unary(r, "Floor", binary(r, "Div", a!, b!)), b!));
};

const step: KernelRecorder = (r, { x }, { alpha }) => {
  const positive = binary(r, "Greater", x!, r.scalar(0, x!.type === "int32" ? "int32" : "float32"), "bool");
  if (alpha === 0 || alpha === undefined) return r.cast(positive, x!.type);
  const low = r.scalar(alpha as number, "float32");
  return r.emit("Where", [positive, r.scalar(1, "float32"), low], { shape: x!.shape, type: "float32" });
};

/** The gradient of tf.elu from its output y: dy where y ≥ 0, else dy·(y+1). */
const eluGrad: KernelRecorder = (r, { dy, y }) => {
  const below = binary(r, "Min", y!, r.scalar(0, "float32"));
  return binary(r, "Mul", dy!, binary(r, "Add", below, r.scalar(1, "float32")));
};

const clip: KernelRecorder = (r, { x }, { clipValueMin, clipValueMax }) => {
  const type = x!.type === "int32" ? "int32" : "float32";
  const bounds = [r.scalar(clipValueMin as number, type), r.scalar(clipValueMax as number, type)];
  return r.emit("Clip", [x!, ...bounds], { shape: x!.shape, type });
};

/** The constants of tf.selu in full, for ONNX's defaults are rounded. */
const seluConstants = { alpha: { float: 1.6732632423543772 }, gamma: { float: 1.0507009873554805 } };

export const elementwise: KernelTable = {
  Add: arithmetic("Add"),
  Sub: arithmetic("Sub"),
  Multiply: arithmetic("Mul"),
  RealDiv: (r, { a, b }) => binary(r, "Div", r.cast(a!, "float32"), r.cast(b!, "float32")),
  FloorDiv: floorDiv,
  Mod: mod,
  Pow: arithmetic("Pow"),
  Maximum: arithmetic("Max"),
  Minimum: arithmetic("Min"),
  SquaredDifference: (r, { a, b }) => {
    const difference = binary(r, "Sub", a!, b!);
    return binary(r, "Mul", difference, difference);
  },
  AddN: (r, inputs) => {
    const terms = Object.values(inputs);
    if (terms.length === 1) return terms[0]!;
    if (terms[0]!.type === "float32") return r.emit("Sum", terms, { shape: terms[0]!.shape, type: "float32" });
    return terms.reduce((sum, term) => binary(r, "Add", sum, term));
  },
  Neg: same("Neg"),
  Abs: same("Abs"),
  Sign: same("Sign"),
  Square: (r, { x }) => binary(r, "Mul", x!, x!),
  Floor: rounding("Floor"),
  Ceil: rounding("Ceil"),
  Round: rounding("Round"),
  Sqrt: real("Sqrt"),
  Rsqrt: (r, { x }) => unary(r, "Reciprocal", unary(r, "Sqrt", r.cast(x!, "float32"))),
  Reciprocal: realOnly("reciprocal", real("Reciprocal")),
  Exp: real("Exp"),
  Expm1: realOnly("expm1", expm1),
  Log: real("Log"),
  Log1p: realOnly("log1p", log1p),
  Sin: real("Sin"),
  Cos: real("Cos"),
  Tan: real("Tan"),
  Asin: real("Asin"),
  Acos: real("Acos"),
  Atan: real("Atan"),
  Sinh: real("Sinh"),
  Cosh: real("Cosh"),
  Asinh: real("Asinh"),
  Acosh: real("Acosh"),
  Atanh: real("Atanh"),
  Tanh: real("Tanh"),
  Sigmoid: real("Sigmoid"),
  Softplus: realOnly("softplus", real("Softplus")),
  Erf: real("Erf"),
  Elu: real("Elu"),
  EluGrad: eluGrad,
  Selu: realOnly("selu", (r, { x }) => r.emit("Selu", [x!], { shape: x!.shape, type: x!.type }, seluConstants)),
  Relu: (r, { x }) => (x!.type === "float32" ? unary(r, "Relu", x!) : binary(r, "Max", x!, r.scalar(0, "int32"))),
  Relu6: (r, { x }) => clip(r, { x: x! }, { clipValueMin: 0, clipValueMax: 6 }),
  LeakyRelu: (r, { x }, { alpha }) =>
    r.emit("LeakyRelu", [r.cast(x!, "float32")], { shape: x!.shape, type: "float32" }, { alpha: { float: alpha as number } }),
  Prelu: (r, { x, alpha }) => {
    const zero = r.scalar(0, "float32");
    return binary(r, "Add", unary(r, "Relu", x!), binary(r, "Mul", alpha!, binary(r, "Min", x!, zero)));
  },
  Step: step,
  ClipByValue: clip,
};
