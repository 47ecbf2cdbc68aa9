import type * as tf from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import { dataOf, small } from "../../test/small-recipe.js";
import { encode } from "../masked/index.js";
import { openDevice } from "../tensor/devices.js";
import { RandomStream } from "../tensor/random.js";
import { type HostArray, specOf } from "../tensor/tree.js";
import { depthBelowHead, type Features, featuresOf, fineTune, linearProbe, nearestNeighbours } from "./judge.js";
import { Model, type ModelParameters } from "./model.js";
import { readPixels } from "./optimise.js";

const device = await openDevice("cpu", { threads: 1 });

describe("judging", () => {
  /** Classes that lie in different directions, with noise. */
  function clouds(count: number, seed: number): Features {
    const rng = RandomStream.from(seed, "clouds");
    const [width, classes] = [8, 4];
    const labels = Int32Array.from({ length: count }, () => rng.integer(classes));
    const data = Float32Array.from(
      { length: count * width },
      (_, i) => (i % width === labels[Math.floor(i / width)] ? 3 : 0) + 0.5 * rng.normal(),
    );
    return { count, width, data, labels };
  }

  it("tells apart what can be told apart, and no more", async () => {
    const [train, test] = [clouds(200, 1), clouds(100, 2)];
    expect(await linearProbe(device, train, test, 4)).toBeGreaterThan(0.97);
    expect(nearestNeighbours(train, test, 4)).toBeGreaterThan(0.97);
    const blind = { ...test, labels: test.labels.map((label) => (label + 1) % 4) };
    expect(nearestNeighbours(train, blind, 4)).toBeLessThan(0.1);
  });

  it("takes features of samples as they are, whatever the batch", async () => {
    const recipe = small();
    const data = dataOf(recipe);
    const model = new Model(recipe, data);
    const weights = model.init(RandomStream.from(1));
    const many = await featuresOf(device, model, weights, data, 100);
    const few = await featuresOf(device, model, weights, data, 7);
    expect([many.count, few.count, many.labels[99]]).toEqual([100, 7, data.label(99)]);
    for (let i = 0; i < few.data.length; i++) expect(few.data[i]).toBeCloseTo(many.data[i]!, 5);
  });

  it("takes the class token where that is asked for", async () => {
    const recipe = small();
    const data = dataOf(recipe);
    const model = new Model(recipe, data);
    const weights = model.init(RandomStream.from(1));
    const pixels = readPixels(data, Int32Array.of(0, 1, 2));
    const encoded = await device.compile(
      (p: ModelParameters, x: tf.Tensor) => ({ encoded: encode(p.autoencoder.encoder, model.embed(p, x)) }),
      [specOf(weights), specOf(pixels)],
      "encoded",
    );
    const { encoded: tokens } = (await encoded.run([weights, pixels])) as { encoded: HostArray };
    const [, T, D] = tokens.shape as [number, number, number];
    const { data: found } = await featuresOf(device, model, weights, data, 3, "class-token");
    for (let i = 0; i < 3; i++) {
      for (let d = 0; d < D; d++) expect(found[i * D + d]).toBeCloseTo(tokens.data[i * T * D + d]!, 5);
    }
  });

  it("fine-tunes to the labels that it is given", async () => {
    const recipe = small();
    const data = dataOf(recipe);
    const model = new Model(recipe, data);
    const settings = { labels: 32, updates: 300, batch: 16, learningRate: 5e-3, layerDecay: 0.75, dropPath: 0.1, seed: 0 };
    const { accuracy } = await fineTune(
      device,
      model,
      model.init(RandomStream.from(1)),
      { train: data, test: data, testCount: 32 },
      settings,
    );
    expect(accuracy).toBeGreaterThan(0.8); // of the samples that it has seen; chance is 0.1
  });

  it("refuses data without classes", async () => {
    const recipe = small();
    const data = { ...dataOf(recipe), classes: 0 };
    const model = new Model(recipe, data);
    await expect(featuresOf(device, model, model.init(RandomStream.from(1)), data, 5)).rejects.toThrow(
      "no classes to tell apart",
    );
  });

  it("layers are counted from the head", () => {
    const depths = [
      "head/w",
      "model/autoencoder/encoder/norm/scale",
      "model/autoencoder/encoder/blocks/3/mlp/hidden/w",
      "model/autoencoder/encoder/blocks/0/norm1/scale",
      "model/autoencoder/embed/w",
      "model/autoencoder/cls",
      "model/places/encoder/time",
    ];
    expect(depths.map((path) => depthBelowHead(path, 4))).toEqual([0, 0, 1, 4, 5, 5, 5]);
  });
});
