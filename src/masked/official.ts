/**
 * Weights under the names of the authors' MAE (facebookresearch/mae, models_mae.py), so that converted published checkpoints load and ours
 * can be compared. The file format is safetensors; here are only names, shapes and the order of numbers.
 *
 * Theirs and ours: linear layers are [out,in] there and [in,out] here; queries, keys and values are rows of one matrix there; patches are
 * embedded by a convolution [D,C,py,px] there and by a matrix of (py,px,C) rows here; positions are stored there and computed here.
 *
 * @module
 */
import { BatonError } from "../errors.js";
import { HostArray, type HostTree, leavesOf } from "../tensor/tree.js";
import type { EncoderShape } from "./encoder.js";
import { sinCosGrid } from "./positions.js";

/** A square-patched MAE of pictures. */
export interface OfficialShape {
  readonly channels: number;
  readonly patch: number;
  readonly rows: number;
  readonly columns: number;
  readonly encoder: EncoderShape;
  readonly decoder: EncoderShape;
}

/** Where a number of theirs stands in ours: `index(i)` for their number i. */
interface Entry {
  readonly name: string;
  readonly shape: readonly number[];
  /** Path of our array, and its shape. */
  readonly path: string;
  readonly ours: readonly number[];
  readonly index: (i: number) => number;
}

const same = (i: number): number => i;
const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Row r, column c of theirs [rows,columns] is row c, column r of ours. */
const transposed =
  (rows: number, columns: number) =>
  (i: number): number =>
    (i % columns) * rows + Math.floor(i / columns);

function linear(name: string, path: string, inputs: number, outputs: number): Entry[] {
  return [
    {
      name: `${name}.weight`,
      shape: [outputs, inputs],
      path: `${path}/w`,
      ours: [inputs, outputs],
      index: transposed(outputs, inputs),
    },
    { name: `${name}.bias`, shape: [outputs], path: `${path}/b`, ours: [outputs], index: same },
  ];
}

function norm(name: string, path: string, width: number): Entry[] {
  return [
    { name: `${name}.weight`, shape: [width], path: `${path}/gain`, ours: [width], index: same },
    { name: `${name}.bias`, shape: [width], path: `${path}/offset`, ours: [width], index: same },
  ];
}

function blocks(name: string, path: string, { width: D, depth, heads, mlp = 4 * D }: EncoderShape): Entry[] {
  const perHead = [3, heads, D / heads];
  return Array.from({ length: depth }, (_, k) => {
    const [theirs, ours] = [`${name}.${k}`, `${path}/${k}`];
    const [weight, bias] = linear(`${theirs}.attn.qkv`, `${ours}/attention/input`, D, 3 * D) as [Entry, Entry];
    return [
      ...norm(`${theirs}.norm1`, `${ours}/norm1`, D),
      { ...weight, ours: [D, ...perHead] },
      { ...bias, ours: perHead },
      ...linear(`${theirs}.attn.proj`, `${ours}/attention/output`, D, D),
      ...norm(`${theirs}.norm2`, `${ours}/norm2`, D),
      ...linear(`${theirs}.mlp.fc1`, `${ours}/mlp/hidden`, D, mlp),
      ...linear(`${theirs}.mlp.fc2`, `${ours}/mlp/output`, mlp, D),
    ];
  }).flat();
}

function entriesOf({ channels: C, patch: p, encoder, decoder }: OfficialShape): Entry[] {
  const [D, Dd, F] = [encoder.width, decoder.width, p * p * C];
  // theirs [D,C,py,px] → ours [(py,px,C),D]
  const convolution = (i: number) => {
    const [px, py] = [i % p, Math.floor(i / p) % p];
    const [c, d] = [Math.floor(i / (p * p)) % C, Math.floor(i / (p * p * C))];
    return ((py * p + px) * C + c) * D + d;
  };
  return [
    { name: "cls_token", shape: [1, 1, D], path: "cls", ours: [D], index: same },
    { name: "mask_token", shape: [1, 1, Dd], path: "decoder/maskToken", ours: [Dd], index: same },
    { name: "patch_embed.proj.weight", shape: [D, C, p, p], path: "embed/w", ours: [F, D], index: convolution },
    { name: "patch_embed.proj.bias", shape: [D], path: "embed/b", ours: [D], index: same },
    ...blocks("blocks", "encoder/blocks", encoder),
    ...norm("norm", "encoder/norm", D),
    ...linear("decoder_embed", "decoder/embed", D, Dd),
    ...blocks("decoder_blocks", "decoder/body/blocks", decoder),
    ...norm("decoder_norm", "decoder/body/norm", Dd),
    ...linear("decoder_pred", "decoder/predict", Dd, F),
  ];
}

