/** Layers in float64 with plain loops. */
import type { HostArray } from "../../src/tensor/tree.js";

export type Row = number[];
export type Rows = Row[];

/** A weight matrix [in][out] with its bias. */
export type Layer = { w: Rows; b: Row };
/** Two of them. */
export type TwoLayers = { hidden: Layer; output: Layer };

// biome-ignore lint/suspicious/noExplicitAny: the parameter tree is read by name only
export type Named = any;

export const matrix = (a: HostArray): Rows => {
  const [rows, columns] = a.shape as [number, number];
  return Array.from({ length: rows }, (_, i) => Array.from(a.data.subarray(i * columns, (i + 1) * columns)));
};

export const layer = (p: Named): Layer => ({ w: matrix(p.w), b: Array.from(p.b.data) });
export const twoLayers = (p: Named): TwoLayers => ({ hidden: layer(p.hidden), output: layer(p.output) });
/** One first layer out of the parts that agents/ace keeps apart: the rows stacked in the order of the concatenated input. */
export const stacked = (parts: HostArray[], b: HostArray): Layer => ({ w: parts.flatMap(matrix), b: Array.from(b.data) });

export function linear({ w, b }: Layer, x: Row): Row {
  if (w.length !== x.length) throw new Error(`a layer takes ${w.length} inputs, got ${x.length}`);
  const y = [...b];
  for (const [i, row] of w.entries()) for (let o = 0; o < y.length; o++) y[o]! += x[i]! * row[o]!;
  return y;
}

export const relu = (x: Row): Row => x.map((v) => Math.max(0, v));
/** Linear, ReLU, Linear. */
export const head = (p: TwoLayers, x: Row): Row => linear(p.output, relu(linear(p.hidden, x)));
/** Linear, ReLU, Linear, ReLU. */
export const mlp2 = (p: TwoLayers, x: Row): Row => relu(head(p, x));

/** The error function by its Maclaurin series, for arguments below 4 or so. */
export function erf(z: number): number {
  let term = z;
  let sum = z;
  for (let k = 1; k < 200; k++) {
    term *= (-z * z) / k;
    sum += term / (2 * k + 1);
    if (Math.abs(term) < 1e-18) break;
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
