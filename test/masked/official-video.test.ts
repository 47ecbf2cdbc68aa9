/** As official.test.ts, for MAE-ST: tubes, half of the frames predicted, a class token of the decoder's own. */
import type * as tf from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import { findPeer } from "../../src/cli/bench-engine/peer.js";
import { fromOfficial, maskByNoise, reconstruct, stackMaskings, toOfficial } from "../../src/masked/index.js";
import { digits } from "../../src/pretraining/data/digits.js";
import { Model, type ModelParameters } from "../../src/pretraining/model.js";
import { recipeSchema } from "../../src/pretraining/recipe.js";
import { decodeSafetensors, encodeSafetensors } from "../../src/runs/safetensors.js";
import { openDevice } from "../../src/tensor/devices.js";
import { valueAndGradTree } from "../../src/tensor/gradient.js";
import { normal } from "../../src/tensor/initialise.js";
import { RandomStream } from "../../src/tensor/random.js";
import { HostArray, type HostTree, leavesOf, mapTree, specOf } from "../../src/tensor/tree.js";
import { close, runPeer } from "./peer.js";

const [B, frames, side, channels, kept] = [2, 8, 8, 3, 3];
const recipe = recipeSchema.parse({
  patch: 4,
  tube: 2,
  predictedFrames: 4,
  encoder: { width: 16, depth: 2, heads: 2 },
  decoder: { width: 8, depth: 2, heads: 2 },
  pixels: { mean: 0, spread: 1 },
});
const model = new Model(recipe, { ...digits({ seed: 0, samples: 1, size: side, frames }), channels });
const shape = {
  ...{ channels, patch: 4, rows: 2, columns: 2, frames: 4, tube: 2, predictedTube: 1 },
  ...{ encoder: recipe.encoder, decoder: recipe.decoder },
};
const T = 16;
const rng = RandomStream.from(1, "official video");
const params = mapTree<HostArray, HostArray>(model.init(rng), (leaf) => {
  const copy = leaf.clone();
  for (let i = 0; i < copy.data.length; i++) copy.data[i]! += 0.1 * rng.normal();
  return copy;
});
const official = toOfficial(params, shape);
const named = (arrays: Record<string, HostArray>) => new Map(Object.entries(arrays));

describe("the authors' names of MAE-ST", () => {
  it("come back through a safetensors file", () => {
    const file = Buffer.concat(encodeSafetensors(official));
    const back = fromOfficial(decodeSafetensors(file, "mae-st.safetensors"), shape, "mae-st.safetensors");
    const [want, got] = [leavesOf<HostArray>(params), new Map(leavesOf<HostArray>(back).map(({ path, leaf }) => [path, leaf]))];
    expect(got.size).toBe(want.length);
    for (const { path, leaf } of want) expect(got.get(path), path).toEqual(leaf);
  });

  it("take a class token's position into the token", () => {
    const moved = { ...official, pos_embed_class: HostArray.float32(new Float32Array(16).fill(0.5), 1, 1, 16) };
    const { autoencoder } = fromOfficial(named(moved), shape, "x") as { autoencoder: { cls: HostArray } };
    expect([...autoencoder.cls.data]).toEqual([...official.cls_token!.data].map((value) => Math.fround(value + 0.5)));
  });

  it.each<[string, (arrays: Record<string, HostArray>) => Record<string, HostArray>, string]>([
    ["missing", ({ "blocks.1.attn.k.bias": _, ...rest }) => rest, 'this MAE-ST: it lacks "blocks.1.attn.k.bias"'],
    ["a missing position", ({ decoder_pos_embed_class: _, ...rest }) => rest, 'it lacks "decoder_pos_embed_class"'],
    ["superfluous", (all) => ({ ...all, pos_embed: HostArray.scalar(1) }), 'it has "pos_embed", which MAE-ST does not'],
    [
      "of another shape",
      (all) => ({ ...all, "decoder_pred.weight": HostArray.zeros({ shape: [96, 8], dtype: "float32" }) }),
      '"decoder_pred.weight" is float32 [96,8], expected float32 [48,8]',
    ],
    [
      "of another type",
      (all) => ({ ...all, pos_embed_temporal: HostArray.int32(new Int32Array(64), 1, 4, 16) }),
      '"pos_embed_temporal" is int32 [1,4,16]',
    ],
  ])("%s: the tensor is named", (_, change, why) => {
    expect(() => fromOfficial(named(change(official)), shape, "x.safetensors")).toThrow(why);
  });
});

const { python } = findPeer();

it.skipIf(python === undefined)(
  "a PyTorch model with those names predicts the same, with the same loss and gradients",
  { timeout: 60_000 },
  async () => {
    const videos = normal(rng, [B, frames, side, side, channels], 1);
    const noise = Float32Array.from({ length: B * T }, () => rng.uniform());
    const masking = stackMaskings(Array.from({ length: B }, (_, b) => maskByNoise(noise.subarray(b * T, (b + 1) * T), kept)));
    type Inputs = { p: ModelParameters; videos: tf.Tensor; keep: tf.Tensor; hidden: tf.Tensor; restore: tf.Tensor };
    const fn = ({ p, videos: x, keep, hidden, restore }: Inputs) => {
      const { value, gradients } = valueAndGradTree(
        (free: ModelParameters) => ({ loss: model.loss(free, x, { keep, hidden }), auxiliary: {} }),
        p,
      );
      const [positions, decoderPositions] = [model.positions(p, "encoder"), model.positions(p, "decoder")];
      const places = { keep, restore, positions, decoderPositions };
      return { loss: value, prediction: reconstruct(p.autoencoder, model.tokens(x), places), gradients };
    };
    const { keep, hidden, restore } = masking;
    const inputs = { p: params, videos, keep, hidden, restore };
    const compiled = await (await openDevice("cpu", { threads: 1 })).compile(fn as never, [specOf(inputs)], "official video");
    const ours = (await compiled.run([inputs])) as { loss: HostArray; prediction: HostArray; gradients: HostTree };
    compiled.dispose();
    const theirs = runPeer<{ loss: number; prediction: number[]; gradients: Record<string, number[]> }>(
      python!,
      "official_mae_st.py",
      { ...shape, kept },
      {
        ...Object.fromEntries(Object.entries(official).map(([name, array]) => [`weights/${name}`, array])),
        videos,
        noise: HostArray.float32(noise, B, T),
      },
    );
    expect(Math.abs(ours.loss.data[0]! / theirs.loss - 1)).toBeLessThan(1e-5);
    close(ours.prediction.data, theirs.prediction, 1e-5);
    const gradients = toOfficial(ours.gradients, shape);
    // Written as zeros; the token in front has the gradient of both.
    delete gradients.pos_embed_class;
    delete gradients.decoder_pos_embed_class;
    // A bias of keys moves all logits of a row alike: its gradient is nothing but rounding.
    const names = Object.keys(gradients).filter((name) => !name.endsWith("attn.k.bias"));
    expect(names.length).toBeGreaterThan(60);
    for (const name of names) close(gradients[name]!.data, theirs.gradients[name]!, 1e-4);
  },
);
