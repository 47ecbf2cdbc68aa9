/** Trajectory pre-training against float64 loops: what the encoder makes of kept entities, what the decoder predicts, the loss, its gradients. */
import { describe, expect, it } from "vitest";
import { encodeEntities, encodeSeen, initEncoder } from "../../agents/ace/encoder.js";
import type { EnvironmentSpec } from "../../src/environment.js";
import { maskByNoise } from "../../src/masked/index.js";
import { openDevice } from "../../src/tensor/devices.js";
import { valueAndGradTree } from "../../src/tensor/gradient.js";
import { RandomStream } from "../../src/tensor/random.js";
import { HostArray, type HostTree, leavesOf, mapTree, specOf, type Tensors, type TensorTree } from "../../src/tensor/tree.js";
import { allocateTrajectoryBatch, type TrajectoryBatch, writeWindow } from "../../src/trajectory/batch.js";
import { TrajectoryModel, type TrajectoryParameters } from "../../src/trajectory/model.js";
import type { FeatureScale } from "../../src/trajectory/scale.js";
import { placesOf, type Window, type WindowLayout } from "../../src/trajectory/windows.js";
import { referenceEncoder } from "./reference-encoders.js";
import { layer, linear, type Named, type Row, type Rows } from "./reference-layers.js";

const device = await openDevice("cpu", { threads: 1 });
const layout: WindowLayout = { frames: 3, stride: 1, agents: 3, others: 2, entityFeatures: 4, relationFeatures: 2 };
const [F, P, N, S, R] = [3, placesOf(layout), 5, 4, 2];
const list = <T>(length: number, of: (i: number) => T) => Array.from({ length }, (_, i) => of(i));

const recipes = {
  relational: { encoder: { encoder: "relational", hidden: 8, depth: 1, heads: 1 }, decoder: { width: 8, depth: 2, heads: 2 } },
  transformer: { encoder: { encoder: "transformer", hidden: 8, depth: 2, heads: 2 }, decoder: { width: 8, depth: 1, heads: 4 } },
} as const;

const scale: FeatureScale = {
  mean: Float64Array.of(0.1, 0, -0.2, 0.3),
  spread: Float64Array.of(0.5, 1, 0.7, 0.9),
  varies: Uint8Array.of(1, 0, 1, 1), // the second is the same for all
};

function randomWindow(rng: RandomStream, alive: number): Window {
  const present = Uint8Array.from({ length: F * P }, () => (rng.uniform() < alive ? 1 : 0));
  const floats = (size: number) => Float32Array.from({ length: size }, () => 2 * rng.uniform() - 1);
  const tokens = floats(F * P * S).map((value, i) => (present[Math.floor(i / S)] ? value : 0));
  return {
    tokens,
    present,
    entities: N,
    entityAt: Int32Array.from({ length: P }, (_, e) => e),
    relations: floats(F * N * N * R),
  };
}

/** Weights whose norms and biases are not 1 and 0, so that nothing is left out unseen. */
function weightsOf(model: TrajectoryModel, seed: number): HostTree {
  const rng = RandomStream.from(seed, "weights");
  return mapTree<HostArray, HostArray>(model.init(rng), (leaf) => {
    const copy = leaf.clone();
    for (let i = 0; i < copy.data.length; i++) copy.data[i]! += 0.1 * rng.normal();
    return copy;
  });
}

