import { describe, expect, it } from "vitest";
import { HostArray } from "../tensor/tree.js";
import { rowsForTypes, sameBesideTypes } from "./other-types.js";

const features = (names: readonly string[], first = 1, others = 2) => ({
  entityFeatures: others + names.length,
  entityTypes: { first, names },
});
/** A flag, the types, and one more feature; two columns. */
const matrix = (rows: readonly number[]) => HostArray.float32(Float32Array.from(rows.flatMap((x) => [x, -x])), rows.length, 2);

describe("weights of entity features", () => {
  it.each([
    ["other types beside known ones", ["b", "c", "d"], [1, 3, 5, 4, 9]],
    ["fewer types", ["c"], [1, 5, 9]],
    ["the same types in another order", ["c", "a", "b"], [1, 5, 4, 3, 9]],
    ["nothing but new types", ["x", "y"], [1, 4, 4, 9]],
  ])("go to %s", (_, names, expected) => {
    const from = features(["a", "b", "c"]);
    expect(rowsForTypes(matrix([1, 4, 3, 5, 9]), from, features(names))).toEqual(matrix(expected));
  });

  it("stay as they are where types are the same, or unknown", () => {
    const given = matrix([1, 2, 3, 4]);
    expect(rowsForTypes(given, features(["a", "b"]), features(["a", "b"]))).toBe(given);
    expect(rowsForTypes(given, { entityFeatures: 4 }, { entityFeatures: 4 })).toBe(given);
  });

  it("do not fit other features", () => {
    expect(sameBesideTypes(features(["a"]), features(["a", "b"]))).toBe(true);
    expect(sameBesideTypes(features(["a"]), features(["b"], 0))).toBe(false);
    expect(sameBesideTypes(features(["a"]), features(["b"], 1, 3))).toBe(false);
    expect(sameBesideTypes({ entityFeatures: 3 }, features(["a"]))).toBe(true);
    expect(sameBesideTypes({ entityFeatures: 3 }, features(["a", "b"]))).toBe(false);
  });
});
