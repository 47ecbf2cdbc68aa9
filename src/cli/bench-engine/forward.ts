import * as tf from "@tensorflow/tfjs";
import { uniformFanIn } from "../../tensor/initialise.js";
import { dense, type Linear } from "../../tensor/layers.js";
import { RandomStream } from "../../tensor/random.js";
import { HostArray } from "../../tensor/tree.js";
import { named, sumOf, type Work } from "./work.js";

type Parameters = { first: Linear; second: Linear; output: Linear };

/** One observation through two hidden layers of 64. */
export function mlpForward(): Work {
  const rng = RandomStream.from(1, "bench mlp");
  const params = { first: uniformFanIn(rng, 42, 64), second: uniformFanIn(rng, 64, 64), output: uniformFanIn(rng, 64, 9) };
  const x = HostArray.float32(
    Float32Array.from({ length: 42 }, () => rng.normal()),
    1,
    42,
  );
  return {
    name: "MLP forward, 42-64-64-9, one observation",
    kind: "function",
    first: params,
    inputs: [x],
    fn: (p: Parameters, input: tf.Tensor) => {
      const hidden = tf.relu(dense(tf.relu(dense(input, p.first)), p.second));
      return { y: dense(hidden, p.output) };
    },
    check: (outputs) => sumOf((outputs as { y: HostArray }).y),
    peers: [
      {
        name: "PyTorch",
        script: "forward.py",
        settings: {},
        arrays: [...named("params/", params), ["x", x]],

        same: true,
      },
    ],
    limit: 0.06,
    runs: 300,
  };
}