/** The masked loss of a window in float64, from the text: no gathers, no batches, no sums over everything with masks. */
function referenceErrors(
  weights: Named,
  recipe: (typeof recipes)["relational" | "transformer"],
  window: Window,
  keep: Int32Array,
) {
  const kept = new Set(keep);
  const { decoder } = weights;
  const D = recipe.decoder.width;
  const embed = layer(decoder.embed);
  const position = (token: number): Row => {
    const [t, place] = [Math.floor(token / P), token % P];
    return list(D, (k) => {
      const angle = t * 10000 ** (-(k % (D / 2)) / (D / 2));
      return (k < D / 2 ? Math.sin(angle) : Math.cos(angle)) + weights.places.data[place * D + k];
    });
  };
  const encodedAt = new Map<number, Row>();
  for (let f = 0; f < F; f++) {
    const there = list(P, (e) => f * P + e).filter((token) => window.present[token] === 1);
    const visible = there.filter((token) => kept.has(token));
    const sample = {
      entities: list(N, (e) => [...window.tokens.subarray((f * P + e) * S, (f * P + e + 1) * S)]),
      relations: list(N, (i) =>
        list(N, (j) => [...window.relations.subarray(((f * N + i) * N + j) * R, ((f * N + i) * N + j + 1) * R)]),
      ),
      alive: list(N, (e) => (visible.includes(f * P + e) ? 1 : 0)),
      actionMask: [],
      actionTargets: [],
    };
    // The reference divides its mean by N; here the mean over those that are kept stands for that over all there are.
    const inflated: Named = { ...weights.encoder };
    if (recipe.encoder.encoder === "relational") {
      const { mean, ...rest } = weights.encoder.aggregate;
      const factor = there.length / Math.max(1, visible.length);
      const larger = { shape: mean.shape, data: Float64Array.from(mean.data, (w: number) => w * factor) };
      inflated.aggregate = { ...rest, mean: larger };
    }
    const { s } = referenceEncoder(inflated, layout.agents)(sample);
    for (const token of visible) encodedAt.set(token, s[token % P]!);
  }
  const nothing = list(recipe.encoder.hidden, () => 0);
  const plus = (a: Row, b: Row) => a.map((v, k) => v + b[k]!);
  const hidden = list(F * P, (token) => token).filter((token) => !kept.has(token));
  const seen: Rows = [...keep].map((token) => plus(linear(embed, encodedAt.get(token) ?? nothing), position(token)));
  const blank: Rows = hidden.map((token) => plus([...decoder.maskToken.data], position(token)));
  // The decoder's body is the transformer with tokens as they are, all alive, no sides, no relations.
  const identity = HostArray.float32(
    Float32Array.from({ length: D * D }, (_, i) => (i % (D + 1) === 0 ? 1 : 0)),
    D,
    D,
  );
  const body = {
    token: { w: identity, b: { data: new Float32Array(D) } },
    team: HostArray.zeros({ shape: [2, D], dtype: "float32" }),
    body: decoder.body,
  };
  const tokens = [...seen, ...blank];
  const decoded = referenceEncoder(
    body,
    0,
  )({ entities: tokens, relations: [], alive: tokens.map(() => 1), actionMask: [], actionTargets: [] });
  const predict = layer(decoder.predict);
  return hidden.flatMap((token, m) => {
    if (window.present[token] === 0) return [];
    const predicted = linear(predict, decoded.s[seen.length + m]!);
    const errors = predicted.map(
      (value, s) => (value - (window.tokens[token * S + s]! - scale.mean[s]!) / scale.spread[s]!) ** 2,
    );
    return [(errors[0]! + errors[2]! + errors[3]!) / 3];
  });
}

const mean = (numbers: Row) => numbers.reduce((a, b) => a + b, 0) / Math.max(1, numbers.length);

