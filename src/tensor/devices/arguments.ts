import type { Signature } from "../device.js";
import { sameShape } from "../graph.js";
import type { ArraySpec, HostArray, HostTree } from "../tree.js";
import { leavesOf, zipTrees } from "../tree.js";

/**
 * The leaves of `args` in the order of the signature.
 *
 * @throws TypeError that names the function and the argument where the trees, shapes or types differ: a mistake in the calling code.
 */
export function checkArguments(label: string, signature: Signature, args: readonly HostTree[]): HostArray[] {
  if (args.length !== signature.length) {
    throw new TypeError(`"${label}" takes ${signature.length} arguments, not ${args.length}`);
  }
  const leaves: HostArray[] = [];
  for (const [i, spec] of signature.entries()) {
    zipTrees<ArraySpec, HostArray, void>(spec, args[i]!, (expected, array, path) => {
      if (array.dtype !== expected.dtype || !sameShape(array.shape, expected.shape)) {
        const want = `${expected.dtype}[${expected.shape}]`;
        throw new TypeError(`"${label}": argument ${i} "${path}" is ${array.dtype}[${array.shape}], expected ${want}`);
      }
      leaves.push(array);
    });
  }
  return leaves;
}

/** Writes `data` into the leaves of `into`, one each. */
export function copyInto(into: HostTree, data: readonly ArrayLike<number>[]): void {
  for (const [i, { leaf }] of leavesOf(into).entries()) leaf.data.set(data[i]!);
}
