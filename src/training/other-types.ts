import type { EnvironmentSpec } from "../environment.js";
import { HostArray } from "../tensor/tree.js";

/** What weights know of where they come from: enough to carry them over. */
export type Features = Pick<EnvironmentSpec, "entityFeatures" | "entityTypes">;

/** Features differ in nothing but the types that they tell apart. */
export function sameBesideTypes(from: Features, to: Features): boolean {
  const [theirs, ours] = [from.entityTypes, to.entityTypes];
  if (!theirs || !ours) return from.entityFeatures === to.entityFeatures;
  return theirs.first === ours.first && from.entityFeatures - theirs.names.length === to.entityFeatures - ours.names.length;
}

/**
 * A matrix [S, …] with a row for each entity feature, for other types of entities: types of the same name keep their rows, types that
 * are new begin as the mean of those that were known, and all other features keep theirs ({@link sameBesideTypes}).
 */
export function rowsForTypes(matrix: HostArray, from: Features, to: Features): HostArray {
  const [theirs, ours] = [from.entityTypes, to.entityTypes];
  if (!theirs || !ours || theirs.names.join() === ours.names.join()) return matrix;
  const [S, ...rest] = matrix.shape as [number, ...number[]];
  const width = matrix.data.length / S;
  const row = (k: number) => matrix.data.subarray(k * width, (k + 1) * width) as Float32Array;
  const known = theirs.names.map((_, k) => row(theirs.first + k));
  const mean = Float32Array.from({ length: width }, (_, c) => known.reduce((sum, of) => sum + of[c]!, 0) / known.length);
  const types = ours.names.map((name) => known[theirs.names.indexOf(name)] ?? mean);
  const before = Array.from({ length: theirs.first }, (_, k) => row(k));
  const after = Array.from({ length: S - theirs.first - known.length }, (_, k) => row(theirs.first + known.length + k));
  const rows = [...before, ...types, ...after];
  const data = new Float32Array(rows.length * width);
  rows.forEach((of, k) => {
    data.set(of, k * width);
  });
  return HostArray.float32(data, rows.length, ...rest);
}
