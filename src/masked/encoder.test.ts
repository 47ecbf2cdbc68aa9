import * as tf from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import { openDevice } from "../tensor/devices.js";
import { valueAndGradTree } from "../tensor/gradient.js";
import { normal } from "../tensor/initialise.js";
import { RandomStream } from "../tensor/random.js";
import { HostArray, type HostTree, leavesOf, mapTree, specOf, type TensorTree } from "../tensor/tree.js";
import { drawDropPath } from "./drop-path.js";
import { type Encoder, encode, initEncoder } from "./encoder.js";

const shape = { width: 8, heads: 2, depth: 2, mlp: 12 };
const [B, T, D, heads] = [3, 5, shape.width, shape.heads];
const rng = RandomStream.from(1, "masked");

/** Which of the options a case uses, with shapes that broadcast to [B,T,D], [B,T,T] and [B,h,T,T]. */
type Case = { positions?: HostArray; allow?: HostArray; bias?: HostArray; dropPath?: HostArray };

const coins = (...size: number[]) => {
  const array = HostArray.zeros({ shape: size, dtype: "bool" });
  for (let i = 0; i < array.data.length; i++) array.data[i] = rng.uniform() < 0.6 ? 1 : 0;
  return array;
};
const allow = coins(B, T, T);
allow.data.fill(0, 0, T); // the first token of the first sample may attend to nothing
const keys = coins(B, 1, T);
keys.data.fill(0, T, 2 * T); // no token of the second sample may attend to anything
const causal = HostArray.bool(
  Uint8Array.from({ length: T * T }, (_, i) => (i % T <= Math.floor(i / T) ? 1 : 0)),
  T,
  T,
);

const cases: [string, Case][] = [
  ["tokens alone", {}],
  ["positions, mask and bias", { positions: normal(rng, [B, T, D], 1), allow, bias: normal(rng, [B, heads, T, T], 2) }],
  [
    "shared positions and bias, mask of the keys",
    { positions: normal(rng, [T, D], 1), allow: keys, bias: normal(rng, [heads, 1, T], 2) },
  ],
  ["one mask for all samples", { allow: causal }],
  ["branches dropped", { allow, dropPath: drawDropPath(rng, shape.depth, B, 0.6) }],
];

// Biases and norms away from 0 and 1, so that the tests see them.
const params = mapTree<HostArray, HostArray>(initEncoder(rng, shape) as HostTree, (leaf) => {
  const moved = leaf.clone();
  for (let i = 0; i < moved.data.length; i++) moved.data[i]! += 0.1 * rng.normal();
  return moved;
});
const tokens = normal(rng, [B, T, D], 1);
const weights = normal(rng, [B, T, D], 1);

/** Array in float64: a leaf of a tree, so no plain object. */
class Wide {
  constructor(
    readonly data: Float64Array,
    readonly shape: readonly number[],
  ) {}
}
type Options64 = { positions?: Wide; allow?: Wide; bias?: Wide; dropPath?: Wide };
// biome-ignore lint/suspicious/noExplicitAny: the reference reads the parameter tree by name
type Named = any;
const widen = (tree: HostTree): Named => mapTree(tree, ({ data, shape }: HostArray) => new Wide(Float64Array.from(data), shape));

/** Element of an array that broadcasts, its index counted over the axes of the whole. */
function at({ data, shape }: Wide, ...index: number[]): number {
  const own = index.slice(index.length - shape.length);
  return data[shape.reduce((offset, size, axis) => offset * size + (size === 1 ? 0 : own[axis]!), 0)]!;
}

