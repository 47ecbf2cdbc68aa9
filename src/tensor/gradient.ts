import type { Tensor } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import "./gradients.js";
import type { TensorTree } from "./tree.js";
import { leavesOf, mapTree, unflatten } from "./tree.js";

/** What a differentiated function returns: the scalar that is differentiated, and tensors that are only passed on. */
export type LossWithAuxiliary<Aux extends TensorTree> = { readonly loss: Tensor; readonly auxiliary: Aux };

export type ValueAndGradient<P extends TensorTree, Aux extends TensorTree> = {
  /** The loss, a scalar. */
  readonly value: Tensor;
  readonly auxiliary: Aux;
  /** ∂loss/∂p for every leaf p of the parameters, zeros where the loss does not depend on it. */
  readonly gradients: P;
};

/**
 * Evaluates `fn(params)` and differentiates its loss by every leaf of `params`. Tensors that `fn` closes over count as constants, and so
 * do its auxiliary outputs: they are what tf.stopGradient would make of them.
 *
 * @throws TypeError when the loss is not a scalar.
 */
export function valueAndGradTree<P extends TensorTree, Aux extends TensorTree>(
  fn: (params: P) => LossWithAuxiliary<Aux>,
  params: P,
): ValueAndGradient<P, Aux> {
  let kept: TensorTree | undefined;
  const leaves = leavesOf<Tensor>(params).map(({ leaf }) => leaf);
  const forward = () => {
    const { loss, auxiliary } = fn(params);
    if (loss.rank !== 0) throw new TypeError(`the loss has shape [${loss.shape}], expected a scalar`);
    // tfjs frees whatever the forward pass leaves behind except its result; a kept copy survives.
    kept = mapTree<Tensor, Tensor>(auxiliary, (leaf) => tf.keep(leaf.clone()));
    return loss;
  };
  const { value, grads } = tf.engine().gradients(forward, leaves, undefined, true);
  const gradients = leaves.map((leaf, i) => grads[i] ?? tf.zerosLike(leaf));
  return { value, auxiliary: released(kept!) as Aux, gradients: unflatten(params as TensorTree, gradients) as P };
}

/** Kept tensors as ordinary ones, which the surrounding tf.tidy frees. */
function released(tree: TensorTree): TensorTree {
  return mapTree<Tensor, Tensor>(tree, (leaf) => {
    const copy = leaf.clone();
    leaf.dispose();
    return copy;
  });
}
