/**
 * Where a number of the authors' stands in ours. Linear layers are [out,in] there and [in,out] here; tubes are embedded by a convolution
 * there and by a matrix of (u,py,px,C) rows here.
 *
 * @module
 */
import type { HostArray } from "../../tensor/tree.js";
import type { EncoderShape } from "../encoder.js";

/** One of their tensors that is a part of one of ours: `index(i)` is the place of their number i. */
export interface Entry {
  readonly name: string;
  readonly shape: readonly number[];
  /** Path of our array, and its shape. */
  readonly path: string;
  readonly ours: readonly number[];
  readonly index: (i: number) => number;
  /** Their second tensor of this shape, which is added to it wherever it is used: read as the sum, written as zeros. */
  readonly plus?: string;
}

/** All of a model: what is learnt, and what is stored there but computed here. */
export interface Layout {
  /** For people: "MAE", "MAE-ST". */
  readonly model: string;
  readonly entries: readonly Entry[];
  readonly computed: Readonly<Record<string, HostArray>>;
}

const same = (i: number): number => i;
export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Row r, column c of theirs [rows,columns] is row c, column r of ours. */
export const transposed =
  (rows: number, columns: number) =>
  (i: number): number =>
    (i % columns) * rows + Math.floor(i / columns);

/** A vector or table that differs in leading axes of 1 at most. */
export function alike(name: string, shape: readonly number[], path: string, ours: readonly number[], plus?: string): Entry {
  return { name, shape, path, ours, index: same, ...(plus === undefined ? {} : { plus }) };
}

export function linear(name: string, path: string, inputs: number, outputs: number): [weight: Entry, bias: Entry] {
  const index = transposed(outputs, inputs);
  return [
    { name: `${name}.weight`, shape: [outputs, inputs], path: `${path}/w`, ours: [inputs, outputs], index },
    alike(`${name}.bias`, [outputs], `${path}/b`, [outputs]),
  ];
}

export function norm(name: string, path: string, width: number): Entry[] {
  return [alike(`${name}.weight`, [width], `${path}/gain`, [width]), alike(`${name}.bias`, [width], `${path}/offset`, [width])];
}

/** Blocks that differ from one another in how `projections` name queries, keys and values of the attention at `ours` of width D. */
export function blocks(
  name: string,
  path: string,
  shape: EncoderShape,
  projections: (theirs: string, ours: string, shape: EncoderShape) => Entry[],
): Entry[] {
  const { width: D, depth, mlp = 4 * D } = shape;
  return Array.from({ length: depth }, (_, k) => {
    const [theirs, ours] = [`${name}.${k}`, `${path}/${k}`];
    return [
      ...norm(`${theirs}.norm1`, `${ours}/norm1`, D),
      ...projections(`${theirs}.attn`, `${ours}/attention/input`, shape),
      ...linear(`${theirs}.attn.proj`, `${ours}/attention/output`, D, D),
      ...norm(`${theirs}.norm2`, `${ours}/norm2`, D),
      ...linear(`${theirs}.mlp.fc1`, `${ours}/mlp/hidden`, D, mlp),
      ...linear(`${theirs}.mlp.fc2`, `${ours}/mlp/output`, mlp, D),
    ];
  }).flat();
}

/** A convolution's kernel [D,C,u,py,px] (or [D,C,py,px]) and bias as the matrix [(u,py,px,C),D] and bias that embed tubes. */
export function convolution(name: string, path: string, kernel: readonly number[]): Entry[] {
  const [D, C, ...inside] = kernel as [number, number, ...number[]];
  const places = sizeOf(inside);
  const index = (i: number) => {
    const [place, c, d] = [i % places, Math.floor(i / places) % C, Math.floor(i / (places * C))];
    return (place * C + c) * D + d;
  };
  return [
    { name: `${name}.weight`, shape: kernel, path: `${path}/w`, ours: [places * C, D], index },
    alike(`${name}.bias`, [D], `${path}/b`, [D]),
  ];
}
