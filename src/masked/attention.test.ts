import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { initialiseBackend, withBackend } from "../tensor/backend.js";
import { valueAndGradTree } from "../tensor/gradient.js";
import { normal } from "../tensor/initialise.js";
import { RandomStream } from "../tensor/random.js";
import { type HostArray, type HostTree, mapTree } from "../tensor/tree.js";
import { type Attention, attend, attentionWeights, initAttention } from "./attention.js";
import { gelu } from "./block.js";

const [T, D] = [4, 6];
const rng = RandomStream.from(2, "attention");
const fresh = initAttention(rng, D, 3);
const host = { ...fresh, output: { ...fresh.output, b: normal(rng, [D], 1) } } as HostTree;
const input = normal(rng, [1, T, D], 1);

const upload = ({ data, shape, dtype }: HostArray) => tf.tensor(data, [...shape], dtype);
const parameters = () => mapTree<HostArray, tf.Tensor>(host, upload) as unknown as Attention;
/** The numbers of a tensor; −0 counts as 0. */
const numbers = (body: () => tf.Tensor): number[] =>
  withBackend("cpu", () => tf.tidy(() => Array.from(body().dataSync(), (x) => x + 0)));
const mask = (...rows: number[][]) => tf.tensor([rows], [1, T, T], "bool");
/** Token 0 may attend to nothing, and nobody may attend to token 3 but itself. */
const partial = () => mask([0, 0, 0, 0], [1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 1]);

beforeAll(async () => {
  await initialiseBackend("cpu");
});

describe("attention", () => {
  it("gives zeros to a token that may attend to nothing, and takes no gradient from it", () => {
    const y = numbers(() => attend(parameters(), upload(input), { allow: partial() }));
    expect(y.slice(0, D)).toEqual(new Array(D).fill(0));
    expect(y.slice(D).every(Number.isFinite)).toBe(true);
    const nobody = () => mask(...Array.from({ length: T }, () => new Array<number>(T).fill(0)));
    const gradient = numbers(() => {
      const loss = ({ x }: { x: tf.Tensor }) => ({ loss: tf.sum(attend(parameters(), x, { allow: nobody() })), auxiliary: {} });
      return valueAndGradTree(loss, { x: upload(input) }).gradients.x;
    });
    expect(gradient.every((g) => g === 0)).toBe(true);
  });

  it("takes nothing from what is not allowed, however large", () => {
    const other = input.clone();
    for (let c = 0; c < D; c++) other.data[3 * D + c] = 1e4 * rng.normal();
    const output = (x: HostArray) => numbers(() => attend(parameters(), upload(x), { allow: partial() }));
    expect(output(other).slice(0, 3 * D)).toEqual(output(input).slice(0, 3 * D));
    expect(output(other).slice(3 * D)).not.toEqual(output(input).slice(3 * D));
  });

  it("has weights that sum to 1 over the allowed, 0 for a token without any", () => {
    const weights = numbers(() => attentionWeights(parameters(), upload(input), { allow: partial() })); // [1,3,T,T]
    const allowed = numbers(partial);
    for (let row = 0; row < 3 * T; row++) {
      const parts = weights.slice(row * T, (row + 1) * T);
      const open = allowed.slice((row % T) * T, ((row % T) + 1) * T);
      expect(parts.reduce((a, w) => a + w, 0)).toBeCloseTo(row % T === 0 ? 0 : 1, 6);
      expect(parts.every((w, j) => (open[j] === 1 ? w > 0 : w === 0))).toBe(true);
    }
  });

  it("follows a strong bias", () => {
    const toSecond = () => tf.tensor([0, 50, 0, 0]);
    const weights = numbers(() => attentionWeights(parameters(), upload(input), { bias: toSecond() }));
    expect(weights.filter((_, i) => i % T === 1).every((w) => w > 0.999)).toBe(true);
  });

  it("treats tokens as a set: permuted in, permuted out", () => {
    const order = [2, 0, 3, 1];
    const straight = numbers(() => tf.gather(attend(parameters(), upload(input)), order, 1));
    const permuted = numbers(() => attend(parameters(), tf.gather(upload(input), order, 1)));
    expect(Math.max(...straight.map((v, i) => Math.abs(v - permuted[i]!)))).toBeLessThan(1e-6);
  });
});

describe("GELU", () => {
  it("is x·Φ(x)", () => {
    // Φ(1) and Φ(−2) from tables of the normal distribution
    const [a, b, c] = numbers(() => gelu(tf.tensor([1, -2, 0]))) as [number, number, number];
    expect(a).toBeCloseTo(0.8413447, 6);
    expect(b).toBeCloseTo(-2 * 0.0227501, 6);
    expect(c).toBe(0);
  });
});
