import * as tf from "@tensorflow/tfjs";
import { withBackend } from "../backend.js";
import type { PureFunction, Signature } from "../device.js";
import type { Graph, Value } from "../graph.js";
import "../gradients.js";
import type { ArraySpec, DType, Tree } from "../tree.js";
import { leavesOf, mapTree } from "../tree.js";
import type { KernelRecorder } from "./backend.js";
import { TraceBackend, traceBackendName } from "./backend.js";
import { creations } from "./kernels/create.js";
import { elementwise } from "./kernels/elementwise.js";
import { gathers } from "./kernels/gather.js";
import { logic } from "./kernels/logic.js";
import { matmuls } from "./kernels/matmul.js";
import { reductions } from "./kernels/reduce.js";
import { shapes } from "./kernels/shape.js";
import { Recorder } from "./recorder.js";

/** A pure function as a graph. */
export interface Traced {
  /** Inputs and outputs are the leaves of the arguments and of the result, in the order of {@link leavesOf}. */
  readonly graph: Graph;
  readonly outputs: Tree<ArraySpec>;
}

/** The tfjs kernels that can be traced. */
export const tracedKernels: Readonly<Record<string, KernelRecorder>> = {
  ...elementwise,
  ...logic,
  ...reductions,
  ...matmuls,
  ...shapes,
  ...gathers,
  ...creations,
};

let backend: TraceBackend | undefined;

/** The one trace backend of this process: tfjs registers a backend and its kernels once. */
function traceBackend(): TraceBackend {
  if (backend) return backend;
  const instance = new TraceBackend();
  tf.registerBackend(traceBackendName, () => instance, 0);
  for (const [kernelName, kernel] of Object.entries(tracedKernels)) {
    tf.registerKernel({
      kernelName,
      backendName: traceBackendName,
      kernelFunc: ({ inputs, attrs }) => instance.record(kernelName, kernel, inputs, attrs as tf.NamedAttrMap),
    });
  }
  backend = instance;
  return instance;
}

/** tfjs's two complaints that name a kernel: one that is not registered, and one that has no gradient. */
function asUntraceable(error: unknown, recorder: Recorder): unknown {
  if (!(error instanceof Error)) return error;
  const missing = /Kernel '(\w+)' not registered for backend 'trace'/.exec(error.message)?.[1];
  if (missing) {
    return recorder.untraceable(`op ${missing} cannot be compiled`, "express it with other tfjs ops", {
      cause: error,
      stack: error,
    });
  }
  const gradient = /gradient function not found for (\w+)/.exec(error.message)?.[1];
  if (gradient) {
    return recorder.untraceable(`op ${gradient} has no gradient`, "compute it outside of the differentiated function", {
      cause: error,
      kernel: gradient.replace(/\.$/, ""),
    });
  }
  return error;
}

/**
 * Runs `fn` once on symbolic tensors of the given shapes and returns what it did as a graph, not yet optimised.
 *
 * @throws BatonError "untraceable" where `fn` uses an op that has no ONNX form, reads a tensor's numbers, or differentiates an op without
 *   gradient; the message names the op, `label` and the place in the caller's code.
 */
export function trace(fn: PureFunction, signature: Signature, label: string): Traced {
  const instance = traceBackend();
  const recorder = new Recorder(label);
  const inputs: Value[] = [];
  return withBackend(traceBackendName, () =>
    instance.recordInto(recorder, () => {
      tf.engine().startScope();
      try {
        const args = signature.map((spec) =>
          mapTree(spec, ({ shape, dtype }) => {
            const value: Value = { shape: [...shape], type: dtype };
            inputs.push(value);
            return tf.engine().makeTensorFromTensorInfo(instance.wrap(value));
          }),
        );
        const result = fn(...args);
        const outputs = leavesOf(result).map(({ leaf, path }) => {
          if (leaf instanceof tf.Tensor) return instance.value(leaf);
          throw recorder.untraceable(`it returns something that is not a tensor at "${path}"`, "return a tree of tensors");
        });
        const specs = mapTree(result, (leaf): ArraySpec => ({ shape: [...leaf.shape], dtype: leaf.dtype as DType }));
        return { graph: { inputs, nodes: recorder.nodes, outputs }, outputs: specs };
      } catch (error) {
        throw asUntraceable(error, recorder);
      } finally {
        tf.engine().endScope();
      }
    }),
  );
}
