import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { initialiseBackend, withBackend } from "../tensor/backend.js";
import { RandomStream } from "../tensor/random.js";
import { HostArray } from "../tensor/tree.js";
import { initPositions, initSpaceTime, sinCosGrid, sinCosLine, spaceTimePositions } from "./positions.js";

const rounded = (numbers: Iterable<number>) => Array.from(numbers, (x) => Number(x.toFixed(6)));

describe("sine and cosine", () => {
  it("on a line: sines, then cosines, at wavelengths from 2π to 10000·2π", () => {
    const table = sinCosLine(3, 4);
    expect(table.shape).toEqual([3, 4]);
    // sin 0, sin 0, cos 0, cos 0; sin 1, sin 0.01, cos 1, cos 0.01; sin 2, …
    const byHand = [0, 0, 1, 1, 0.841471, 0.01, 0.540302, 0.99995, 0.909297, 0.019999, -0.416147, 0.9998];
    expect(rounded(table.data)).toEqual(byHand);
  });

  it("on a grid: the column in the first half, the row in the second", () => {
    const table = sinCosGrid(2, 3, 8);
    expect(table.shape).toEqual([6, 8]);
    const line = sinCosLine(3, 4).data;
    for (let token = 0; token < 6; token++) {
      const [row, column] = [Math.floor(token / 3), token % 3];
      const expected = [...line.subarray(4 * column, 4 * column + 4), ...line.subarray(4 * row, 4 * row + 4)];
      expect([...table.data.subarray(8 * token, 8 * token + 8)]).toEqual(expected);
    }
  });

  it("equals the formula at MAE's own size", () => {
    const [size, width] = [14, 768];
    const { data } = sinCosGrid(size, size, width);
    let worst = 0;
    for (let token = 0; token < size * size; token++) {
      for (let i = 0; i < width; i++) {
        const along = i < width / 2 ? token % size : Math.floor(token / size);
        const inHalf = i % (width / 2);
        const omega = 1 / 10000 ** ((inHalf % (width / 4)) / (width / 4));
        const expected = inHalf < width / 4 ? Math.sin(along * omega) : Math.cos(along * omega);
        worst = Math.max(worst, Math.abs(data[token * width + i]! - expected));
      }
    }
    expect(worst).toBeLessThan(5e-8);
  });

  it("refuses a width that does not divide", () => {
    expect(() => sinCosLine(3, 5)).toThrow("width 5, expected a multiple of 2");
    expect(() => sinCosGrid(3, 3, 6)).toThrow("width 6, expected a multiple of 4");
  });
});

describe("learned positions", () => {
  beforeAll(async () => {
    await initialiseBackend("cpu");
  });

  it("start small and normal", () => {
    const table = initPositions(RandomStream.from(1), 200, 50);
    expect(table.shape).toEqual([200, 50]);
    const data = [...table.data];
    const mean = data.reduce((a, x) => a + x, 0) / data.length;
    const std = Math.sqrt(data.reduce((a, x) => a + (x - mean) ** 2, 0) / data.length);
    expect(Math.abs(mean)).toBeLessThan(1e-3);
    expect(Math.abs(std - 0.02)).toBeLessThan(1e-3);
  });

  it("of space and time add up, frame by frame", () => {
    const fresh = initSpaceTime(RandomStream.from(1), { frames: 3, places: 5, width: 4 });
    expect([fresh.time.shape, fresh.space.shape]).toEqual([
      [3, 4],
      [5, 4],
    ]);
    const [space, time] = [
      HostArray.float32(Float32Array.of(1, 2, 3, 4), 2, 2),
      HostArray.float32(Float32Array.of(10, 20, 30, 40, 50, 60), 3, 2),
    ];
    const upload = ({ data, shape }: HostArray) => tf.tensor(data, [...shape]);
    const table = withBackend("cpu", () =>
      tf.tidy(() => spaceTimePositions({ space: upload(space), time: upload(time) }).arraySync()),
    );
    expect(table).toEqual([
      [11, 22],
      [13, 24],
      [31, 42],
      [33, 44],
      [51, 62],
      [53, 64],
    ]);
  });
});
