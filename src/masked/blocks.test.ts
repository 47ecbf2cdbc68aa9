import type { Tensor } from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import { openDevice } from "../tensor/devices.js";
import { RandomStream } from "../tensor/random.js";
import { HostArray, type HostTree, mapTree, specOf } from "../tensor/tree.js";
import { type Encoder, encodeTokens, initEncoder } from "./blocks.js";

const shape = { width: 8, heads: 2, depth: 2, mlp: 12 };
const { width: D, heads } = shape;
const [B, T] = [3, 5];
const rng = RandomStream.from(1, "masked");
const filled = (...size: number[]) => {
  const array = HostArray.zeros({ shape: size, dtype: "float32" });
  for (let i = 0; i < array.data.length; i++) array.data[i] = rng.normal();
  return array;
};
// biases and norms away from 0 and 1, so that the test sees them
const params = mapTree(initEncoder(rng, shape) as HostTree, (leaf: HostArray) => {
  const moved = leaf.clone();
  for (let i = 0; i < moved.data.length; i++) moved.data[i]! += 0.1 * rng.normal();
  return moved;
}) as HostTree;
const tokens = filled(B, T, D);
const positions = filled(B, T, D);
const bias = filled(B, heads, T, T);
const allow = HostArray.zeros({ shape: [B, T, T], dtype: "bool" });
for (let i = 0; i < allow.data.length; i++) allow.data[i] = rng.uniform() < 0.6 ? 1 : 0;
allow.data.fill(0, 0, T); // the first token of the first sample may attend to nothing

/** The encoder in float64 with plain loops. */
function reference(masked: boolean): number[] {
  // biome-ignore lint/suspicious/noExplicitAny: the parameter tree is read by name only
  const p = params as any;
  const linear = (x: number[], { w, b }: { w: HostArray; b: HostArray }) =>
    Array.from(b.data, (bias0, o) => x.reduce((sum, xi, i) => sum + xi * w.data[i * b.data.length + o]!, bias0));
  const norm = (x: number[], q: { gain: HostArray; offset: HostArray }) => {
    const mean = x.reduce((a, v) => a + v, 0) / x.length;
    const variance = x.reduce((a, v) => a + (v - mean) ** 2, 0) / x.length;
    return x.map((v, i) => ((v - mean) / Math.sqrt(variance + 1e-6)) * q.gain.data[i]! + q.offset.data[i]!);
  };
  // erf by its series, to double precision for the small arguments here
  const erf = (z: number) => {
    let [sum, term] = [z, z];
    for (let n = 1; n < 200; n++) {
      term *= (-z * z) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  };
  const out: number[] = [];
  for (let b = 0; b < B; b++) {
    let x = Array.from({ length: T }, (_, t) =>
      Array.from({ length: D }, (__, c) => {
        const at = (b * T + t) * D + c;
        return tokens.data[at]! + (masked ? positions.data[at]! : 0);
      }),
    );
    for (let k = 0; k < shape.depth; k++) {
      const block = p.blocks[k];
      const qkv = x.map((row) => linear(norm(row, block.norm1), block.attention.input));
      const d = D / heads;
      x = x.map((row, i) => {
        const taken = new Array<number>(D).fill(0);
        for (let h = 0; h < heads; h++) {
          const weights = qkv.map((other, j) => {
            if (masked && allow.data[(b * T + i) * T + j] === 0) return 0;
            let logit = 0;
            for (let c = 0; c < d; c++) logit += qkv[i]![h * d + c]! * other[D + h * d + c]!;
            return Math.exp(logit / Math.sqrt(d) + (masked ? bias.data[((b * heads + h) * T + i) * T + j]! : 0));
          });
          const total = weights.reduce((a, v) => a + v, 0);
          if (total === 0) continue;
          for (let c = 0; c < d; c++)
            taken[h * d + c] = weights.reduce((sum, weight, j) => sum + (weight / total) * qkv[j]![2 * D + h * d + c]!, 0);
        }
        return linear(taken, block.attention.output).map((v, c) => v + row[c]!);
      });
      x = x.map((row) => {
        const hidden = linear(norm(row, block.norm2), block.hidden).map((v) => 0.5 * v * (1 + erf(v / Math.SQRT2)));
        return linear(hidden, block.output).map((v, c) => v + row[c]!);
      });
    }
    out.push(...x.flatMap((row) => norm(row, p.norm)));
  }
  return out;
}

describe.each(["js", "cpu"])("the encoder on %s", (name) => {
  it.each([false, true])("equals float64 loops (positions, mask and bias: %s)", async (masked) => {
    const device = await openDevice(name);
    const options = { positions, allow, bias };
    const fn = (p: Encoder, x: Tensor, o: { positions: Tensor; allow: Tensor; bias: Tensor }) =>
      ({ y: encodeTokens(p, x, heads, masked ? o : {}) }) as { y: Tensor };
    const compiled = await device.compile(
      fn,
      [specOf(params), specOf(tokens as HostTree), specOf(options as HostTree)] as never,
      "encode",
    );
    const { y } = (await compiled.run([params, tokens, options])) as { y: HostArray };
    const expected = reference(masked);
    const worst = Math.max(...expected.map((value, i) => Math.abs(value - y.data[i]!)));
    expect(worst).toBeLessThan(1e-5);
    compiled.dispose();
  });
});
