import type { Tensor } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import type { HostTree, TensorTree } from "./tree.js";
import { HostArray, mapTree, zipTrees } from "./tree.js";

export interface OptimiserStep<P extends TensorTree> {
  readonly params: P;
  /** A tree like `params`. */
  readonly gradients: P;
  /** What `init` or the step before returned. */
  readonly state: TensorTree;
  /** A scalar. */
  readonly learningRate: Tensor | number;
  /** Steps done before this one, a scalar. */
  readonly step: Tensor;
}

/** A gradient-descent rule over trees, pure: state goes in and comes out. */
export interface Optimiser {
  /** The state before the first step. */
  init(params: HostTree): HostTree;
  apply<P extends TensorTree>(step: OptimiserStep<P>): { params: P; state: TensorTree };
}

const zerosLike = (params: HostTree): HostTree =>
  mapTree<HostArray, HostArray>(params, ({ shape, dtype }) => HostArray.zeros({ shape, dtype }));

const zip = (a: TensorTree, b: TensorTree, f: (a: Tensor, b: Tensor) => Tensor): TensorTree =>
  zipTrees<Tensor, Tensor, Tensor>(a, b, f);

/** ρ·average + (1−ρ)·value */
const decayed = (average: Tensor, value: Tensor, rate: number): Tensor => tf.add(tf.mul(average, rate), tf.mul(value, 1 - rate));

/** g + λ·p, the gradient of an L2 penalty added. */
const penalised = (gradients: TensorTree, params: TensorTree, decay: number): TensorTree =>
  decay === 0 ? gradients : zip(gradients, params, (g, p) => tf.add(g, tf.mul(p, decay)));

export interface RmspropOptions {
  /** Decay of the average of squared gradients, per step. */
  readonly alpha?: number;
  /** Added to the root, not under it. */
  readonly epsilon?: number;
  /** L2 penalty, added to the gradient. */
  readonly weightDecay?: number;
}

/** RMSprop as PyTorch has it, not centred, without momentum: v ← αv + (1−α)g², p ← p − lr·g/(√v + ε). */
export function rmsprop({ alpha = 0.99, epsilon = 1e-5, weightDecay = 0 }: RmspropOptions = {}): Optimiser {
  return {
    init: (params) => ({ square: zerosLike(params) }),
    apply<P extends TensorTree>({ params, gradients, state, learningRate }: OptimiserStep<P>) {
      const g = penalised(gradients, params, weightDecay);
      const square = zip((state as { square: TensorTree }).square, g, (v, gi) => decayed(v, tf.square(gi), alpha));
      const direction = zip(g, square, (gi, v) => tf.div(gi, tf.add(tf.sqrt(v), epsilon)));
      const next = zip(params, direction, (p, d) => tf.sub(p, tf.mul(d, learningRate)));
      return { params: next as P, state: { square } };
    },
  };
}

export interface AdamOptions {
  /** Decay of the average gradient, per step. */
  readonly beta1?: number;
  /** Decay of the average squared gradient, per step. */
  readonly beta2?: number;
  readonly epsilon?: number;
  /** `adam`: L2 penalty in the gradient. `adamw`: share of the weights taken off per unit of learning rate. */
  readonly weightDecay?: number;
}

/** Adam (Kingma and Ba, 2015), bias-corrected, with ε outside of the root as PyTorch has it. */
export function adam({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 }: AdamOptions = {}): Optimiser {
  return adaptiveMoments(beta1, beta2, epsilon, (gradients, params) => penalised(gradients, params, weightDecay), 0);
}

/** Adam with decoupled weight decay (Loshchilov and Hutter, 2019): p ← p − lr·λ·p before the step. */
export function adamw({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0.01 }: AdamOptions = {}): Optimiser {
  return adaptiveMoments(beta1, beta2, epsilon, (gradients) => gradients, weightDecay);
}

function adaptiveMoments(
  beta1: number,
  beta2: number,
  epsilon: number,
  regularise: (gradients: TensorTree, params: TensorTree) => TensorTree,
  decay: number,
): Optimiser {
  return {
    init: (params) => ({ mean: zerosLike(params), square: zerosLike(params) }),
    apply<P extends TensorTree>({ params, gradients, state, learningRate, step }: OptimiserStep<P>) {
      const moments = state as { mean: TensorTree; square: TensorTree };
      const g = regularise(gradients, params);
      const mean = zip(moments.mean, g, (m, gi) => decayed(m, gi, beta1));
      const square = zip(moments.square, g, (v, gi) => decayed(v, tf.square(gi), beta2));
      const t = tf.add(tf.cast(step, "float32"), 1);
      // lr·(m/c₁)/(√(v/c₂)+ε), with the two scalars taken out of the vectors
      const rate = tf.div(learningRate, correction(beta1, t));
      const scale = tf.sqrt(correction(beta2, t));
      const direction = zip(mean, square, (m, v) => tf.div(m, tf.add(tf.div(tf.sqrt(v), scale), epsilon)));
      const shrunk =
        decay === 0 ? params : mapTree<Tensor, Tensor>(params, (p) => tf.mul(p, tf.sub(1, tf.mul(learningRate, decay))));
      const next = zip(shrunk, direction, (p, d) => tf.sub(p, tf.mul(d, rate)));
      return { params: next as P, state: { mean, square } };
    },
  };
}

/** 1 − βᵗ, by expm1 because 1 − 0.999 in float32 keeps only four digits. */
const correction = (beta: number, t: Tensor): Tensor => tf.neg(tf.expm1(tf.mul(t, Math.log(beta))));
