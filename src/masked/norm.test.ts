import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { initialiseBackend } from "../tensor/backend.js";
import { normal } from "../tensor/initialise.js";
import { dense } from "../tensor/layers.js";
import { RandomStream } from "../tensor/random.js";
import { type HostArray, mapTree } from "../tensor/tree.js";
import { applyBlock, type Block, initBlock } from "./block.js";
import { centre, centreOutputs, normOfCentred } from "./norm.js";

const rng = RandomStream.from(3, "norms");
const upload = ({ data, shape }: HostArray) => tf.tensor(data as Float32Array, [...shape]);
const largest = (x: tf.Tensor) => tf.max(tf.abs(x)).dataSync()[0]!;

beforeAll(async () => {
  await initialiseBackend("cpu");
  await tf.setBackend("cpu");
});

describe("norms", () => {
  it("a layer with centred outputs gives the centred results of the layer", () => {
    const [x, w, b] = [normal(rng, [5, 6], 1), normal(rng, [6, 4], 1), normal(rng, [4], 1)].map(upload);
    const centred = dense(x!, centreOutputs({ w: w!, b: b! }));
    expect(largest(tf.mean(dense(x!, { w: w!, b: b! }), -1))).toBeGreaterThan(0.1);
    expect(largest(tf.sub(centred, centre(dense(x!, { w: w!, b: b! }))))).toBeLessThan(1e-5);
  });

  it("of centred rows is the layer norm of any rows", () => {
    const host = normal(rng, [3, 8], 2);
    const [gain, offset] = [normal(rng, [8], 1), normal(rng, [8], 1)];
    const y = normOfCentred(centre(tf.add(upload(host), 7)), { gain: upload(gain), offset: upload(offset) }).dataSync();
    for (let row = 0; row < 3; row++) {
      const values = Array.from(host.data.subarray(row * 8, row * 8 + 8), Number);
      const mean = values.reduce((a, b) => a + b) / 8;
      const deviation = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 8 + 1e-6);
      for (const [i, v] of values.entries()) {
        const expected = ((v - mean) / deviation) * gain.data[i]! + offset.data[i]!;
        expect(y[row * 8 + i]).toBeCloseTo(expected, 4);
      }
    }
  });

  it("blocks keep what goes through them centred", () => {
    const params = initBlock(rng, 8, 2, 16);
    params.attention.output.b.data.fill(1);
    params.mlp.output.b.data.set(normal(rng, [8], 1).data);
    const block = mapTree<HostArray, tf.Tensor>(params, upload) as Block;
    const y = applyBlock(block, centre(upload(normal(rng, [2, 3, 8], 1))));
    expect(largest(tf.mean(y, -1))).toBeLessThan(1e-6);
    expect(largest(y)).toBeGreaterThan(0.5);
  });
});
