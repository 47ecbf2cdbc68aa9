/**
 * A decentralised policy: each agent attends over its own last W observations and actions, and over nothing else. One network serves all
 * agents; a learned row tells them apart. Blocks are those of the masked core.
 *
 * Axes: `B` batch, `W` window (the last is now), `n` agents, `O` observation, `A` actions, `D` width, `h` heads.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { EnvironmentSpec } from "../../src/environment.js";
import { type Encoder, encode, initEncoder } from "../../src/masked/index.js";
import { normal, uniformFanIn, zeros } from "../../src/tensor/initialise.js";
import { dense, type Linear } from "../../src/tensor/layers.js";
import type { RandomStream } from "../../src/tensor/random.js";
import type { HostArray, Mapped } from "../../src/tensor/tree.js";
import type { StudentSettings } from "./settings.js";

type Tensor = tf.Tensor;

export type NetworkParameters = {
  /** (O+A)→D: an observation and the action before it, one-hot. */
  token: Linear;
  /** [n,D]: which agent it is. */
  identity: Tensor;
  /** [W,h]: what it adds to the attention that something is so many steps ago. */
  age: Tensor;
  body: Encoder;
  /** D→A */
  output: Linear;
};

export function initNetwork(
  rng: RandomStream,
  spec: EnvironmentSpec,
  { width, heads, depth, window }: StudentSettings,
): Mapped<NetworkParameters, Tensor, HostArray> {
  return {
    token: uniformFanIn(rng, spec.observationSize + spec.actions, width),
    identity: normal(rng, [spec.agents, width], 0.02),
    age: zeros([window, heads]),
    body: initEncoder(rng, { width, depth, heads, mlp: 2 * width }),
    output: uniformFanIn(rng, width, spec.actions),
  };
}

/** What an agent knows at each step: observation and the action before it. observations [B,W,n,O], previous [B,W,n] (0 = none, a+1). */
export function inputsOf(observations: Tensor, previous: Tensor, A: number): Tensor {
  const before = tf.oneHot(tf.sub(tf.cast(previous, "int32"), tf.scalar(1, "int32")), A); // no action: zeros
  return tf.concat([observations, tf.cast(before, "float32")], -1);
}

/**
 * Logits of every action at every step of a window, each from what lies before it only.
 *
 * @param inputs [B,W,n,O+A]
 * @param valid [B,W] bool: the step belongs to the episode.
 * @returns [B,W,n,A]
 */
export function logits(p: NetworkParameters, inputs: Tensor, valid: Tensor): Tensor {
  const [B, W, n, F] = inputs.shape as [number, number, number, number];
  const D = p.token.b.shape[0]!;
  if (F !== p.token.w.shape[0]) throw new RangeError(`inputs have ${F} features, the network takes ${p.token.w.shape[0]}`);
  const tokens = tf.add(dense(inputs, p.token), tf.reshape(p.identity, [1, 1, n, D]));
  const perAgent = tf.reshape(tf.transpose(tf.reshape(tokens, [B, W, n, D]), [0, 2, 1, 3]), [B * n, W, D]);
  const at = tf.range(0, W, 1, "int32");
  const ago = tf.sub(tf.reshape(at, [W, 1]), tf.reshape(at, [1, W])); // [W,W] steps from row back to column
  const past = tf.greaterEqual(ago, tf.scalar(0, "int32"));
  const known = tf.reshape(tf.tile(tf.reshape(valid, [B, 1, 1, W]), [1, n, 1, 1]), [B * n, 1, W]);
  const allow = tf.logicalAnd(tf.reshape(past, [1, W, W]), known);
  const bias = biasOf(p.age, ago);
  const encoded = tf.reshape(encode(p.body, perAgent, { allow, bias }), [B, n, W, D]);
  return tf.transpose(dense(encoded, p.output), [0, 2, 1, 3]);
}

/** age [W,h] by steps back [W,W] (negative ones are masked anyway) as [1,h,W,W]; differentiable. */
function biasOf(age: Tensor, ago: Tensor): Tensor {
  const [W, h] = age.shape as [number, number];
  const steps = tf.reshape(tf.range(0, W, 1, "int32"), [1, W]);
  const which = tf.cast(tf.equal(tf.reshape(ago, [W * W, 1]), steps), "float32"); // one-hot, zero rows for the future
  return tf.transpose(tf.reshape(tf.matMul(which, age), [1, W, W, h]), [0, 3, 1, 2]);
}