/** erf by its Maclaurin series: enough for the small arguments here. */
function erf(z: number): number {
  let [sum, term] = [z, z];
  for (let n = 1; n < 200; n++) {
    term *= (-z * z) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

const linear = (row: number[], { w, b }: { w: Wide; b: Wide }) =>
  Array.from(b.data, (start, o) => row.reduce((sum, x, i) => sum + x * w.data[i * b.data.length + o]!, start));

function norm(row: number[], { gain, offset }: { gain: Wide; offset: Wide }): number[] {
  const mean = row.reduce((a, x) => a + x, 0) / row.length;
  const variance = row.reduce((a, x) => a + (x - mean) ** 2, 0) / row.length;
  return row.map((x, i) => ((x - mean) / Math.sqrt(variance + 1e-6)) * gain.data[i]! + offset.data[i]!);
}

/** Self-attention of one sample, token by token, exponentials summed over the allowed alone. */
function attention(p: Named, rows: number[][], b: number, options: Options64): number[][] {
  const qkv = rows.map((row) => linear(row, p.input));
  const d = D / heads;
  return rows.map((_, i) => {
    const allowed = rows.map((__, j) => j).filter((j) => !options.allow || at(options.allow, b, i, j) === 1);
    if (allowed.length === 0) return new Array<number>(D).fill(0);
    const taken: number[] = [];
    for (let h = 0; h < heads; h++) {
      const part = (j: number, kind: number) => qkv[j]!.slice(kind * D + h * d, kind * D + (h + 1) * d);
      const exps = allowed.map((j) => {
        const product = part(i, 0).reduce((sum, q, c) => sum + q * part(j, 1)[c]!, 0);
        return Math.exp(product / Math.sqrt(d) + (options.bias ? at(options.bias, b, h, i, j) : 0));
      });
      const total = exps.reduce((a, e) => a + e, 0);
      for (let c = 0; c < d; c++) taken.push(exps.reduce((sum, e, k) => sum + (e / total) * part(allowed[k]!, 2)[c]!, 0));
    }
    return linear(taken, p.output);
  });
}

const plus = (a: number[][], b: number[][]) => a.map((row, i) => row.map((x, c) => x + b[i]![c]!));

/** The encoder in float64 with plain loops, [B·T·D]. */
function reference(p: Named, x: Wide, options: Options64): number[] {
  return Array.from({ length: B }, (_, b) => {
    let rows = Array.from({ length: T }, (__, t) =>
      Array.from({ length: D }, (___, c) => at(x, b, t, c) + (options.positions ? at(options.positions, b, t, c) : 0)),
    );
    const times = (factor: number, all: number[][]) => all.map((row) => row.map((value) => factor * value));
    for (const [k, block] of Object.values<Named>(p.blocks).entries()) {
      const factor = (branch: number) => (options.dropPath ? at(options.dropPath, k, branch, b) : 1);
      const normed = rows.map((row) => norm(row, block.norm1));
      rows = plus(rows, times(factor(0), attention(block.attention, normed, b, options)));
      const hidden = rows.map((row) =>
        linear(norm(row, block.norm2), block.mlp.hidden).map((v) => (v / 2) * (1 + erf(v / Math.SQRT2))),
      );
      const mlp = hidden.map((row) => linear(row, block.mlp.output));
      rows = plus(rows, times(factor(1), mlp));
    }
    return rows.map((row) => norm(row, p.norm));
  }).flat(2);
}

const largest = (numbers: number[]) => numbers.reduce((a, x) => Math.max(a, Math.abs(x)), 0);

describe.each(["js", "cpu"])("the encoder on %s", (name) => {
  it.each(cases)("equals float64 loops: %s", async (_, options) => {
    const device = await openDevice(name);
    const fn = (p: Encoder, x: tf.Tensor, o: { positions?: tf.Tensor }) => ({ y: encode(p, x, o) });
    const compiled = await device.compile(
      fn,
      [specOf(params), specOf(tokens as HostTree), specOf(options as HostTree)] as never,
      "encode",
    );
    const { y } = (await compiled.run([params, tokens, options as HostTree])) as { y: HostArray };
    const expected = reference(widen(params), widen(tokens), widen(options as HostTree));
    expect(largest(expected.map((value, i) => value - y.data[i]!))).toBeLessThan(1e-5);
    compiled.dispose();
  });

  it("computes the last tokens alone where only they are asked for", async () => {
    const device = await openDevice(name);
    const masked = { allow, bias: normal(rng, [heads, T, T], 2) };
    const fn = (p: Encoder, x: tf.Tensor, o: { allow: tf.Tensor; bias: tf.Tensor }) => {
      const run = (asking?: number) => (free: Encoder) => {
        const y = encode(free, x, asking === undefined ? o : { ...o, asking });
        const last = asking === undefined ? tf.slice(y, [0, T - 2, 0], [B, 2, D]) : y;
        return { loss: tf.sum(tf.square(last)), auxiliary: { last } };
      };
      return { some: valueAndGradTree(run(2), p), whole: valueAndGradTree(run(), p) };
    };
    const shapes = [specOf(params), specOf(tokens as HostTree), specOf(masked)];
    const compiled = await device.compile(fn as never, shapes, "last tokens");
    type Result = { auxiliary: { last: HostArray }; gradients: HostTree };
    const { some, whole } = (await compiled.run([params, tokens, masked])) as { some: Result; whole: Result };
    expect(some.auxiliary.last.shape).toEqual([B, 2, D]);
    const close = (a: HostArray, b: HostArray) => {
      for (const [i, value] of a.data.entries()) expect(Math.abs(value - b.data[i]!)).toBeLessThan(1e-5 * (1 + Math.abs(value)));
    };
    close(whole.auxiliary.last, some.auxiliary.last);
    const expected = leavesOf<HostArray>(whole.gradients);
    for (const [k, { leaf }] of leavesOf<HostArray>(some.gradients).entries()) close(expected[k]!.leaf, leaf);
    compiled.dispose();
  });

  it.each(cases)("has the gradients that differences of the float64 loops give: %s", async (_, { allow, ...smooth }) => {
    const device = await openDevice(name);
    const variables = { params, tokens, ...smooth } as HostTree;
    const fn = (v: { params: Encoder; tokens: tf.Tensor }, w: tf.Tensor, mask: { allow?: tf.Tensor }) => {
      const loss = ({ params: p, tokens: x, ...o }: typeof v) => ({
        loss: tf.sum(tf.mul(encode(p, x, { ...o, ...mask }), w)),
        auxiliary: {},
      });
      return { gradients: valueAndGradTree<typeof v & TensorTree, TensorTree>(loss, v as typeof v & TensorTree).gradients };
    };
    const mask = (allow ? { allow } : {}) as HostTree;
    const compiled = await device.compile(fn, [variables, weights as HostTree, mask].map(specOf) as never, "gradients");
    const { gradients } = (await compiled.run([variables, weights, mask])) as { gradients: HostTree };
    const wide = widen(variables);
    const loss = () => {
      const { params: p, tokens: x, ...o } = wide;
      return reference(p, x, { ...o, ...widen(mask) }).reduce((sum, y, i) => sum + y * weights.data[i]!, 0);
    };
    const wideLeaves = leavesOf<Wide>(wide);
    for (const [k, { leaf, path }] of leavesOf(gradients).entries()) {
      for (let sample = 0; sample < 3; sample++) {
        const i = rng.integer(leaf.data.length);
        const { data } = wideLeaves[k]!.leaf;
        const [here, step] = [data[i]!, 1e-5];
        data[i] = here + step;
        const up = loss();
        data[i] = here - step;
        const difference = (up - loss()) / (2 * step);
        data[i] = here;
        expect(Math.abs(leaf.data[i]! - difference), `${path}[${i}]: ${leaf.data[i]}, not ${difference}`).toBeLessThan(
          2e-5 * (1 + Math.abs(difference)),
        );
      }
    }
    compiled.dispose();
  });
});

describe("fresh parameters", () => {
  const fresh = initEncoder(RandomStream.from(5), { width: 32, heads: 4, depth: 1 });
  const { attention, mlp, norm1 } = fresh.blocks["0"]!;

  it("are Xavier-uniform, over 3D outputs for the fused projection", () => {
    const limits: [HostArray, number][] = [
      [attention.input.w, 32 + 96],
      [attention.output.w, 64],
      [mlp.hidden.w, 32 + 128],
    ];
    for (const [{ data }, fans] of limits) {
      const [limit, found] = [Math.sqrt(6 / fans), largest([...data])];
      expect(found).toBeLessThanOrEqual(limit);
      expect(found).toBeGreaterThan(0.98 * limit);
    }
    expect(attention.input.w.shape).toEqual([32, 3, 4, 8]);
    expect(largest([...attention.input.b.data, ...mlp.output.b.data, ...norm1.offset.data])).toBe(0);
    expect([...new Set(norm1.gain.data)]).toEqual([1]);
  });

  it("depend on the seed alone", () => {
    expect(initEncoder(RandomStream.from(5), { width: 32, heads: 4, depth: 1 })).toEqual(fresh);
    expect(initEncoder(RandomStream.from(6), { width: 32, heads: 4, depth: 1 })).not.toEqual(fresh);
  });

  it("refuse a width that the heads do not divide, and sizes that are none", () => {
    expect(() => initEncoder(rng, { width: 10, heads: 4, depth: 1 })).toThrow("width 10 is not a multiple of its 4 heads");
    expect(() => initEncoder(rng, { width: 8, heads: 2, depth: 1.5 })).toThrow("depth is 1.5");
  });
});
