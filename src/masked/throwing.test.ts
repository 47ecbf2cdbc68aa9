/** Class tokens, and decoding of the hidden tokens alone: the same numbers as decoding all, and nothing of what is thrown away. */
import type * as tf from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import { openDevice } from "../tensor/devices.js";
import { valueAndGradTree } from "../tensor/gradient.js";
import { normal } from "../tensor/initialise.js";
import { RandomStream } from "../tensor/random.js";
import { HostArray, type HostTree, type Mapped, mapTree, specOf, type TensorTree } from "../tensor/tree.js";
import { attentionMap } from "./attention-map.js";
import { type Autoencoder, embedAll, initAutoencoder, reconstruct, reconstructHidden } from "./autoencoder.js";
import { applyBlock, type Block } from "./block.js";
import { stackMaskings } from "./masking.js";
import { centre } from "./norm.js";
import { sinCosGrid } from "./positions.js";
import { hiddenLoss, reconstructionLoss } from "./reconstruction.js";
import { attentionMasking, randomMasking } from "./strategies.js";
import { takeTokens } from "./tokens.js";

const [B, T, F] = [3, 16, 5];
const shape = { features: F, encoder: { width: 16, depth: 2, heads: 2 }, decoder: { width: 8, depth: 1, heads: 2 } };
const rng = RandomStream.from(1, "throwing");
const tokens = normal(rng, [B, T, F], 1);
const positions = { positions: sinCosGrid(4, 4, 16), decoderPositions: sinCosGrid(4, 4, 8) };

async function evaluate(fn: (inputs: never) => TensorTree, inputs: HostTree): Promise<Record<string, HostArray>> {
  const compiled = await (await openDevice("js")).compile(fn as (i: TensorTree) => TensorTree, [specOf(inputs)], "test");
  return (await compiled.run([inputs])) as Record<string, HostArray>;
}

const parameters = (cls: boolean) => initAutoencoder(RandomStream.from(2, "init"), { ...shape, cls }) as HostTree;

type Inputs = {
  p: Autoencoder;
  tokens: tf.Tensor;
  keep: tf.Tensor;
  hidden: tf.Tensor;
  restore: tf.Tensor;
  mask: tf.Tensor;
  positions: tf.Tensor;
  decoderPositions: tf.Tensor;
};

describe.each([false, true])("with a class token: %s", (cls) => {
  it("hidden tokens are predicted as when all are, and so is the loss", async () => {
    const masking = stackMaskings(Array.from({ length: B }, () => randomMasking(rng, T, { ratio: 0.75 })));
    const fn = ({ p, ...i }: Inputs) => {
      const all = reconstruct(p, i.tokens, i);
      const few = reconstructHidden(p, i.tokens, i);
      return {
        taken: takeTokens(all, i.hidden),
        few,
        lossOfAll: reconstructionLoss(all, i.tokens, i.mask, true),
        lossOfFew: hiddenLoss(few, takeTokens(i.tokens, i.hidden), true),
      };
    };
    const out = await evaluate(fn as never, { p: parameters(cls), tokens, ...masking, ...positions });
    expect(out.few!.shape).toEqual([B, 12, F]);
    for (let i = 0; i < out.few!.data.length; i++) expect(out.few!.data[i]).toBeCloseTo(out.taken!.data[i]!, 5);
    expect(out.lossOfFew!.data[0]).toBeCloseTo(out.lossOfAll!.data[0]!, 5);
  });
});

it("tokens that are thrown away have no influence and get no gradient", async () => {
  const maskings = Array.from({ length: B }, () => attentionMasking(rng, T, { mask: 0.45, throw: 0.3 }));
  const masking = stackMaskings(maskings);
  const fn = ({ p, tokens: x, ...i }: Inputs) => {
    const { value, gradients } = valueAndGradTree(
      (free: { x: tf.Tensor }) => ({
        loss: hiddenLoss(reconstructHidden(p, free.x, i), takeTokens(free.x, i.hidden)),
        auxiliary: {},
      }),
      { x },
    );
    return { value, gradient: gradients.x };
  };
  const { gradient } = await evaluate(fn as never, { p: parameters(true), tokens, ...masking, ...positions });
  for (let b = 0; b < B; b++) {
    const { keep, hidden } = maskings[b]!;
    const seen = new Set([...keep, ...hidden]);
    expect(seen.size).toBeLessThan(T);
    for (let t = 0; t < T; t++) {
      const own = gradient!.data.subarray((b * T + t) * F, (b * T + t + 1) * F);
      expect(own.some((g) => g !== 0)).toBe(seen.has(t));
    }
  }
});

/** What the first of these rows [1+T][D] looks at in a block, number by number: a head brought to [0,1] by itself, then the mean over heads. */
function looksByLoops({ norm1, attention }: Mapped<Block, tf.Tensor, HostArray>, rows: readonly number[][]): number[] {
  const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
  const { w, b } = attention.input;
  const [D, , h, d] = w.shape as [number, number, number, number];
  const normed = rows.map((row) => {
    const mean = sum(row) / D;
    const spread = Math.sqrt(sum(row.map((value) => (value - mean) ** 2)) / D + 1e-6);
    return row.map((value, k) => ((value - mean) / spread) * norm1.gain.data[k]! + norm1.offset.data[k]!);
  });
  /** Query (0) or key (1) of a row, [d]. */
  const part = (row: readonly number[], which: number, head: number) =>
    Array.from({ length: d }, (_, k) => {
      const column = (which * h + head) * d + k;
      return b.data[column]! + sum(row.map((value, i) => value * w.data[i * 3 * D + column]!));
    });
  const perHead = Array.from({ length: h }, (_, head) => {
    const query = part(normed[0]!, 0, head);
    const powers = normed.map((row) => Math.exp(sum(part(row, 1, head).map((key, k) => key * query[k]!)) / Math.sqrt(d)));
    const looks = powers.slice(1).map((power) => power / sum(powers));
    const [least, most] = [Math.min(...looks), Math.max(...looks)];
    return looks.map((look) => (look - least) / (most - least));
  });
  return rows.slice(1).map((_, t) => sum(perHead.map((looks) => looks[t]!)) / h);
}

