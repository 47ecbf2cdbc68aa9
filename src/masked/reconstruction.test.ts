import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { initialiseBackend, withBackend } from "../tensor/backend.js";
import { valueAndGradTree } from "../tensor/gradient.js";
import { normaliseTokens, reconstructionLoss } from "./reconstruction.js";
import { restoreTokens, takeTokens } from "./tokens.js";

const numbers = (body: () => tf.Tensor): number[] => withBackend("cpu", () => tf.tidy(() => [...body().dataSync()]));

beforeAll(async () => {
  await initialiseBackend("cpu");
});

describe("the reconstruction loss", () => {
  const target = () =>
    tf.tensor([
      [
        [1, 3],
        [0, 4],
        [5, 5],
        [2, 8],
      ],
    ]); // [1,4,2]
  const mask = (...hidden: number[]) => tf.tensor([hidden], [1, 4], "bool");

  it("is the mean over the hidden tokens' features", () => {
    // errors 1,3 | 0,4 | 5,5 | 2,8: tokens 0 and 2 give (1+9)/2 and (25+25)/2
    expect(numbers(() => reconstructionLoss(tf.zeros([1, 4, 2]), target(), mask(1, 0, 1, 0)))).toEqual([15]);
  });

  it("normalises each token by itself, over F−1", () => {
    // mean 2, variance 2: ∓1/√2; mean 2, variance 8: ∓2/√8; a flat token: 0
    const normalised = numbers(() => normaliseTokens(target()));
    const s = Math.SQRT1_2;
    for (const [i, x] of [-s, s, -s, s, 0, 0, -s, s].entries()) expect(normalised[i]).toBeCloseTo(x, 5);
    const [loss] = numbers(() => reconstructionLoss(tf.zeros([1, 4, 2]), target(), mask(1, 1, 1, 1), true));
    expect(loss).toBeCloseTo((0.5 + 0.5 + 0 + 0.5) / 4, 5);
  });

  it("counts all hidden tokens of the batch alike", () => {
    const predicted = () =>
      tf.tensor([
        [[1], [2]],
        [[3], [4]],
      ]);
    const three = () =>
      tf.tensor(
        [
          [1, 0],
          [1, 1],
        ],
        [2, 2],
        "bool",
      );
    expect(numbers(() => reconstructionLoss(predicted(), tf.zeros([2, 2, 1]), three()))[0]).toBeCloseTo((1 + 9 + 16) / 3, 5);
  });

  it("sends no gradient to tokens that were seen, and is 0 when all were", () => {
    const loss = ({ x }: { x: tf.Tensor }) => ({ loss: reconstructionLoss(x, target(), mask(1, 0, 0, 0)), auxiliary: {} });
    const gradient = numbers(() => valueAndGradTree(loss, { x: tf.zeros([1, 4, 2]) }).gradients.x);
    expect(gradient.map((g) => g + 0)).toEqual([-1, -3, 0, 0, 0, 0, 0, 0]);
    expect(numbers(() => reconstructionLoss(tf.zeros([1, 4, 2]), target(), mask(0, 0, 0, 0)))).toEqual([0]);
  });
});

describe("kept tokens", () => {
  // shuffled orders 2,0,1,3 and 1,3,0,2
  const keep = () =>
    tf.tensor(
      [
        [2, 0],
        [1, 3],
      ],
      [2, 2],
      "int32",
    );
  const restore = () =>
    tf.tensor(
      [
        [1, 2, 0, 3],
        [2, 0, 3, 1],
      ],
      [2, 4],
      "int32",
    );
  const x = () =>
    tf.tensor([
      [[1], [2], [3], [4]],
      [[5], [6], [7], [8]],
    ]);

  it("are taken from each sample, or from one table for all", () => {
    expect(numbers(() => takeTokens(x(), keep()))).toEqual([3, 1, 6, 8]);
    expect(numbers(() => takeTokens(tf.tensor([[10], [20], [30], [40]]), keep()))).toEqual([30, 10, 20, 40]);
  });

  it("go back to where they were, the filler everywhere else", () => {
    const back = () => restoreTokens(takeTokens(x(), keep()), tf.tensor([-1]), restore());
    expect(numbers(back)).toEqual([1, -1, 3, -1, -1, 6, -1, 8]);
  });

  it("get their gradients back, and the filler the sum of its own", () => {
    const weights = () =>
      tf.tensor([
        [[1], [2], [3], [4]],
        [[5], [6], [7], [8]],
      ]);
    const gradient = (key: "x" | "filler") =>
      numbers(() => {
        const loss = (p: { x: tf.Tensor; filler: tf.Tensor }) => ({
          loss: tf.sum(tf.mul(restoreTokens(takeTokens(p.x, keep()), p.filler, restore()), weights())),
          auxiliary: {},
        });
        return valueAndGradTree(loss, { x: x(), filler: tf.tensor([-1]) }).gradients[key];
      });
    expect(gradient("x")).toEqual([1, 0, 3, 0, 0, 6, 0, 8]);
    expect(gradient("filler")).toEqual([2 + 4 + 5 + 7]);
  });
});