/** Their table of positions: ours behind a row of zeros for the class token, [1,1+T,width]. */
function positionsOf({ rows, columns }: OfficialShape, width: number): HostArray {
  const table = new Float32Array((1 + rows * columns) * width);
  table.set(sinCosGrid(rows, columns, width).data, width);
  return HostArray.float32(table, 1, 1 + rows * columns, width);
}

/** An autoencoder with a class token, under the authors' names. */
export function toOfficial(params: HostTree, shape: OfficialShape): Record<string, HostArray> {
  const ours = new Map(leavesOf<HostArray>(params).map(({ path, leaf }) => [path, leaf.data]));
  const out: Record<string, HostArray> = {
    pos_embed: positionsOf(shape, shape.encoder.width),
    decoder_pos_embed: positionsOf(shape, shape.decoder.width),
  };
  for (const { name, shape: theirs, path, index } of entriesOf(shape)) {
    const data = ours.get(path);
    if (data === undefined || data.length !== size(theirs)) {
      throw new TypeError(`the autoencoder has no "${path}" of ${size(theirs)} numbers`);
    }
    out[name] = HostArray.float32(
      Float32Array.from({ length: data.length }, (_, i) => data[index(i)]!),
      ...theirs,
    );
  }
  return out;
}

/**
 * The autoencoder of a file with the authors' names. Positions in it must be those that are computed here.
 *
 * @throws BatonError "incompatible" that names the tensor which is missing, superfluous or of another shape.
 */
export function fromOfficial(arrays: ReadonlyMap<string, HostArray>, shape: OfficialShape, file: string): HostTree {
  const fail = (why: string) =>
    new BatonError("incompatible", `${file} does not hold this MAE: ${why}`, {
      hint: "patch, widths, depths and heads must be those that the weights were trained with",
    });
  const left = new Map(arrays);
  const take = (name: string, wanted: readonly number[]): HostArray => {
    const found = left.get(name);
    if (found === undefined) throw fail(`it lacks "${name}"`);
    left.delete(name);
    if (found.dtype !== "float32" || `${found.shape}` !== `${wanted}`) {
      throw fail(`"${name}" is ${found.dtype} [${found.shape}], expected float32 [${wanted}]`);
    }
    return found;
  };
  for (const [name, width] of [
    ["pos_embed", shape.encoder.width],
    ["decoder_pos_embed", shape.decoder.width],
  ] as const) {
    if (!left.has(name)) continue;
    const ours = positionsOf(shape, width);
    const theirs = take(name, ours.shape);
    const off = theirs.data.findIndex((value, i) => !(Math.abs(value - ours.data[i]!) < 1e-4));
    if (off >= 0) throw fail(`"${name}" are not the sine-cosine positions that MAE computes`);
  }
  const tree: Record<string, unknown> = {};
  for (const { name, shape: wanted, path, ours, index } of entriesOf(shape)) {
    const theirs = take(name, wanted);
    const data = new Float32Array(size(ours));
    for (let i = 0; i < data.length; i++) data[index(i)] = theirs.data[i]!;
    plant(tree, path.split("/"), HostArray.float32(data, ...ours));
  }
  const extra = left.keys().next();
  if (!extra.done) throw fail(`it has "${extra.value}", which MAE does not`);
  return tree as HostTree;
}

function plant(tree: Record<string, unknown>, keys: readonly string[], leaf: HostArray): void {
  let at = tree;
  for (const key of keys.slice(0, -1)) {
    at[key] ??= {};
    at = at[key] as Record<string, unknown>;
  }
  at[keys.at(-1)!] = leaf;
}
