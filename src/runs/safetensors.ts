import { BatonError } from "../errors.js";
import { type DType, HostArray, type HostTree, leavesOf, mapTree } from "../tensor/tree.js";

/*
 * The safetensors format: a 64-bit little-endian length, a JSON header { name: { dtype, shape, data_offsets } }, then the raw
 * arrays, little-endian and row-major, without gaps. https://github.com/huggingface/safetensors#format
 */

const fileTypes = { float32: "F32", int32: "I32", bool: "BOOL" } as const satisfies Record<DType, string>;
/** U8 is read as bool too: writers without a bool type use it for masks. */
const dtypes: Record<string, DType> = { F32: "float32", I32: "int32", BOOL: "bool", U8: "bool" };
const elementBytes = { float32: 4, int32: 4, bool: 1 } as const satisfies Record<DType, number>;

/** The reference implementation's limit. */
const largestHeader = 100_000_000;

/** More axes and deeper names than anybody has; what asks for more wants to exhaust the stack. */
const mostAxes = 32;
const deepestName = 64;

/** The tree as the contents of a safetensors file; names are paths joined with "/". The chunks are views of the tree's arrays. */
export function encodeSafetensors(tree: HostTree, metadata: Readonly<Record<string, string>> = {}): Uint8Array[] {
  const header: Record<string, unknown> = Object.keys(metadata).length > 0 ? { __metadata__: metadata } : {};
  const chunks: Uint8Array[] = [];
  let offset = 0;
  for (const { path, leaf } of leavesOf(tree)) {
    const { data } = leaf;
    header[path] = { dtype: fileTypes[leaf.dtype], shape: leaf.shape, data_offsets: [offset, offset + data.byteLength] };
    chunks.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    offset += data.byteLength;
  }
  const json = Buffer.from(JSON.stringify(header));
  const padding = (8 - (json.length % 8)) % 8;
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length + padding));
  return [length, json, Buffer.alloc(padding, " "), ...chunks];
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A piece of a hostile header, short enough for a message. */
const shown = (text: string | undefined): string =>
  text === undefined ? "none" : text.length > 80 ? `${text.slice(0, 80)}…` : text;

/** Reads one array whose data begin at `start`, where the one before it ended. */
function readArray(name: string, entry: unknown, data: Uint8Array, start: number, fail: (why: string) => BatonError): HostArray {
  if (!isRecord(entry)) throw fail(`"${shown(name)}" is not described by an object`);
  const { dtype: fileType, shape, data_offsets: offsets } = entry;
  const dtype = typeof fileType === "string" && Object.hasOwn(dtypes, fileType) ? dtypes[fileType] : undefined;
  if (dtype === undefined)
    throw fail(`"${shown(name)}" has dtype ${shown(JSON.stringify(fileType))}; read are ${Object.keys(dtypes).join(", ")}`);
  if (!Array.isArray(shape) || shape.length > mostAxes || !shape.every(isCount)) {
    throw fail(`"${shown(name)}" has shape ${shown(JSON.stringify(shape))}`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw fail(`"${shown(name)}" has data_offsets ${shown(JSON.stringify(offsets))}`);
  }
  const [from, to] = offsets as [number, number];
  const size = shape.reduce((a, b) => a * b, 1);
  if (from !== start) throw fail(`the data of "${shown(name)}" begin at ${from} instead of ${start}`);
  if (to - from !== size * elementBytes[dtype]) throw fail(`"${shown(name)}" of shape [${shape}] cannot have ${to - from} bytes`);
  if (to > data.byteLength) throw fail(`it ends within "${shown(name)}"`);
  const raw = Uint8Array.from(data.subarray(from, to));
  if (dtype === "float32") return HostArray.float32(new Float32Array(raw.buffer), ...shape);
  if (dtype === "int32") return HostArray.int32(new Int32Array(raw.buffer), ...shape);
  if (raw.some((value) => value > 1)) throw fail(`"${shown(name)}" has values other than 0 and 1`);
  return HostArray.bool(raw, ...shape);
}

/**
 * The arrays of a safetensors file by name, copied.
 *
 * @throws BatonError "invalid-file" when the file is torn or is something else; `path` names it.
 */
export function decodeSafetensors(file: Uint8Array, path: string): Map<string, HostArray> {
  const fail = (why: string, cause?: unknown) =>
    new BatonError("invalid-file", `${path} is not a whole safetensors file: ${why}`, { hint: "use another checkpoint", cause });
  if (file.byteLength < 8) throw fail(`it has ${file.byteLength} bytes`);
  const view = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const length = Number(view.readBigUInt64LE());
  if (length > largestHeader || length > file.byteLength - 8) throw fail(`its header would have ${length} bytes`);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(view.subarray(8, 8 + length)));
  } catch (error) {
    throw fail("its header is not JSON", error);
  }
  if (!isRecord(header)) throw fail("its header is not an object");
  const data = view.subarray(8 + length);
  const arrays = new Map<string, HostArray>();
  const offset = (entry: unknown, i: 0 | 1) =>
    isRecord(entry) && Array.isArray(entry.data_offsets) ? Number(entry.data_offsets[i]) : 0;
  // By position in the data, empty arrays before the one that begins there: other writers may list them in another order.
  const named = Object.entries(header).filter(([name]) => name !== "__metadata__");
  let end = 0;
  for (const [name, entry] of named.sort(([, a], [, b]) => offset(a, 0) - offset(b, 0) || offset(a, 1) - offset(b, 1))) {
    const array = readArray(name, entry, data, end, fail);
    arrays.set(name, array);
    end += array.data.byteLength;
  }
  if (end !== data.byteLength) throw fail(`${data.byteLength - end} bytes after the last array`);
  return arrays;
}