describe("attention maps", () => {
  const fn = ({ p, tokens: x, positions: at }: Inputs) => ({ map: attentionMap(p, x, at) });

  it("are in [0,1], and with one head reach both ends", async () => {
    const oneHead = { ...shape, encoder: { ...shape.encoder, heads: 1 }, cls: true };
    const p = initAutoencoder(RandomStream.from(3), oneHead) as HostTree;
    const { map } = await evaluate(fn as never, { p, tokens, ...positions });
    expect(map!.shape).toEqual([B, T]);
    for (let b = 0; b < B; b++) {
      const row = map!.data.subarray(b * T, (b + 1) * T);
      expect(Math.min(...row)).toBe(0);
      expect(Math.max(...row)).toBeCloseTo(1, 5);
    }
  });

  it("equal float64 loops over what the last block sees, with several heads", async () => {
    // gains and biases away from 1 and 0, so that the test sees them
    const p = mapTree<HostArray, HostArray>(parameters(true), ({ data, shape: size }) =>
      HostArray.float32(
        Float32Array.from(data, (value) => value + 0.3 * rng.normal()),
        ...size,
      ),
    );
    const before = ({ p: all, tokens: x, positions: at }: Inputs) => {
      const rows = applyBlock(all.encoder.blocks[0]!, centre(embedAll(all, x, at)));
      return { rows, map: attentionMap(all, x, at) };
    };
    const { rows, map } = await evaluate(before as never, { p, tokens, ...positions });
    const [, all, D] = rows!.shape as [number, number, number];
    const { encoder } = p as unknown as Mapped<Autoencoder, tf.Tensor, HostArray>;
    for (let b = 0; b < B; b++) {
      const row = (t: number) => [...rows!.data.subarray((b * all + t) * D, (b * all + t + 1) * D)];
      const slow = looksByLoops(
        encoder.blocks[1]!,
        Array.from({ length: all }, (_, t) => row(t)),
      );
      for (const [t, value] of slow.entries()) expect(map!.data[b * T + t]).toBeCloseTo(value, 4);
    }
  });

  it("follow tokens as they change places, where there are no positions", async () => {
    const nowhere = HostArray.zeros({ shape: [T, 16], dtype: "float32" });
    const order = new Int32Array(T);
    RandomStream.from(4).permutation(order, 0, T);
    const moved = new Float32Array(tokens.data.length);
    for (let b = 0; b < B; b++) {
      for (let t = 0; t < T; t++)
        moved.set(tokens.data.subarray((b * T + order[t]!) * F, (b * T + order[t]! + 1) * F), (b * T + t) * F);
    }
    const given = { p: parameters(true), positions: nowhere };
    const { map } = await evaluate(fn as never, { ...given, tokens });
    const { map: after } = await evaluate(fn as never, { ...given, tokens: HostArray.float32(moved, B, T, F) });
    for (let b = 0; b < B; b++) {
      for (let t = 0; t < T; t++) expect(after!.data[b * T + t]).toBeCloseTo(map!.data[b * T + order[t]!]!, 4);
    }
  });

  it("need a class token", async () => {
    await expect(evaluate(fn as never, { p: parameters(false), tokens, ...positions })).rejects.toThrow("class token");
  });
});

it("MAE's loss on a picture of four patches is the one by hand", async () => {
  // Patches [1,3], [2,2], [0,4], [5,1] of two pixels each; the first two are hidden and predicted as [0,0] and [1,2].
  const target = HostArray.float32(Float32Array.of(1, 3, 2, 2, 0, 4, 5, 1), 1, 4, 2);
  const predicted = HostArray.float32(Float32Array.of(0, 0, 1, 2, 9, 9, 9, 9), 1, 4, 2);
  const mask = HostArray.bool(Uint8Array.of(1, 1, 0, 0), 1, 4);
  const fn = (i: { predicted: tf.Tensor; target: tf.Tensor; mask: tf.Tensor }) => ({
    plain: reconstructionLoss(i.predicted, i.target, i.mask),
    normalised: reconstructionLoss(i.predicted, i.target, i.mask, true),
  });
  const out = await evaluate(fn as never, { predicted, target, mask });
  // ((1 + 9)/2 + (1 + 0)/2) / 2
  expect(out.plain!.data[0]).toBeCloseTo(2.75, 6);
  // [1,3] has mean 2 and variance (1+1)/(2−1) = 2: ∓1/√2; [2,2] has none: 0. ((0.5 + 0.5)/2 + (1 + 4)/2) / 2
  expect(out.normalised!.data[0]).toBeCloseTo(1.5, 5);
});

it("host trees of parameters have the class token where it is asked for", () => {
  expect("cls" in (parameters(true) as object)).toBe(true);
  expect("cls" in (parameters(false) as object)).toBe(false);
  expect(mapTree(parameters(true), () => 1)).toMatchObject({ cls: 1 });
});
