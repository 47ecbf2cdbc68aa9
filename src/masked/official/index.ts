/**
 * Weights under the names of the authors' MAE and MAE-ST, so that converted published checkpoints load and ours can be compared. The file
 * format is safetensors; here are only names, shapes and the order of numbers.
 *
 * @module
 */
import { BatonError } from "../../errors.js";
import { HostArray, type HostTree, leavesOf } from "../../tensor/tree.js";
import type { EncoderShape } from "../encoder.js";
import { type Layout, sizeOf } from "./entries.js";
import { maeLayout } from "./mae.js";
import { maeStLayout } from "./mae-st.js";

/** The sizes of an autoencoder with a class token: of pictures, or of videos where `frames` is given. */
export interface OfficialShape {
  readonly channels: number;
  readonly patch: number;
  readonly rows: number;
  readonly columns: number;
  /** Tubes one after another; makes it a MAE-ST. */
  readonly frames?: number;
  /** Frames of a tube; 1 unless given. */
  readonly tube?: number;
  /** Frames of a tube that are predicted; all unless given. */
  readonly predictedTube?: number;
  readonly encoder: EncoderShape;
  readonly decoder: EncoderShape;
}

const layoutOf = (shape: OfficialShape): Layout => (shape.frames === undefined ? maeLayout(shape) : maeStLayout(shape));

/** `{ autoencoder, places? }` as `Model.init` makes it, under the authors' names. */
export function toOfficial(params: HostTree, shape: OfficialShape): Record<string, HostArray> {
  const ours = new Map(leavesOf<HostArray>(params).map(({ path, leaf }) => [path, leaf.data]));
  const { entries, computed } = layoutOf(shape);
  const out: Record<string, HostArray> = { ...computed };
  for (const { name, shape: theirs, path, ours: whole, index, plus } of entries) {
    const data = ours.get(path);
    if (data === undefined || data.length !== sizeOf(whole)) {
      throw new TypeError(`the autoencoder has no "${path}" of ${sizeOf(whole)} numbers`);
    }
    out[name] = HostArray.float32(
      Float32Array.from({ length: sizeOf(theirs) }, (_, i) => data[index(i)]!),
      ...theirs,
    );
    if (plus !== undefined) out[plus] = HostArray.zeros(out[name]);
  }
  return out;
}

/**
 * The autoencoder, and for videos its places, of a file with the authors' names. Positions in it that MAE computes must be those that are
 * computed here.
 *
 * @throws BatonError "incompatible" that names the tensor which is missing, superfluous or of another shape.
 */
export function fromOfficial(arrays: ReadonlyMap<string, HostArray>, shape: OfficialShape, file: string): HostTree {
  const { model, entries, computed } = layoutOf(shape);
  const fail = (why: string) =>
    new BatonError("incompatible", `${file} does not hold this ${model}: ${why}`, {
      hint: "patch, tube, widths, depths and heads must be those that the weights were trained with",
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
  for (const [name, ours] of Object.entries(computed)) {
    if (!left.has(name)) continue;
    const theirs = take(name, ours.shape);
    const off = theirs.data.findIndex((value, i) => !(Math.abs(value - ours.data[i]!) < 1e-4));
    if (off >= 0) throw fail(`"${name}" are not the sine-cosine positions that ${model} computes`);
  }
  const found = new Map<string, HostArray>();
  for (const { name, shape: wanted, path, ours, index, plus } of entries) {
    const theirs = take(name, wanted);
    const more = plus === undefined ? undefined : take(plus, wanted);
    const leaf = found.get(path) ?? HostArray.zeros({ shape: ours, dtype: "float32" });
    for (let i = 0; i < theirs.data.length; i++) leaf.data[index(i)] = theirs.data[i]! + (more?.data[i] ?? 0);
    found.set(path, leaf);
  }
  const extra = left.keys().next();
  if (!extra.done) throw fail(`it has "${extra.value}", which ${model} does not`);
  const tree: Record<string, unknown> = {};
  for (const [path, leaf] of found) plant(tree, path.split("/"), leaf);
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
