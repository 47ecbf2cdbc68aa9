import * as tf from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import { openDevice } from "../tensor/devices.js";
import { HostArray, mapTree, specOf, type TensorTree } from "../tensor/tree.js";
import { digits } from "./data/digits.js";
import { Batches, initMoments, updateWeights, warmupCosine } from "./optimise.js";

const device = await openDevice("cpu", { threads: 1 });

describe("the schedule and the decay", () => {
  it("rise from nothing, stand at the peak, and end at nothing", () => {
    const at = (step: number) => warmupCosine(tf.scalar(step), 2, 10, 110).dataSync()[0]!;
    expect(at(0)).toBeCloseTo(0.2, 5);
    expect(at(9)).toBeCloseTo(2, 5);
    expect(at(60)).toBeCloseTo(1, 5);
    expect(at(110)).toBeCloseTo(0, 5);
  });

  it("spare biases and norms, and move lower layers less", async () => {
    const params = {
      low: HostArray.float32(Float32Array.of(1, 1), 1, 2),
      high: HostArray.float32(Float32Array.of(1, 1), 1, 2),
      b: HostArray.float32(Float32Array.of(1), 1),
    };
    const step = (p: TensorTree, gradients: TensorTree, moments: TensorTree) => {
      const scaleOf = (path: string) => (path === "low" ? 0.5 : 1);
      return updateWeights(p, gradients, moments, {
        learningRate: tf.scalar(0.1),
        step: tf.scalar(0),
        weightDecay: 0.2,
        beta2: 0.99,
        scaleOf,
      }).params;
    };
    const zero = mapTree<HostArray, HostArray>(params, (leaf) => HostArray.zeros(leaf));
    const inputs = [params, zero, initMoments(params)];
    const compiled = await device.compile(
      step as never,
      inputs.map((input) => specOf(input)),
      "decay",
    );
    const next = (await compiled.run(inputs)) as typeof params;
    expect(next.high.data[0]).toBeCloseTo(0.98, 6);
    expect(next.low.data[0]).toBeCloseTo(0.99, 6);
    expect(next.b.data[0]).toBe(1);
  });

  it("every sample is seen once an epoch, in an order that the seed and the epoch give", () => {
    const data = digits({ seed: 0, samples: 20, size: 16, frames: 1 });
    const epochOf = (batches: Batches, epoch: number) =>
      Array.from({ length: 4 }, (_, i) => [...batches.at(4 * epoch + i)]).flat();
    const [a, b] = [new Batches(data, 5, 1, "x"), new Batches(data, 5, 1, "x")];
    const first = epochOf(a, 0);
    expect([...first].sort((x, y) => x - y)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(epochOf(a, 1)).not.toEqual(first);
    expect(epochOf(b, 1)).toEqual(epochOf(a, 1));
    expect(epochOf(b, 0)).toEqual(first);
  });
});