/**
 * The nested tree of arrays whose names are paths joined with "/".
 *
 * @throws BatonError "invalid-file" when a name lies below another one, or cannot be a key.
 */
export function nest(arrays: ReadonlyMap<string, HostArray>, file: string): HostTree {
  type Branch = { [key: string]: Branch | HostArray };
  const root: Branch = {};
  for (const [path, array] of arrays) {
    const keys = path.split("/");
    let branch: Branch | HostArray = root;
    keys.forEach((key, i) => {
      const last = i === keys.length - 1;
      const impossible = key === "__proto__" || keys.length > deepestName;
      if (branch instanceof HostArray || impossible || (last && Object.hasOwn(branch, key))) {
        throw new BatonError("invalid-file", `${file}: no tree has an array called "${shown(path)}" beside the others`, {
          hint: "use another checkpoint",
        });
      }
      if (last) branch[key] = array;
      else if (!Object.hasOwn(branch, key)) branch[key] = {};
      branch = branch[key]!;
    });
  }
  return root;
}

/**
 * The saved tree in the shape (and key order) of `like`, e.g. of a freshly initialised learner.
 *
 * @throws BatonError "incompatible" that names the array which is missing, superfluous or of another shape or type.
 */
export function matchTree<T extends HostTree>(like: T, saved: HostTree, what: string): T {
  const fail = (why: string) =>
    new BatonError("incompatible", `${what} does not fit this agent: ${why}`, {
      hint: "resume with the settings that the run was started with (its config.yaml), or start over with --fresh",
    });
  const arrays = new Map(leavesOf(saved).map(({ path, leaf }) => [path, leaf]));
  const out = mapTree(like as HostTree, (leaf, path) => {
    const found = arrays.get(path);
    if (found === undefined) throw fail(`it lacks "${path}"`);
    arrays.delete(path);
    if (found.dtype !== leaf.dtype || found.shape.join() !== leaf.shape.join()) {
      throw fail(`"${path}" is ${found.dtype} [${found.shape}] instead of ${leaf.dtype} [${leaf.shape}]`);
    }
    return found;
  });
  const extra = arrays.keys().next();
  if (!extra.done) throw fail(`it has "${extra.value}", which the agent does not`);
  return out as T;
}
