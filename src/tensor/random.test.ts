import { expect, it } from "vitest";
import { RandomStream } from "./random.js";

const draw = (stream: RandomStream, n = 5) => Array.from({ length: n }, () => stream.uint32());

it("depends on seed and label alone", () => {
  expect(draw(RandomStream.from(1, "a"))).toEqual(draw(RandomStream.from(1, "a")));
  for (const other of [RandomStream.from(2, "a"), RandomStream.from(1, "b"), RandomStream.from(1 + 2 ** 32, "a")]) {
    expect(draw(other)).not.toEqual(draw(RandomStream.from(1, "a")));
  }
});

it("goes on from a saved state", () => {
  const stream = RandomStream.from(3);
  draw(stream);
  const copy = RandomStream.restore(JSON.parse(JSON.stringify(stream.state())));
  expect(draw(copy)).toEqual(draw(stream));
});

it("draws uniformly, normally and over integers", () => {
  const stream = RandomStream.from(4);
  const n = 20_000;
  const uniform = Array.from({ length: n }, () => stream.uniform());
  expect(uniform.every((u) => u >= 0 && u < 1 && Math.fround(u) === u)).toBe(true);
  expect(uniform.reduce((a, b) => a + b) / n).toBeCloseTo(0.5, 1);
  const normal = Array.from({ length: n }, () => stream.normal());
  expect(normal.reduce((a, b) => a + b * b, 0) / n).toBeCloseTo(1, 1);
  const counts = [0, 0, 0];
  for (let i = 0; i < n; i++) counts[stream.integer(3)]! += 1;
  for (const count of counts) expect(Math.abs(count / n - 1 / 3)).toBeLessThan(0.02);
});

it("permutes in place, within its part of the array", () => {
  const out = new Int32Array(7).fill(-1);
  RandomStream.from(5).permutation(out, 1, 5);
  expect([out[0], out[6]]).toEqual([-1, -1]);
  expect([...out.slice(1, 6)].sort()).toEqual([0, 1, 2, 3, 4]);
});
