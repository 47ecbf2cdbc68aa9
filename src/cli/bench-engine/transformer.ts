import * as tf from "@tensorflow/tfjs";
import { type Encoder, encode, initEncoder } from "../../masked/encoder.js";
import { valueAndGradTree } from "../../tensor/gradient.js";
import { uniformFanIn } from "../../tensor/initialise.js";
import { dense, type Linear } from "../../tensor/layers.js";
import { adam } from "../../tensor/optimisers.js";
import { RandomStream } from "../../tensor/random.js";
import { HostArray, type HostTree, type TensorTree } from "../../tensor/tree.js";
import { named, type Work } from "./work.js";

const shape = { batch: 256, tokens: 12, width: 64, heads: 4, depth: 2, mlp: 256, rate: 1e-3 };

type Parameters = { encoder: Encoder; head: Linear };
type State = { params: Parameters; optimiser: TensorTree; step: tf.Tensor };

/** A regression step of the shared encoder blocks: tokens → encoder → mean over tokens → linear → squared error, with Adam. */
export function transformerStep(): Work {
  const { batch: B, tokens: T, width: D, heads, depth, mlp, rate } = shape;
  const optimiser = adam();
  const rng = RandomStream.from(1, "bench transformer");
  const params = { encoder: initEncoder(rng, { width: D, depth, heads, mlp }), head: uniformFanIn(rng, D, 1) } as HostTree;
  const numbers = (...shape: number[]) =>
    HostArray.float32(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => rng.normal()),
      ...shape,
    );
  const first = { params, optimiser: optimiser.init(params), step: HostArray.scalar(0) };
  const batch = { x: numbers(B, T, D), y: numbers(B, 1) };
  return {
    name: `Transformer step, ${B} × ${T} tokens, width ${D}, ${depth} blocks`,
    kind: "step",
    first,
    inputs: [batch],
    check: (outputs) => (outputs as { loss: HostArray }).loss.data[0]!,
    peers: [
      {
        name: "PyTorch",
        script: "transformer.py",
        settings: { heads, depth, mlp, rate },
        arrays: [...named("state/", first), ...named("batch/", batch)],
        target: 1 / 2,
        same: true,
      },
    ],
    runs: 3,
    fn(state: State, { x, y }: { x: tf.Tensor; y: tf.Tensor }) {
      const { value, gradients } = valueAndGradTree((p: Parameters) => {
        const prediction = dense(tf.mean(encode(p.encoder, x), 1), p.head);
        return { loss: tf.mean(tf.squaredDifference(prediction, y)), auxiliary: {} };
      }, state.params);
      const next = optimiser.apply({
        params: state.params,
        gradients,
        state: state.optimiser,
        learningRate: rate,
        step: state.step,
      });
      return {
        state: { params: next.params, optimiser: next.state, step: tf.add(state.step, 1) },
        outputs: { loss: value },
      };
    },
  };
}
