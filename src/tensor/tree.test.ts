import { expect, it } from "vitest";
import { HostArray, leavesOf, mapTree, specOf, type Tree, unflatten, zipTrees } from "./tree.js";

const tree = { a: 1, deep: { b: 2, c: { d: 3 } } };

it("maps, lists and rebuilds leaves with their paths", () => {
  expect(mapTree<number, string>(tree, (leaf, path) => `${path}=${leaf}`)).toEqual({
    a: "a=1",
    deep: { b: "deep/b=2", c: { d: "deep/c/d=3" } },
  });
  expect(leavesOf<number>(tree).map(({ path }) => path)).toEqual(["a", "deep/b", "deep/c/d"]);
  expect(unflatten<number, string>(tree, ["x", "y", "z"])).toEqual({ a: "x", deep: { b: "y", c: { d: "z" } } });
});

it("zips by key, whatever the order, and names the place where trees differ", () => {
  const sum = (a: Tree<number>, b: Tree<number>) => zipTrees<number, number, number>(a, b, (x, y) => x + y);
  expect(sum(tree, { deep: { c: { d: 30 }, b: 20 }, a: 10 })).toEqual({ a: 11, deep: { b: 22, c: { d: 33 } } });
  expect(() => sum(tree, { a: 1, deep: { b: 2, e: 3 } })).toThrow('"deep/c"');
  expect(() => sum(tree, { a: 1, deep: 2 })).toThrow('"deep"');
});

it("takes specs and arrays as leaves", () => {
  const arrays = { x: HostArray.scalar(1), y: { z: HostArray.bool(Uint8Array.of(1, 0), 2) } };
  const specs = specOf(arrays);
  expect(specs).toEqual({ x: { shape: [], dtype: "float32" }, y: { z: { shape: [2], dtype: "bool" } } });
  expect(leavesOf(specs as Tree<unknown>).map(({ path }) => path)).toEqual(["x", "y/z"]);
});

it("refuses data that does not fill its shape", () => {
  expect(() => HostArray.float32(new Float32Array(5), 2, 3)).toThrow("array of 5 elements does not have shape [2,3]");
});
