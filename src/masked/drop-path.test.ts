import { expect, it } from "vitest";
import { RandomStream } from "../tensor/random.js";
import { drawDropPath } from "./drop-path.js";

it("drops branches with chances that rise with depth, and keeps the mean", () => {
  const [depth, samples, rate] = [3, 4000, 0.4];
  const { data, shape } = drawDropPath(RandomStream.from(1), depth, samples, rate);
  expect(shape).toEqual([3, 2, 4000]);
  for (let k = 0; k < depth; k++) {
    for (const branch of [0, 1]) {
      const factors = [...data.subarray((2 * k + branch) * samples, (2 * k + branch + 1) * samples)];
      const chance = 0.2 * k;
      expect(new Set(factors)).toEqual(new Set(k === 0 ? [1] : [0, Math.fround(1 / (1 - chance))]));
      const dropped = factors.filter((factor) => factor === 0).length / samples;
      expect(Math.abs(dropped - chance)).toBeLessThan(4 * Math.sqrt((chance * (1 - chance)) / samples) + 1e-9);
    }
  }
  const [attention, mlp] = [data.subarray(4 * samples, 5 * samples), data.subarray(5 * samples)];
  expect(attention).not.toEqual(mlp);
});

it("depends on the stream alone; a rate of 0 drops nothing", () => {
  expect(drawDropPath(RandomStream.from(3), 2, 5, 0.5)).toEqual(drawDropPath(RandomStream.from(3), 2, 5, 0.5));
  expect(drawDropPath(RandomStream.from(3), 2, 50, 0.5)).not.toEqual(drawDropPath(RandomStream.from(4), 2, 50, 0.5));
  expect(new Set(drawDropPath(RandomStream.from(3), 4, 5, 0).data)).toEqual(new Set([1]));
  expect([...drawDropPath(RandomStream.from(3), 1, 200, 0.9).data].filter((one) => one === 0).length).toBeGreaterThan(300);
});
