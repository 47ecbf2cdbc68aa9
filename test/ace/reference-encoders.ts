/** Both encoders of ACE in float64 with plain loops, from the text of the specification and of the papers. */
import type { HostArray } from "../../src/tensor/tree.js";
import type { Sample } from "./reference.js";
import {
  erf,
  head,
  layer,
  linear,
  matrix,
  mlp2,
  type Named,
  type Row,
  type Rows,
  relu,
  stacked,
  twoLayers,
} from "./reference-layers.js";

/** s [N][H] and what the pair (i, j) brings into its action embedding. */
export type ReferenceEncoder = (sample: Sample) => { s: Rows; pairs: Rows[] };

/** Steps 1–3 of ace-spec §3.1. */
function relational(p: Named): ReferenceEncoder {
  const state = twoLayers(p.state);
  const relation = {
    hidden: stacked([...(p.relation.relation ? [p.relation.relation] : []), p.relation.other.w], p.relation.other.b),
    output: layer(p.relation.output),
  };
  const aggregate = stacked([p.aggregate.own.w, p.aggregate.mean, p.aggregate.max], p.aggregate.own.b);
  return ({ entities, relations, alive }) => {
    const N = entities.length;
    const s0 = entities.map((row) => mlp2(state, row));
    const r = s0.map((_, i) => s0.map((s0j, j) => mlp2(relation, [...(relations[i]?.[j] ?? []), ...s0j])));
    const H = s0[0]!.length;
    const s = s0.map((s0i, i) => {
      const p: Row = [];
      const g: Row = [];
      for (let h = 0; h < H; h++) {
        let sum = 0;
        let max = Number.NEGATIVE_INFINITY;
        for (let j = 0; j < N; j++) {
          sum += alive[j]! * r[i]![j]![h]!;
          max = Math.max(max, alive[j]! * r[i]![j]![H + h]!);
        }
        p.push(sum / N);
        g.push(max);
      }
      return relu(linear(aggregate, [...s0i, ...p, ...g]));
    });
    return { s, pairs: r };
  };
}

function norm(x: Row, { gain, offset }: { gain: HostArray; offset: HostArray }): Row {
  const mean = x.reduce((a, b) => a + b, 0) / x.length;
  const variance = x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / x.length;
  return x.map((v, d) => ((v - mean) / Math.sqrt(variance + 1e-6)) * gain.data[d]! + offset.data[d]!);
}

const gelu = (v: number) => (v / 2) * (1 + erf(v / Math.SQRT2));
const sum = (a: Row, b: Row): Row => a.map((v, k) => v + b[k]!);

/** Multi-head self-attention whose logits get `bias[i][j][h]`, with `alive` keys only. */
function attention(p: Named, x: Rows, alive: Row, bias: Rows[] | undefined): Rows {
  const [D, , h, d] = p.input.w.shape as [number, number, number, number];
  const project = (which: number, row: Row): Rows =>
    Array.from({ length: h }, (_, k) =>
      Array.from({ length: d }, (_, e) => {
        const column = (which * h + k) * d + e;
        return row.reduce((total, v, i) => total + v * p.input.w.data[i * 3 * D + column]!, p.input.b.data[column]!);
      }),
    );
  const [q, keys, values] = [0, 1, 2].map((which) => x.map((row) => project(which, row))) as [Rows[], Rows[], Rows[]];
  const output = layer(p.output);
  return x.map((_, i) => {
    const heads = Array.from({ length: h }, (_, k) => {
      const weights = x.map((_, j) => {
        const dot = q[i]![k]!.reduce((total, v, e) => total + v * keys[j]![k]![e]!, 0) / Math.sqrt(d);
        return alive[j] ? Math.exp(dot + (bias ? bias[i]![j]![k]! : 0)) : 0;
      });
      const total = weights.reduce((a, b) => a + b, 0);
      return Array.from({ length: d }, (_, e) =>
        total === 0 ? 0 : weights.reduce((mix, w, j) => mix + (w / total) * values[j]![k]![e]!, 0),
      );
    });
    return total0(alive) ? x[0]!.map(() => 0) : linear(output, heads.flat());
  });
}

/** Nobody can be attended to. */
const total0 = (alive: Row) => alive.every((a) => a === 0);

/** Pre-norm blocks over entity tokens, biased by relations. */
function transformer(p: Named, agents: number): ReferenceEncoder {
  const token = layer(p.token);
  const team = matrix(p.team);
  const biasOf = p.bias && twoLayers(p.bias);
  return ({ entities, relations, alive }) => {
    const bias: Rows[] | undefined = biasOf && relations.map((row) => row.map((relation) => head(biasOf, relation)));
    let x = entities.map((row, e) => sum(linear(token, row), team[e < agents ? 1 : 0]!));
    for (let k = 0; p.body.blocks[k]; k++) {
      const block = p.body.blocks[k];
      const attended = attention(
        block.attention,
        x.map((row) => norm(row, block.norm1)),
        alive,
        bias,
      );
      x = x.map((row, e) => sum(row, attended[e]!));
      const hidden = layer(block.mlp.hidden);
      const output = layer(block.mlp.output);
      x = x.map((row) => sum(row, linear(output, linear(hidden, norm(row, block.norm2)).map(gelu))));
    }
    const pairs = entities.map((_, i) => entities.map((_, j) => (biasOf ? relations[i]![j]! : [0])));
    return { s: x.map((row) => norm(row, p.body.norm)), pairs };
  };
}

export const referenceEncoder = (p: Named, agents: number): ReferenceEncoder =>
  "token" in p ? transformer(p, agents) : relational(p);
