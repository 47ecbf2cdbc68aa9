/** Weights under the authors' names: there and back, and into a PyTorch model that has those names, which then computes what we compute. */
import type * as tf from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import { findPeer } from "../../src/cli/bench-engine/peer.js";
import {
  type Autoencoder,
  fromOfficial,
  initAutoencoder,
  maskByNoise,
  patchTokens,
  reconstruct,
  reconstructionLoss,
  sinCosGrid,
  stackMaskings,
  toOfficial,
} from "../../src/masked/index.js";
import { decodeSafetensors, encodeSafetensors } from "../../src/runs/safetensors.js";
import { openDevice } from "../../src/tensor/devices.js";
import { valueAndGradTree } from "../../src/tensor/gradient.js";
import { normal } from "../../src/tensor/initialise.js";
import { RandomStream } from "../../src/tensor/random.js";
import { HostArray, type HostTree, leavesOf, mapTree, specOf } from "../../src/tensor/tree.js";
import { close, runPeer } from "./peer.js";

const shape = {
  channels: 3,
  patch: 2,
  rows: 4,
  columns: 4,
  encoder: { width: 16, depth: 2, heads: 2 },
  decoder: { width: 8, depth: 1, heads: 2 },
};
const [B, T, side] = [3, 16, 8];
const features = shape.patch ** 2 * shape.channels;
const rng = RandomStream.from(1, "official");
const fresh = initAutoencoder(rng, { features, encoder: shape.encoder, decoder: shape.decoder, cls: true }) as HostTree;
/** Biases and gains that are not 0 and 1. */
const params = mapTree<HostArray, HostArray>(fresh, (leaf) => {
  const copy = leaf.clone();
  for (let i = 0; i < copy.data.length; i++) copy.data[i]! += 0.1 * rng.normal();
  return copy;
});
const official = toOfficial({ autoencoder: params }, shape);
const named = (arrays: Record<string, HostArray>) => new Map(Object.entries(arrays));

describe("the authors' names", () => {
  it("come back through a safetensors file", () => {
    const file = Buffer.concat(encodeSafetensors(official));
    const back = fromOfficial(decodeSafetensors(file, "mae.safetensors"), shape, "mae.safetensors");
    const [want, got] = [
      leavesOf<HostArray>({ autoencoder: params }),
      new Map(leavesOf<HostArray>(back).map(({ path, leaf }) => [path, leaf])),
    ];
    expect(got.size).toBe(want.length);
    for (const { path, leaf } of want) expect(got.get(path), path).toEqual(leaf);
  });

  it.each<[string, (arrays: Record<string, HostArray>) => Record<string, HostArray>, string]>([
    ["missing", ({ "blocks.1.mlp.fc2.bias": _, ...rest }) => rest, 'it lacks "blocks.1.mlp.fc2.bias"'],
    ["superfluous", (all) => ({ ...all, "head.weight": HostArray.scalar(1) }), 'it has "head.weight"'],
    [
      "of another shape",
      (all) => ({ ...all, cls_token: HostArray.float32(new Float32Array(16), 16) }),
      '"cls_token" is float32 [16], expected float32 [1,1,16]',
    ],
    ["of another type", (all) => ({ ...all, "norm.bias": HostArray.int32(new Int32Array(16), 16) }), '"norm.bias" is int32 [16]'],
    [
      "other positions",
      (all) => ({ ...all, pos_embed: HostArray.zeros(all.pos_embed!) }),
      '"pos_embed" are not the sine-cosine positions',
    ],
  ])("%s: the tensor is named", (_, change, why) => {
    expect(() => fromOfficial(named(change(official)), shape, "x.safetensors")).toThrow(why);
  });
});

const { python } = findPeer();

it.skipIf(python === undefined)(
  "a PyTorch model with those names predicts the same, with the same loss and gradient",
  { timeout: 60_000 },
  async () => {
    const images = normal(rng, [B, side, side, 3], 1);
    const noise = Float32Array.from({ length: B * T }, () => rng.uniform());
    const kept = 4;
    const masking = stackMaskings(Array.from({ length: B }, (_, b) => maskByNoise(noise.subarray(b * T, (b + 1) * T), kept)));
    type Inputs = {
      p: Autoencoder;
      images: tf.Tensor;
      mask: tf.Tensor;
      keep: tf.Tensor;
      restore: tf.Tensor;
      positions: tf.Tensor;
      decoderPositions: tf.Tensor;
    };
    const fn = ({ p, images: x, mask, ...inputs }: Inputs) => {
      const tokens = patchTokens(x, { height: side, width: side, channels: 3, patch: 2 });
      const { value, gradients, auxiliary } = valueAndGradTree((free: Autoencoder) => {
        const prediction = reconstruct(free, tokens, inputs);
        return { loss: reconstructionLoss(prediction, tokens, mask, true), auxiliary: { prediction } };
      }, p);
      return { loss: value, prediction: auxiliary.prediction, gradients };
    };
    const inputs = { p: params, images, ...masking, positions: sinCosGrid(4, 4, 16), decoderPositions: sinCosGrid(4, 4, 8) };
    const compiled = await (await openDevice("cpu", { threads: 1 })).compile(fn as never, [specOf(inputs)], "official");
    const ours = (await compiled.run([inputs])) as { loss: HostArray; prediction: HostArray; gradients: HostTree };
    compiled.dispose();
    const gradient = toOfficial({ autoencoder: ours.gradients }, shape)["patch_embed.proj.weight"]!;

    const theirs = runPeer<{ loss: number; prediction: number[]; gradient: number[] }>(
      python!,
      "official_mae.py",
      { ...shape, tokens: T, kept },
      {
        ...Object.fromEntries(Object.entries(official).map(([name, array]) => [`weights/${name}`, array])),
        images,
        noise: HostArray.float32(noise, B, T),
      },
    );
    expect(Math.abs(ours.loss.data[0]! / theirs.loss - 1)).toBeLessThan(1e-5);
    close(ours.prediction.data, theirs.prediction, 1e-5);
    close(gradient.data, theirs.gradient, 1e-4);
  },
);
