import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { readSpace } from "./describe.js";
import { Layout } from "./layout.js";
import { Box, batchSpace, Dict, Discrete, MultiBinary, MultiDiscrete, type Space, Tuple } from "./spaces.js";

const inf = Number.POSITIVE_INFINITY;

const spaces: readonly Space[] = [
  new Box(-1, 1, [2, 3]),
  new Box([-inf, -inf, 0, 5], [inf, 0, inf, 6], [4], "float64"),
  new Box(-1e308, 1e308, [2], "float64"),
  new Box(0, 255, [8, 8, 3], "uint8"),
  new Box(-3, 3, [5], "int16"),
  new Box(-(2 ** 63), 2 ** 63, [3], "int64"),
  new Discrete(7, -3),
  new MultiDiscrete([2, 5, 9], undefined, [0, -4, 1]),
  new MultiBinary([3, 2]),
  new Tuple([new Discrete(2), new Box(0, 1, [])]),
  new Dict({ a: new Discrete(4), b: new Dict({ c: new MultiBinary(3) }) }),
];

describe("spaces", () => {
  it.each(spaces.map((space) => [String(space), space] as const))(
    "%s contains what it samples, and a seed repeats it",
    (_, space) => {
      space.seed(3);
      const drawn = Array.from({ length: 50 }, () => space.sample());
      for (const value of drawn) expect(space.contains(value)).toBe(true);
      space.seed(3);
      expect(Array.from({ length: 50 }, () => space.sample())).toEqual(drawn);
      space.seed(4);
      expect(Array.from({ length: 50 }, () => space.sample())).not.toEqual(drawn);
    },
  );

  it.each(spaces.map((space) => [String(space), space] as const))("%s lies in buffers and comes back", (_, space) => {
    const layout = new Layout(space, 3);
    const buffers = layout.allocate();
    const values = Array.from({ length: 3 }, () => space.sample());
    values.forEach((value, copy) => void layout.write(buffers, copy, value, "value"));
    expect(values.map((_, copy) => layout.read(buffers, copy))).toEqual(values);
    const batch = layout.readBatch(buffers);
    expect(batchSpace(space, 3).contains(batch)).toBe(true);
    const again = layout.allocate();
    layout.writeBatch(again, batch, "values");
    expect(again).toEqual(buffers);
  });

  it("of a Dict keep the host's order, whatever its keys", () => {
    const box = { type: "Box", shape: [1], low: 0, high: 9, dtype: "float32" };
    const described = { type: "Dict", spaces: ["b", "10", "2"].map((key) => [key, box]) };
    const space = readSpace(described, new Float64Array(0));
    expect(String(space)).toMatch(/^Dict\('b': .*'10': .*'2': /);
    const values = { b: Float32Array.of(1), 10: Float32Array.of(2), 2: Float32Array.of(3) };
    expect(new Layout(space, 1).read({ float32: Float32Array.of(1, 2, 3) }, 0)).toEqual(values);
    const batch = { float32: Float32Array.of(1, 1, 2, 2, 3, 3) };
    expect(new Layout(batchSpace(space, 2), 1).read(batch, 0)).toEqual(new Layout(space, 2).readBatch(batch));
  });

  it.each<[Space, unknown]>([
    [new Box(0, 255, [1], "uint8"), [300]],
    [new Box(0, 255, [1], "uint8"), [-1]],
    [new Box(-3, 3, [1], "int32"), [2 ** 31]],
    [new Box(-(2 ** 63), 2 ** 63, [1], "int64"), [2n ** 63n]],
  ])("%s does not take %s for another number", (space, value) => {
    const layout = new Layout(space, 1);
    expect(() => layout.write(layout.allocate(), 0, value, "action")).toThrow(/^action is \[.*, but must be a value of Box/);
  });

  it("contain nothing else", () => {
    expect(new Box(-1, 1, [2]).contains(Float32Array.of(0, 1.5))).toBe(false);
    expect(new Box(-1, 1, [2]).contains(Float32Array.of(0, Number.NaN))).toBe(false);
    expect(new Box(-1, 1, [2]).contains(Float64Array.of(0, 0))).toBe(false);
    expect(new Box(-1, 1, [2]).contains([0, 0])).toBe(false);
    expect([2, 0.5, "1", null].map((x) => new Discrete(2).contains(x))).toEqual([false, false, false, false]);
    expect(new MultiDiscrete([2, 2]).contains(Int32Array.of(0, 2))).toBe(false);
    expect(new MultiBinary(2).contains(Uint8Array.of(0, 2))).toBe(false);
    expect(new Tuple([new Discrete(2)]).contains([0, 0])).toBe(false);
    expect(new Dict({ a: new Discrete(2) }).contains({ a: 0, b: 0 })).toBe(false);
  });

  it("draw as Gymnasium says: uniform, exponential, normal", () => {
    const space = new Box([-1, -inf, 2, -inf], [3, 5, inf, inf], [4], "float64");
    space.seed(0);
    const drawn = Array.from({ length: 4000 }, () => space.sample() as Float64Array);
    const mean = (k: number) => drawn.reduce((sum, value) => sum + value[k]!, 0) / drawn.length;
    // Means and standard errors of U(−1, 3), 5 − Exp(1), 2 + Exp(1), N(0, 1): four of the latter are allowed.
    expect(Math.abs(mean(0) - 1)).toBeLessThan((4 * 4) / Math.sqrt(12 * 4000));
    for (const [k, expected] of [4, 3, 0].entries()) expect(Math.abs(mean(k + 1) - expected)).toBeLessThan(4 / Math.sqrt(4000));
    const whole = new Box(-1, 1, [1], "int32");
    whole.seed(0);
    const counts = [0, 0, 0];
    for (let k = 0; k < 3000; k++) counts[Number((whole.sample() as Int32Array)[0]) + 1]!++;
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(4 * Math.sqrt((3000 * 2) / 9));
  });

  it("draw only what a mask allows", () => {
    const space = new Discrete(4, 10);
    space.seed(1);
    expect(new Set(Array.from({ length: 50 }, () => space.sample([0, 1, 0, 1])))).toEqual(new Set([11, 13]));
    expect(space.sample([0, 0, 0, 0])).toBe(10);
  });

  it("are read from descriptions with bounds of any length, and nothing else is", () => {
    const bounds = Float64Array.of(9, 1, 2, 3);
    const box = { type: "Box", shape: [3], low: 0, high: { offset: 1 }, dtype: "float32" };
    expect(String(readSpace(box, bounds))).toBe("Box(0, [1, 2, 3], (3), float32)");
    const refused = [
      null,
      { type: "Graph" },
      { ...box, shape: [2 ** 20, 2 ** 20] },
      { ...box, shape: [-1] },
      { ...box, high: { offset: 2 } },
      { ...box, high: { offset: -1 } },
      { ...box, dtype: "complex64" },
      { type: "Discrete", n: 0, start: 0 },
      { type: "Discrete", n: 2.5, start: 0 },
      { type: "Discrete", n: 2n ** 60n, start: 0 },
      { type: "Dict", spaces: [["a"]] },
      { type: "Tuple", spaces: [{ type: "Discrete" }] },
    ];
    for (const description of refused) {
      expect(() => readSpace(description, bounds), inspect(description)).toThrow("describes a space that is none");
    }
    const deep = Array.from({ length: 40 }).reduce<object>((inner) => ({ type: "Tuple", spaces: [inner] }), box);
    expect(() => readSpace(deep, bounds)).toThrow("describes a space that is none");
  });
});
