import type { Tensor } from "@tensorflow/tfjs";

/**
 * A nested record of leaves: how parameters, batches and states are held everywhere. Declare concrete trees as *type aliases*
 * (`type Linear = { w: Tensor; b: Tensor }`), which TypeScript accepts as a `Tree<Tensor>`; interfaces it does not.
 */
export type Tree<L> = L | { readonly [key: string]: Tree<L> };

/** The tree of the same shape with every leaf of type `From` replaced by `To`. */
export type Mapped<T, From, To> = T extends From ? To : { [K in keyof T]: Mapped<T[K], From, To> };

export type DType = "float32" | "int32" | "bool";

/** Shape and type of one array. */
export type ArraySpec = { readonly shape: readonly number[]; readonly dtype: DType };

export type HostData = Float32Array | Int32Array | Uint8Array;

/** An array in JavaScript's memory, row-major: what crosses into and out of compiled functions. `bool` is a Uint8Array of 0 and 1. */
export class HostArray {
  constructor(
    readonly data: HostData,
    readonly shape: readonly number[],
    readonly dtype: DType,
  ) {
    const size = shape.reduce((a, b) => a * b, 1);
    if (data.length !== size) throw new RangeError(`array of ${data.length} elements does not have shape [${shape}]`);
  }

  static zeros(spec: ArraySpec): HostArray {
    const size = spec.shape.reduce((a, b) => a * b, 1);
    const data =
      spec.dtype === "float32" ? new Float32Array(size) : spec.dtype === "int32" ? new Int32Array(size) : new Uint8Array(size);
    return new HostArray(data, spec.shape, spec.dtype);
  }

  static float32(data: Float32Array, ...shape: number[]): HostArray {
    return new HostArray(data, shape, "float32");
  }

  static int32(data: Int32Array, ...shape: number[]): HostArray {
    return new HostArray(data, shape, "int32");
  }

  static bool(data: Uint8Array, ...shape: number[]): HostArray {
    return new HostArray(data, shape, "bool");
  }

  static scalar(value: number): HostArray {
    return new HostArray(Float32Array.of(value), [], "float32");
  }

  clone(): HostArray {
    return new HostArray(this.data.slice(), this.shape, this.dtype);
  }
}

export type HostTree = Tree<HostArray>;
export type TensorTree = Tree<Tensor>;

/** The tensors that a pure function sees for a host tree `T`. */
export type Tensors<T> = Mapped<T, HostArray, Tensor>;
/** The host arrays that come out for a tensor tree `T`. */
export type Hosted<T> = Mapped<T, Tensor, HostArray>;

/** An inner node: a plain object, unless it is an {@link ArraySpec}. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return false;
  return !("dtype" in value && "shape" in value && Array.isArray(value.shape));
}

/** Applies `f` to every leaf; `path` joins the keys with "/". Leaves are array specs and whatever is not a plain object. */
export function mapTree<A, B>(tree: Tree<A>, f: (leaf: A, path: string) => B, path = ""): Tree<B> {
  if (!isRecord(tree)) return f(tree as A, path);
  const out: Record<string, Tree<B>> = {};
  for (const [key, value] of Object.entries(tree)) out[key] = mapTree(value as Tree<A>, f, path ? `${path}/${key}` : key);
  return out;
}

/** All leaves with their paths, in the order of the keys. */
export function leavesOf<L>(tree: Tree<L>): { path: string; leaf: L }[] {
  const out: { path: string; leaf: L }[] = [];
  mapTree(tree, (leaf, path) => {
    out.push({ path, leaf });
  });
  return out;
}

/** Combines trees of the same shape leaf by leaf. Throws a TypeError that names the path where they differ. */
export function zipTrees<A, B, C>(a: Tree<A>, b: Tree<B>, f: (a: A, b: B, path: string) => C, path = ""): Tree<C> {
  if (isRecord(a) !== isRecord(b)) throw new TypeError(`trees differ in shape at "${path}"`);
  if (!isRecord(a)) return f(a as A, b as B, path);
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b as object).length) throw new TypeError(`trees differ in their keys at "${path}"`);
  const out: Record<string, Tree<C>> = {};
  for (const key of keys) {
    if (!(key in (b as object))) throw new TypeError(`trees differ: "${path ? `${path}/${key}` : key}" is in only one of them`);
    const next = path ? `${path}/${key}` : key;
    out[key] = zipTrees(a[key] as Tree<A>, (b as Record<string, Tree<B>>)[key] as Tree<B>, f, next);
  }
  return out;
}

/** Rebuilds the shape of `like` from `leaves` in the order of {@link leavesOf}. */
export function unflatten<A, B>(like: Tree<A>, leaves: readonly B[]): Tree<B> {
  let next = 0;
  return mapTree(like, () => leaves[next++]!);
}

/** Shapes and types of a host tree, e.g. as a signature for `compile`. */
export function specOf<T extends HostTree>(tree: T): Mapped<T, HostArray, ArraySpec> {
  return mapTree(tree as HostTree, (leaf) => ({ shape: leaf.shape, dtype: leaf.dtype })) as Mapped<T, HostArray, ArraySpec>;
}
