import { type EnvironmentSpec, type TimeStep, type TimeStepField, timeStepFields, type VectorTimeStep } from "../environment.js";
import { BatonError } from "../errors.js";

type TimeStepArrays = Pick<TimeStep, (typeof timeStepFields)[number]>;

/** Where arrays get their memory: so many bytes, zeroed. */
type Memory = (bytes: number) => ArrayBufferLike;

const ownMemory: Memory = (bytes) => new ArrayBuffer(bytes);

function allocateArrays(
  spec: EnvironmentSpec,
  copies: number,
  memory: Memory,
  fields: readonly TimeStepField[] = timeStepFields,
): TimeStepArrays {
  const { agents: n, entities: N, actions: A, untargetedActions: U } = spec;
  const floats = (size: number) => new Float32Array(memory(4 * size));
  const bytes = (size: number) => new Uint8Array(memory(size));
  const wanted = (field: TimeStepField, size: number) => floats(fields.includes(field) ? copies * size : 0);
  return {
    entities: wanted("entities", N * spec.entityFeatures),
    relations: wanted("relations", N * N * spec.relationFeatures),
    alive: bytes(copies * N).fill(1),
    actionMask: bytes(copies * n * A).fill(1),
    actionTargets: new Int32Array(memory(4 * copies * n * (A - U))).fill(-1),
    observations: wanted("observations", n * spec.observationSize),
    state: wanted("state", spec.stateSize),
  };
}

/** A blank time step for one environment: arrays zero, everyone alive, everything allowed, no targets. */
export function allocateTimeStep(spec: EnvironmentSpec): TimeStep {
  return { ...allocateArrays(spec, 1, ownMemory), reward: 0, terminated: false, truncated: false, info: {} };
}

/**
 * A blank time step for `copies` environments: every array of {@link allocateTimeStep} with a leading axis E.
 *
 * @param fields what the environment writes (`VectorEnvironment.fields`); features outside it get empty arrays.
 * @param memory may place it in memory that threads share; networks read ordinary memory only.
 */
export function allocateVectorTimeStep(
  spec: EnvironmentSpec,
  copies: number,
  fields?: readonly TimeStepField[],
  memory = ownMemory,
): VectorTimeStep {
  return {
    ...allocateArrays(spec, copies, memory, fields),
    reward: new Float32Array(memory(4 * copies)),
    terminated: new Uint8Array(memory(copies)),
    truncated: new Uint8Array(memory(copies)),
    infos: Array.from({ length: copies }, () => ({})),
  };
}

/** The fields that an environment writes when only `read` are read: all but those of the rest that it can skip. */
export function writtenFields(
  { skips = [] }: { readonly skips?: readonly TimeStepField[] },
  read: readonly TimeStepField[] = timeStepFields,
): readonly TimeStepField[] {
  return timeStepFields.filter((field) => read.includes(field) || !skips.includes(field));
}

/** Makes a used time step blank again, in place; only `info` becomes a fresh object, since callers may have kept the old one. */
export function resetTimeStep(out: TimeStep): void {
  out.entities.fill(0);
  out.relations.fill(0);
  out.alive.fill(1);
  out.actionMask.fill(1);
  out.actionTargets.fill(-1);
  out.observations.fill(0);
  out.state.fill(0);
  clearOutcome(out);
  out.info = {};
}

/** Forgets what the previous step brought, so that an environment need only set what happened in this one. */
export function clearOutcome(out: TimeStep): void {
  out.reward = 0;
  out.terminated = false;
  out.truncated = false;
}

/**
 * One copy of a vector time step as a {@link TimeStep}: its arrays are views into the vector's rows, without the axis E.
 * Its scalars are its own, filled from the vector's; make a view once for each copy and keep it.
 */
export function viewOf(vector: VectorTimeStep, copy: number): TimeStep {
  const copies = vector.reward.length;
  if (!(Number.isInteger(copy) && copy >= 0 && copy < copies)) {
    throw new BatonError("invalid-value", `copy ${copy} of a time step of ${copies} copies does not exist`);
  }
  const row = <T extends Float32Array | Uint8Array | Int32Array>(array: T): T => {
    const size = array.length / copies;
    return array.subarray(copy * size, (copy + 1) * size) as T;
  };
  return {
    entities: row(vector.entities),
    relations: row(vector.relations),
    alive: row(vector.alive),
    actionMask: row(vector.actionMask),
    actionTargets: row(vector.actionTargets),
    observations: row(vector.observations),
    state: row(vector.state),
    reward: vector.reward[copy]!,
    terminated: vector.terminated[copy] === 1,
    truncated: vector.truncated[copy] === 1,
    info: vector.infos[copy]!,
  };
}

/** Copies `first` … `first + copies`−1 of a vector time step, over the same memory; only `infos` is a list of its own. */
export function sliceOf(vector: VectorTimeStep, first: number, copies: number): VectorTimeStep {
  const rows = <T extends Float32Array | Uint8Array | Int32Array>(array: T): T => {
    const size = array.length / vector.reward.length;
    return array.subarray(first * size, (first + copies) * size) as T;
  };
  return {
    entities: rows(vector.entities),
    relations: rows(vector.relations),
    alive: rows(vector.alive),
    actionMask: rows(vector.actionMask),
    actionTargets: rows(vector.actionTargets),
    observations: rows(vector.observations),
    state: rows(vector.state),
    reward: rows(vector.reward),
    terminated: rows(vector.terminated),
    truncated: rows(vector.truncated),
    infos: vector.infos.slice(first, first + copies),
  };
}

/** Copies every array and scalar of `from` into `to`; both belong to environments of the same sizes. */
export function copyTimeStep(from: TimeStep, to: TimeStep): void {
  for (const field of timeStepFields) to[field].set(from[field]);
  to.reward = from.reward;
  to.terminated = from.terminated;
  to.truncated = from.truncated;
  to.info = from.info;
}
