/**
 * State in few vectors instead of many small arrays: parameters, target and each kind of moments are one vector each. A compiled
 * step then takes and gives a handful of arrays, and its optimiser is one chain of operators over each vector (passes/vectors.ts).
 * Large arrays stay by themselves: a chain of operators over one of them finds in the cache what the operator before has written.
 * Outside, the state is a tree of named arrays as ever: they are views of the vectors.
 *
 * @module
 */
import type { Tensor } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { largeSize, sizeOf } from "./graph.js";
import type { ArraySpec, HostTree, TensorTree, Tree } from "./tree.js";
import { HostArray, isRecord, leavesOf, mapTree, unflatten } from "./tree.js";

/** Arrays of no numbers have no place in a vector. */
const isJoined = ({ shape }: ArraySpec): boolean => sizeOf(shape) > 0 && sizeOf(shape) < largeSize;

/** Leaves, by their number in the order of {@link leavesOf}, that lie one after another in one vector; or one leaf as it is. */
type Group = readonly number[];

const vectorSpec = (specs: readonly ArraySpec[]): ArraySpec => ({
  shape: [specs.reduce((size, { shape }) => size + sizeOf(shape), 0)],
  dtype: "float32",
});

/** How the leaves of a tree lie in vectors. */
export class FlatLayout {
  readonly #leaves: readonly ArraySpec[];
  readonly #groups: readonly Group[];

  constructor(private readonly specs: Tree<ArraySpec>) {
    this.#leaves = leavesOf(specs).map(({ leaf }) => leaf);
    this.#groups = groupsOf(specs);
  }

  /** What the vectors are, by number. */
  get vectors(): Record<string, ArraySpec> {
    return this.#keyed((group) => (group.length === 1 ? this.#leaves[group[0]!]! : vectorSpec(this.#of(group))));
  }

  /** The tree of the named leaves as views of host vectors. */
  views(vectors: Record<string, HostArray>): HostTree {
    const leaves: HostArray[] = [];
    for (const [k, group] of this.#groups.entries()) {
      const vector = vectors[k]!;
      let offset = 0;
      for (const i of group) {
        const { shape, dtype } = this.#leaves[i]!;
        leaves[i] = new HostArray(vector.data.subarray(offset, offset + sizeOf(shape)), shape, dtype);
        offset += sizeOf(shape);
      }
    }
    return unflatten(this.specs, leaves);
  }

  /** The tree of the named leaves from tensors of the vectors. */
  split(vectors: Record<string, Tensor>): TensorTree {
    const leaves: Tensor[] = [];
    for (const [k, group] of this.#groups.entries()) {
      const sizes = this.#of(group).map(({ shape }) => sizeOf(shape));
      const parts = group.length === 1 ? [vectors[k]!] : tf.split(vectors[k]!, sizes);
      for (const [j, i] of group.entries()) leaves[i] = parts[j]!.reshape([...this.#leaves[i]!.shape]);
    }
    return unflatten(this.specs, leaves);
  }

  /** The vectors of a tree of tensors. */
  join(tree: TensorTree): Record<string, Tensor> {
    const leaves = leavesOf<Tensor>(tree).map(({ leaf }) => leaf);
    return this.#keyed((group) =>
      group.length === 1 ? leaves[group[0]!]! : tf.concat(group.map((i) => leaves[i]!.reshape([-1]))),
    );
  }

  #of(group: Group): ArraySpec[] {
    return group.map((i) => this.#leaves[i]!);
  }

  #keyed<T>(of: (group: Group) => T): Record<string, T> {
    return Object.fromEntries(this.#groups.map((group, k) => [k, of(group)]));
  }
}

/**
 * Subtrees that look alike (parameters, their slow copy, their moments) become one vector each, so that what an optimiser does to all of
 * them lines up. The first of a kind is a part of the state that holds no copies of another part.
 */
function groupsOf(specs: Tree<ArraySpec>): Group[] {
  const numbers = unflatten<ArraySpec, number>(
    specs,
    leavesOf(specs).map((_, i) => i),
  );
  const kinds = new Set<string>();
  const groups: Group[] = [];
  const kindOf = (tree: Tree<ArraySpec>) => JSON.stringify(leavesOf(tree).map(({ leaf }) => [leaf.shape, leaf.dtype]));

  const visit = (tree: Tree<ArraySpec>, at: Tree<number>) => {
    const children = isRecord(tree) ? (Object.keys(tree) as (keyof typeof tree)[]) : [];
    const inside = children.map((key) => [tree[key] as Tree<ArraySpec>, (at as typeof tree)[key] as Tree<number>] as const);
    if (children.length > 0 && inside.some(([child]) => isRecord(child) && kinds.has(kindOf(child)))) {
      for (const [child, numbered] of inside) visit(child, numbered);
      return;
    }
    const leaves = leavesOf(tree).map(({ leaf }) => leaf);
    const members = leavesOf<number>(at).map(({ leaf }) => leaf);
    const joined = members.filter((_, k) => leaves[k]!.dtype === "float32" && isJoined(leaves[k]!));
    if (joined.length > 0) groups.push(joined);
    for (const i of members) if (!joined.includes(i)) groups.push([i]);
    kinds.add(kindOf(tree));
  };
  if (!isRecord(specs)) return [[0]];
  for (const key of Object.keys(specs)) visit(specs[key as never], numbers[key as never]);
  return groups;
}

/** Fresh host vectors. */
export const allocate = (vectors: Record<string, ArraySpec>): Record<string, HostArray> =>
  mapTree<ArraySpec, HostArray>(vectors, (spec) => HostArray.zeros(spec)) as Record<string, HostArray>;
