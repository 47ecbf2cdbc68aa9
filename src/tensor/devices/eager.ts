import * as tf from "@tensorflow/tfjs";
import { initialiseBackend, withBackend } from "../backend.js";
import type { Compiled, Device, PureFunction, Signature } from "../device.js";
import "../gradients.js";
import { trace } from "../trace/trace.js";
import type { ArraySpec, HostTree, TensorTree, Tree } from "../tree.js";
import { HostArray, leavesOf, mapTree } from "../tree.js";
import { checkArguments, copyInto } from "./arguments.js";

/** Runs a pure function op by op on a tfjs backend; nothing of a call outlives it. */
class EagerFunction implements Compiled {
  constructor(
    readonly outputs: Tree<ArraySpec>,
    private readonly backend: string,
    private readonly fn: PureFunction,
    private readonly signature: Signature,
    private readonly label: string,
  ) {}

  async run(args: readonly HostTree[], into?: HostTree): Promise<HostTree> {
    checkArguments(this.label, this.signature, args);
    const result = into ?? mapTree(this.outputs, (spec) => HostArray.zeros(spec));
    withBackend(this.backend, () => {
      tf.engine().startScope();
      try {
        const out = this.fn(...args.map(upload)) as TensorTree;
        copyInto(
          result,
          leavesOf(out).map(({ leaf }) => leaf.dataSync()),
        );
      } finally {
        tf.engine().endScope();
      }
    });
    return result;
  }

  dispose(): void {}
}

function upload(tree: HostTree): TensorTree {
  return mapTree(tree, ({ data, shape, dtype }) => tf.tensor(data, [...shape], dtype));
}

/** A tfjs backend that computes at once: the reference (`js`), the fallback (`wasm`) and native TensorFlow. */
class EagerDevice implements Device {
  constructor(
    readonly name: string,
    readonly description: string,
    private readonly backend: string,
  ) {}

  /** Traces once too: that gives the outputs' shapes, and refuses what other devices could not run. */
  async compile(fn: PureFunction, signature: Signature, label: string): Promise<Compiled> {
    const { outputs } = trace(fn, signature, label);
    return new EagerFunction(outputs, this.backend, fn, signature, label);
  }
}

/** Opens the device on a tfjs backend that is registered already; undefined where the backend does not start. */
export async function openEager(name: string, backend: string, engine: string): Promise<Device | undefined> {
  if (!(await initialiseBackend(backend))) return undefined;
  return new EagerDevice(name, `TensorFlow.js ${tf.version.tfjs} on ${engine}, op by op`, backend);
}
