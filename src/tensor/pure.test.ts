/** Schedules, clipping, averaging, layers: small pure functions of tensors, on the reference backend. */
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { initialiseBackend, withBackend } from "./backend.js";
import { clipByGlobalNorm, globalNorm } from "./clip.js";
import { dense } from "./layers.js";
import { polyak } from "./polyak.js";
import { constant, cosine, linear, warmedUp } from "./schedules.js";

const numbers = (body: () => tf.Tensor): number[] => withBackend("cpu", () => tf.tidy(() => [...body().dataSync()]));

beforeAll(async () => {
  await initialiseBackend("cpu");
});

describe("schedules", () => {
  const at = (schedule: (step: tf.Tensor) => tf.Tensor, step: number) => numbers(() => schedule(tf.scalar(step)))[0]!;
  const ramp = { from: 0.4, to: 0.1, updates: 200 };

  it.each([0, 1, 50, 100, 199, 200, 5000])("at update %d", (step) => {
    const share = Math.min(1, step / 200);
    expect(at(constant(0.3), step)).toBeCloseTo(0.3, 6);
    expect(at(linear(ramp), step)).toBeCloseTo(0.4 - 0.3 * share, 6);
    expect(at(cosine(ramp), step)).toBeCloseTo(0.1 + 0.15 * (1 + Math.cos(Math.PI * share)), 6);
  });

  it("a ramp of length 0 is over at once", () => {
    expect(at(linear({ from: 1, to: 2, updates: 0 }), 0)).toBe(2);
  });

  it("rises from almost nothing before it goes on", () => {
    const risen = warmedUp(linear(ramp), 50);
    expect(at(risen, 0)).toBeCloseTo(0.4 / 50, 6);
    expect(at(risen, 24)).toBeCloseTo((0.4 - (0.3 * 24) / 200) / 2, 6);
    for (const step of [49, 50, 200]) expect(at(risen, step)).toBe(at(linear(ramp), step));
    expect(at(warmedUp(linear(ramp), 0), 0)).toBe(at(linear(ramp), 0));
  });

  it("takes whole-number steps", () => {
    expect(numbers(() => linear(ramp)(tf.scalar(100, "int32")))[0]).toBeCloseTo(0.25, 6);
  });
});

describe("clipping", () => {
  const gradients = () => ({ a: tf.tensor([3, 0]), deep: { b: tf.tensor([[0], [4]]) } });

  it("measures the norm over all leaves", () => {
    expect(numbers(() => globalNorm(gradients()))).toEqual([5]);
  });

  it("scales down to the maximum, and leaves smaller gradients alone", () => {
    expect(numbers(() => clipByGlobalNorm(gradients(), 2.5).gradients.a)[0]).toBeCloseTo(1.5, 5);
    expect(numbers(() => clipByGlobalNorm(gradients(), 2.5).norm)).toEqual([5]);
    expect(numbers(() => clipByGlobalNorm(gradients(), 50).gradients.deep.b)).toEqual([0, 4]);
  });
});

describe("polyak", () => {
  const [target, online] = [() => ({ w: tf.tensor([0, 10]) }), () => ({ w: tf.tensor([10, 0]) })];

  it("moves the target by the rate", () => {
    const moved = numbers(() => polyak(target(), online(), 0.2).w);
    expect(moved[0]).toBeCloseTo(2, 6);
    expect(moved[1]).toBeCloseTo(8, 6);
  });

  it("copies at rate 1", () => {
    expect(numbers(() => polyak(target(), online(), 1).w)).toEqual([10, 0]);
  });
});

describe("dense", () => {
  it("multiplies the last axis whatever stands before it", () => {
    const w = () => tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
    const shapes = withBackend("cpu", () =>
      tf.tidy(() => [dense(tf.ones([4, 2]), { w: w() }).shape, dense(tf.ones([5, 1, 4, 2]), { w: w(), b: tf.zeros([3]) }).shape]),
    );
    expect(shapes).toEqual([
      [4, 3],
      [5, 1, 4, 3],
    ]);
    expect(numbers(() => dense(tf.tensor3d([[[1, 10]]]), { w: w(), b: tf.tensor([0.5, 0, 0]) }))).toEqual([41.5, 52, 63]);
  });
});
