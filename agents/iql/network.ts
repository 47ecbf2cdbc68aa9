import * as tf from "@tensorflow/tfjs";
import type { EnvironmentSpec } from "../../src/environment.js";
import { uniformFanIn } from "../../src/tensor/initialise.js";
import { dense, type Linear } from "../../src/tensor/layers.js";
import type { RandomStream } from "../../src/tensor/random.js";
import type { HostArray, Mapped } from "../../src/tensor/tree.js";

type Tensor = tf.Tensor;

/** (O+n)→H→H→A, one network for all agents that tells them apart by a one-hot of their number. */
export type NetworkParameters = { first: Linear; second: Linear; output: Linear };

export function initNetwork(rng: RandomStream, spec: EnvironmentSpec, H: number): Mapped<NetworkParameters, Tensor, HostArray> {
  return {
    first: uniformFanIn(rng, spec.observationSize + spec.agents, H),
    second: uniformFanIn(rng, H, H),
    output: uniformFanIn(rng, H, spec.actions),
  };
}

/** Q_i(o_i, ·): observations [B,n,O] give [B,n,A]. */
export function actionValues(p: NetworkParameters, observations: Tensor): Tensor {
  const [B, n] = observations.shape as [number, number, number];
  const identity = tf.tile(tf.reshape(tf.eye(n), [1, n, n]), [B, 1, 1]);
  const x = tf.concat([observations, identity], 2);
  return dense(tf.relu(dense(tf.relu(dense(x, p.first)), p.second)), p.output);
}
