import type { TransitionSpec } from "../agent.js";
import type { EnvironmentSpec, TimeStepField } from "../environment.js";
import type { DType } from "../tensor/tree.js";

/** Arrays that hold rows; narrower than what crosses into tensors where the values allow it. */
export type ColumnArray = Float32Array | Int32Array | Int16Array | Int8Array | Uint16Array | Uint8Array;

const arrayTypes = {
  f32: Float32Array,
  i32: Int32Array,
  i16: Int16Array,
  i8: Int8Array,
  u16: Uint16Array,
  u8: Uint8Array,
} as const;
export type ColumnType = keyof typeof arrayTypes;

export function columnArray(type: ColumnType, length: number): ColumnArray {
  return new arrayTypes[type](length);
}

/** One quantity of a row: `width` numbers stored as `type`. */
export interface Column {
  readonly name: TimeStepField | "actions" | "reward" | "kind";
  readonly width: number;
  readonly type: ColumnType;
}

/** What of a row is of the time step, not of what was done there and what came of it; these columns come first. */
export const isField = (column: Column): column is Column & { readonly name: TimeStepField } =>
  !["actions", "reward", "kind"].includes(column.name);

/** Shape (without the leading axis) and type of a time-step field as a tensor. */
export function fieldSpec(spec: EnvironmentSpec, field: TimeStepField): { shape: readonly number[]; dtype: DType } {
  const { agents: n, entities: N, actions: A, untargetedActions: U } = spec;
  switch (field) {
    case "entities":
      return { shape: [N, spec.entityFeatures], dtype: "float32" };
    case "relations":
      return { shape: [N, N, spec.relationFeatures], dtype: "float32" };
    case "alive":
      return { shape: [N], dtype: "bool" };
    case "actionMask":
      return { shape: [n, A], dtype: "bool" };
    case "actionTargets":
      return { shape: [n, A - U], dtype: "int32" };
    case "observations":
      return { shape: [n, spec.observationSize], dtype: "float32" };
    case "state":
      return { shape: [spec.stateSize], dtype: "float32" };
  }
}

/** The narrowest type for integers in [−1, largest]. */
function signedType(largest: number): ColumnType {
  return largest < 2 ** 7 ? "i8" : largest < 2 ** 15 ? "i16" : "i32";
}

function unsignedType(largest: number): ColumnType {
  return largest < 2 ** 8 ? "u8" : largest < 2 ** 16 ? "u16" : "i32";
}

/** Everything that one row holds, in the order in which it is written to disk. */
export function columnsOf(spec: EnvironmentSpec, fields: readonly TimeStepField[]): Column[] {
  const columns: Column[] = fields.map((name) => {
    const { shape, dtype } = fieldSpec(spec, name);
    const type = dtype === "float32" ? "f32" : dtype === "bool" ? "u8" : signedType(spec.entities - 1);
    return { name, width: shape.reduce((a, b) => a * b, 1), type };
  });
  return [
    ...columns,
    { name: "actions", width: spec.agents, type: unsignedType(spec.actions - 1) },
    { name: "reward", width: 1, type: "f32" },
    { name: "kind", width: 1, type: "u8" },
  ];
}

/** Bytes of one row. */
export function rowBytes(columns: readonly Column[]): number {
  return columns.reduce((sum, { type, width }) => sum + width * arrayTypes[type].BYTES_PER_ELEMENT, 0);
}

/** Bytes that a replay of `capacity` time steps will occupy, known before anything is allocated. */
export function replayBytes(spec: EnvironmentSpec, fields: TransitionSpec["fields"], capacity: number): number {
  return capacity * rowBytes(columnsOf(spec, fields));
}