describe.each(["relational", "transformer"] as const)("the %s encoder in a trajectory autoencoder", (kind) => {
  const recipe = recipes[kind];
  const model = new TrajectoryModel(recipe as never, layout, scale);
  const weights = weightsOf(model, 1);
  const rng = RandomStream.from(2, "windows");
  // half, few, and none of them alive
  const windows = [randomWindow(rng, 0.7), randomWindow(rng, 0.3), randomWindow(rng, 0)];
  const maskings = windows.map(() =>
    maskByNoise(
      Float32Array.from({ length: F * P }, () => rng.uniform()),
      5,
    ),
  );
  const batch = allocateTrajectoryBatch(layout, windows.length, 5, 10);
  for (const [b, window] of windows.entries()) writeWindow(batch, b, window, maskings[b]!, layout, scale);

  const evaluate = async (p: HostTree, on = "cpu") => {
    const fn = (params: TrajectoryParameters, inputs: Tensors<TrajectoryBatch>) => {
      const { value, gradients } = valueAndGradTree(
        (now: TrajectoryParameters) => ({ loss: model.loss(now, inputs), auxiliary: {} }),
        params,
      );
      return { loss: value, gradients } as TensorTree;
    };
    const compiled = await (on === "cpu" ? device : await openDevice(on)).compile(fn, [specOf(p), specOf(batch)], "loss");
    const out = (await compiled.run([p, batch])) as { loss: HostArray; gradients: HostTree };
    compiled.dispose();
    return out;
  };
  const reference = (p: HostTree) => mean(windows.flatMap((window, b) => referenceErrors(p, recipe, window, maskings[b]!.keep)));

  it.each(["cpu", "js"])("has the loss of the reference on %s", async (on) => {
    const { loss } = await evaluate(weights, on);
    expect(loss.data[0]).toBeGreaterThan(0.1);
    expect(loss.data[0]! / reference(weights)).toBeCloseTo(1, 4);
  });

  it("has the gradients that differences of the reference give", async () => {
    const { gradients } = await evaluate(weights);
    const found = new Map(leavesOf<HostArray>(gradients).map(({ path, leaf }) => [path, leaf]));
    const pick = RandomStream.from(5);
    for (const { path, leaf } of leavesOf<HostArray>(weights)) {
      const at = pick.integer(leaf.data.length);
      const moved = (by: number) =>
        mapTree<HostArray, HostArray>(weights, (one, name) => {
          if (name !== path) return one;
          const data = Float64Array.from(one.data);
          data[at]! += by;
          return { ...one, data, shape: one.shape } as unknown as HostArray;
        });
      const difference = (reference(moved(1e-5)) - reference(moved(-1e-5))) / 2e-5;
      expect(Math.abs(found.get(path)!.data[at]! - difference), `${path}[${at}]`).toBeLessThan(
        1e-4 + 1e-3 * Math.abs(difference),
      );
    }
  });

  it("is the agent's encoder where nothing is hidden", async () => {
    const spec = { agents: 3, entityFeatures: S, relationFeatures: R } as EnvironmentSpec;
    const p = initEncoder(RandomStream.from(3), spec, recipe.encoder).parameters as HostTree;
    const whole = allocateTrajectoryBatch(layout, 1, F * P, 0);
    const [window] = windows as [Window];
    const all = maskByNoise(
      Float32Array.from({ length: F * P }, (_, t) => t),
      F * P,
    );
    writeWindow(whole, 0, window, all, layout, scale);
    const step = {
      entities: HostArray.float32(window.tokens, F, N, S),
      relations: HostArray.float32(window.relations, F, N, N, R),
      alive: HostArray.bool(window.present, F, N),
      actionMask: HostArray.bool(new Uint8Array(F * 3), F, 3, 1),
    };
    const fn = (params: TrajectoryParameters["encoder"], inputs: Tensors<TrajectoryBatch>, steps: Tensors<typeof step>) => ({
      together: encodeSeen(params, inputs, inputs).x,
      apart: encodeEntities(params, steps).x,
    });
    const compiled = await device.compile(fn as never, [specOf(p), specOf(whole), specOf(step)], "encoders");
    const { together, apart } = (await compiled.run([p, whole, step])) as { together: HostArray; apart: HostArray };
    compiled.dispose();
    for (let i = 0; i < together.data.length; i++) {
      if (window.present[Math.floor(i / 8)]) expect(together.data[i]).toBeCloseTo(apart.data[i]!, 5);
    }
  });

  it("sees nothing of what is hidden", async () => {
    const predict = (p: TrajectoryParameters, inputs: Tensors<TrajectoryBatch>) => ({ y: model.predict(p, inputs) });
    const compiled = await device.compile(predict, [specOf(weights), specOf(batch)], "predict");
    const before = Array.from(((await compiled.run([weights, batch])) as { y: HostArray }).y.data);
    const other = allocateTrajectoryBatch(layout, windows.length, 5, 10);
    for (const [b, window] of windows.entries()) {
      const kept = new Set(maskings[b]!.keep);
      const noise = RandomStream.from(9);
      const tokens = window.tokens.map((value, i) => (kept.has(Math.floor(i / S)) ? value : value + noise.normal()));
      const relations = window.relations.map((value, i) => {
        const pair = Math.floor(i / R);
        const [f, one, two] = [Math.floor(pair / (N * N)), Math.floor(pair / N) % N, pair % N];
        const seen = [one, two].every((e) => kept.has(f * P + e) && window.present[f * P + e] === 1);
        return seen ? value : value + noise.normal();
      });
      writeWindow(other, b, { ...window, tokens, relations }, maskings[b]!, layout, scale);
    }
    expect(other.target.data).not.toEqual(batch.target.data);
    expect(Array.from(((await compiled.run([weights, other])) as { y: HostArray }).y.data)).toEqual(before);
    compiled.dispose();
  });
});
