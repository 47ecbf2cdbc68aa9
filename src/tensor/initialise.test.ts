import { expect, it } from "vitest";
import { normal, uniformFanIn, xavierUniform, zeros } from "./initialise.js";
import { RandomStream } from "./random.js";
import type { HostArray } from "./tree.js";

const rng = () => RandomStream.from(1, "weights");
const moments = ({ data }: HostArray) => {
  const mean = [...data].reduce((a, b) => a + b, 0) / data.length;
  const variance = [...data].reduce((a, b) => a + (b - mean) ** 2, 0) / data.length;
  return { mean, std: Math.sqrt(variance), largest: Math.max(...[...data].map(Math.abs)) };
};

it("uniformFanIn draws weights and biases from ±1/√fanIn", () => {
  const { w, b } = uniformFanIn(rng(), 100, 50);
  expect([w.shape, b.shape]).toEqual([[100, 50], [50]]);
  const { mean, std, largest } = moments(w);
  expect(largest).toBeLessThanOrEqual(0.1);
  expect(largest).toBeGreaterThan(0.099);
  expect(Math.abs(mean)).toBeLessThan(0.003);
  expect(std).toBeCloseTo(0.1 / Math.sqrt(3), 2);
  expect(moments(b).largest).toBeLessThanOrEqual(0.1);
});

it("a part of a wider layer takes the width of the whole", () => {
  expect(moments(uniformFanIn(rng(), 10, 50, 400).w).largest).toBeLessThanOrEqual(0.05);
});

it("a layer without inputs begins with biases of zero, as PyTorch's", () => {
  const { w, b } = uniformFanIn(rng(), 0, 3);
  expect([w.shape, b.shape]).toEqual([[0, 3], [3]]);
  expect([...b.data].map(Math.abs)).toEqual([0, 0, 0]);
});

it("normal has the asked deviation", () => {
  const { mean, std } = moments(normal(rng(), [100, 50], 0.3));
  expect(Math.abs(mean)).toBeLessThan(0.015);
  expect(std).toBeCloseTo(0.3, 2);
});

it("xavierUniform balances both sides and starts without bias", () => {
  const { w, b } = xavierUniform(rng(), 30, 20);
  expect(moments(w).largest).toBeLessThanOrEqual(Math.sqrt(6 / 50));
  expect([...b.data]).toEqual([...zeros([20]).data]);
});

it("the same stream gives the same weights", () => {
  expect(uniformFanIn(rng(), 3, 2)).toEqual(uniformFanIn(rng(), 3, 2));
  expect(uniformFanIn(rng(), 3, 2)).not.toEqual(uniformFanIn(RandomStream.from(2, "weights"), 3, 2));
});
