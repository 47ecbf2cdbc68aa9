import * as tf from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import type { Device } from "../tensor/device.js";
import { openDevice } from "../tensor/devices.js";
import { valueAndGradTree } from "../tensor/gradient.js";
import { normal } from "../tensor/initialise.js";
import { adamw } from "../tensor/optimisers.js";
import { RandomStream } from "../tensor/random.js";
import { StatefulStep } from "../tensor/step.js";
import { HostArray, type HostTree, leavesOf, specOf, type TensorTree } from "../tensor/tree.js";
import { type Autoencoder, encodeKept, initAutoencoder, type MaskedInputs, reconstruct } from "./autoencoder.js";
import { stackMaskings } from "./masking.js";
import { sinCosLine } from "./positions.js";
import { reconstructionLoss } from "./reconstruction.js";
import { randomMasking } from "./strategies.js";

const [B, T, F, Z] = [32, 12, 6, 2];
const shape = {
  features: F,
  encoder: { width: 32, depth: 2, heads: 4, mlp: 64 },
  decoder: { width: 16, depth: 1, heads: 2, mlp: 32 },
};

type Batch = { tokens: tf.Tensor; mask: tf.Tensor } & MaskedInputs;
type State = { params: Autoencoder; optimiser: TensorTree; step: tf.Tensor };

/**
 * Scenes of T tokens that all look at the same two hidden numbers, each in its own way: token t is M_t·z. Entries have mean 0 and
 * variance 1, so the best constant guess has loss 1. With `shuffled`, each token comes from another scene: every token looks as before,
 * but tells nothing of the others.
 */
class Scenes {
  readonly #views: Float64Array;

