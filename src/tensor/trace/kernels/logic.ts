import type { Value } from "../../graph.js";
import { broadcastShape } from "../../graph.js";
import type { KernelRecorder, KernelTable } from "../backend.js";
import type { Recorder } from "../recorder.js";
import { binary, unary } from "./elementwise.js";

/** ONNX orders only numbers. */
const ordering =
  (op: string): KernelRecorder =>
  (r, { a, b }) =>
    binary(r, op, numeric(r, a!), numeric(r, b!), "bool");

function numeric(r: Recorder, x: Value): Value {
  return x.type === "bool" ? r.cast(x, "int32") : x;
}

const connective =
  (op: string): KernelRecorder =>
  (r, { a, b }) =>
    binary(r, op, r.cast(a!, "bool"), r.cast(b!, "bool"), "bool");

/**
 * tf.where. ONNX broadcasts all three; tfjs has already made the shapes equal, and a pass removes what it added for that. ONNX Runtime
 * chooses between numbers only: for truth values it is (c∧t)∨(¬c∧e).
 */
const select: KernelRecorder = (r, { condition, t, e }) => {
  const chosen = r.cast(condition!, "bool");
  if (t!.type === "bool") {
    return binary(r, "Or", binary(r, "And", chosen, t!), binary(r, "And", unary(r, "Not", chosen), e!));
  }
  const shape = broadcastShape(chosen.shape, t!.shape, e!.shape);
  if (!shape) throw new RangeError(`where: shapes [${chosen.shape}], [${t!.shape}] and [${e!.shape}] do not broadcast`);
  return r.emit("Where", [chosen, t!, e!], { shape, type: t!.type });
};

const cast: KernelRecorder = (r, { x }, { dtype }) => r.cast(x!, r.type(dtype as "float32"));

export const logic: KernelTable = {
  Greater: ordering("Greater"),
  GreaterEqual: ordering("GreaterOrEqual"),
  Less: ordering("Less"),
  LessEqual: ordering("LessOrEqual"),
  Equal: (r, { a, b }) => binary(r, "Equal", a!, b!, "bool"),
  NotEqual: (r, { a, b }) => unary(r, "Not", binary(r, "Equal", a!, b!, "bool")),
  LogicalAnd: connective("And"),
  LogicalOr: connective("Or"),
  LogicalNot: (r, { x }) => unary(r, "Not", r.cast(x!, "bool")),
  IsNan: (r, { x }) => r.emit("IsNaN", [x!], { shape: x!.shape, type: "bool" }),
  IsInf: (r, { x }) => r.emit("IsInf", [x!], { shape: x!.shape, type: "bool" }),
  IsFinite: (r, { x }) => {
    const shape = x!.shape;
    const bad = binary(r, "Or", r.emit("IsNaN", [x!], { shape, type: "bool" }), r.emit("IsInf", [x!], { shape, type: "bool" }));
    return unary(r, "Not", bad);
  },
  Select: select,
  Cast: cast,
};
