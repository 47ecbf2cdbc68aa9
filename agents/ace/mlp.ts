import * as tf from "@tensorflow/tfjs";
import { uniformFanIn } from "../../src/tensor/initialise.js";
import { dense, type Linear } from "../../src/tensor/layers.js";
import type { RandomStream } from "../../src/tensor/random.js";
import type { HostArray, Mapped } from "../../src/tensor/tree.js";

/** Two linear layers. */
export type Mlp = { hidden: Linear; output: Linear };

/** a→b→c, initialised as PyTorch does by default. */
export const initMlp = (rng: RandomStream, a: number, b: number, c: number): Mapped<Mlp, tf.Tensor, HostArray> => ({
  hidden: uniformFanIn(rng, a, b),
  output: uniformFanIn(rng, b, c),
});

/** Linear, ReLU, Linear, ReLU: […,a] → […,c]. */
export const mlp = (x: tf.Tensor, p: Mlp): tf.Tensor => tf.relu(head(x, p));

/** Linear, ReLU, Linear: […,a] → […,c]. */
export const head = (x: tf.Tensor, p: Mlp): tf.Tensor => dense(tf.relu(dense(x, p.hidden)), p.output);