  constructor(
    private readonly rng: RandomStream,
    private readonly shuffled: boolean,
  ) {
    const scene = RandomStream.from(0, "scenes");
    this.#views = Float64Array.from({ length: T * F * Z }, () => scene.normal());
    for (let row = 0; row < T * F; row++) {
      const norm = Math.hypot(...this.#views.subarray(row * Z, row * Z + Z));
      for (let z = 0; z < Z; z++) this.#views[row * Z + z]! /= norm;
    }
  }

  /** B fresh scenes with fresh maskings: 9 of 12 tokens hidden. */
  draw(): HostTree {
    const tokens = new Float32Array(B * T * F);
    const hidden = () => Array.from({ length: Z }, () => this.rng.normal());
    for (let b = 0; b < B; b++) {
      let z = hidden();
      for (let t = 0; t < T; t++) {
        if (this.shuffled) z = hidden();
        for (let f = 0; f < F; f++) {
          const row = (t * F + f) * Z;
          tokens[(b * T + t) * F + f] = z.reduce((sum, value, i) => sum + value * this.#views[row + i]!, 0);
        }
      }
    }
    const maskings = Array.from({ length: B }, () => randomMasking(this.rng, T, { ratio: 0.75 }));
    return {
      tokens: HostArray.float32(tokens, B, T, F),
      ...stackMaskings(maskings),
      positions: sinCosLine(T, shape.encoder.width),
      decoderPositions: sinCosLine(T, shape.decoder.width),
    };
  }
}

const optimiser = adamw({ beta2: 0.95, weightDecay: 0.01 });

function lossAndGradients(params: Autoencoder, { tokens, mask, ...inputs }: Batch) {
  return valueAndGradTree(
    (p: Autoencoder) => ({ loss: reconstructionLoss(reconstruct(p, tokens, inputs), tokens, mask), auxiliary: {} }),
    params,
  );
}

function train({ params, optimiser: moments, step }: State, batch: Batch) {
  const { value, gradients } = lossAndGradients(params, batch);
  const next = optimiser.apply({ params, gradients, state: moments, learningRate: 5e-3, step });
  return { state: { params: next.params, optimiser: next.state, step: tf.add(step, 1) }, outputs: { loss: value } };
}

/** Losses of `updates` steps, each on a fresh batch. */
async function losses(device: Device, updates: number, shuffled: boolean): Promise<number[]> {
  const scenes = new Scenes(RandomStream.from(1, "train"), shuffled);
  const params = initAutoencoder(RandomStream.from(2, "init"), shape) as HostTree;
  const state = { params, optimiser: optimiser.init(params), step: HostArray.scalar(0) };
  const first = scenes.draw();
  const step = await StatefulStep.create(device, train, state, [specOf(first)] as never, "masked autoencoder");
  const found: number[] = [];
  for (let i = 0; i < updates; i++) {
    const { loss } = (await step.run([i === 0 ? first : scenes.draw()])) as { loss: HostArray };
    found.push(loss.data[0]!);
  }
  step.dispose();
  return found;
}

const mean = (numbers: number[]) => numbers.reduce((a, x) => a + x, 0) / numbers.length;

describe("a masked autoencoder", () => {
  it("learns to see the hidden tokens in the others, and cannot where they tell nothing", async () => {
    const device = await openDevice("cpu", { threads: 1 });
    const [structured, shuffled] = [await losses(device, 400, false), await losses(device, 400, true)];
    const last = (found: number[]) => mean(found.slice(-25));
    expect(last(structured)).toBeLessThan(0.25);
    expect(last(shuffled)).toBeGreaterThan(0.9);
    expect(last(shuffled)).toBeLessThan(1.1);
  });

  it("has the same loss and gradients compiled as eagerly", async () => {
    const batch = new Scenes(RandomStream.from(3), false).draw();
    const params = initAutoencoder(RandomStream.from(2), shape) as HostTree;
    const gradientsOn = async (name: string) => {
      const device = await openDevice(name);
      const compiled = await device.compile(lossAndGradients, [specOf(params), specOf(batch)] as never, "gradients");
      const out = (await compiled.run([params, batch])) as { value: HostArray; gradients: HostTree };
      compiled.dispose();
      return [{ path: "loss", leaf: out.value }, ...leavesOf(out.gradients)];
    };
    const [compiled, eager] = [await gradientsOn("cpu"), await gradientsOn("js")];
    for (const [i, { leaf, path }] of compiled.entries()) {
      const expected = eager[i]!.leaf.data;
      for (const [j, x] of leaf.data.entries())
        expect(Math.abs(x - expected[j]!), path).toBeLessThan(1e-5 * (1 + Math.abs(expected[j]!)));
    }
  });

  it("encodes the kept tokens alone, and does not look at the hidden ones", async () => {
    const device = await openDevice("cpu");
    const scenes = new Scenes(RandomStream.from(3), false);
    const batch = scenes.draw() as Record<string, HostArray>;
    const params = initAutoencoder(RandomStream.from(2), shape) as HostTree;
    const fn = (p: Autoencoder, { tokens, ...inputs }: Batch) => ({
      encoded: encodeKept(p, tokens, inputs),
      predicted: reconstruct(p, tokens, inputs),
    });
    const compiled = await device.compile(fn, [specOf(params), specOf(batch as HostTree)] as never, "reconstruct");
    const run = async (tokens: HostArray) =>
      (await compiled.run([params, { ...batch, tokens }])) as { encoded: HostArray; predicted: HostArray };
    const before = await run(batch.tokens!);
    expect(before.encoded.shape).toEqual([B, 3, 32]);
    expect(before.predicted.shape).toEqual([B, T, F]);

    const noise = normal(RandomStream.from(4), [B, T, F], 10);
    const changed = (hidden: number) =>
      HostArray.float32(
        Float32Array.from(batch.tokens!.data, (x, i) => (batch.mask!.data[Math.floor(i / F)] === hidden ? noise.data[i]! : x)),
        B,
        T,
        F,
      );
    expect((await run(changed(1))).predicted.data).toEqual(before.predicted.data);
    expect((await run(changed(0))).predicted.data).not.toEqual(before.predicted.data);
    compiled.dispose();
  });
});
