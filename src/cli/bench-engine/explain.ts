/** What is in a compiled graph: its size before and after each pass, its arithmetic, and where the time goes. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import type { Device, PureFunction, Signature } from "../../tensor/device.js";
import { allocate, FlatLayout } from "../../tensor/flat.js";
import type { Graph } from "../../tensor/graph.js";
import { encodeOnnx } from "../../tensor/onnx.js";
import { cpuPasses, passes } from "../../tensor/passes/index.js";
import type { StateFunction } from "../../tensor/step.js";
import { productFlops } from "../../tensor/threads.js";
import { trace } from "../../tensor/trace/trace.js";
import { type ArraySpec, HostArray, type HostTree, leavesOf, specOf, type Tree } from "../../tensor/tree.js";
import { median } from "../bench-report.js";
import type { Work } from "./work.js";

export interface Explained {
  /** Operators as traced, and after each pass. */
  readonly sizes: readonly { readonly after: string; readonly nodes: number }[];
  /** Floating-point operations of the matrix products in one run. */
  readonly flops: number;
  readonly graph: Graph;
  readonly args: readonly HostTree[];
}

/** Traces some work as training would and passes it through all passes. */
export function explain(work: Work): Explained {
  const specs = specOf(work.first) as Tree<ArraySpec>;
  const signature = work.inputs.map((input) => specOf(input) as Tree<ArraySpec>);
  if (work.kind === "function") return passed(work.fn as PureFunction, [specs, ...signature], work, [work.first, ...work.inputs]);
  const layout = new FlatLayout(specs);
  const fn: PureFunction = (vectors, ...inputs) => {
    const { state, outputs } = (work.fn as StateFunction)(layout.split(vectors), ...inputs);
    return { state: layout.join(state), outputs };
  };
  const vectors = allocate(layout.vectors);
  const given = leavesOf<HostArray>(work.first);
  for (const [i, { leaf }] of leavesOf<HostArray>(layout.views(vectors)).entries()) leaf.data.set(given[i]!.leaf.data);
  return passed(fn, [layout.vectors, ...signature], work, [vectors, ...work.inputs]);
}

function passed(fn: PureFunction, signature: Signature, work: Work, args: readonly HostTree[]): Explained {
  let { graph } = trace(fn, signature, work.name);
  const sizes = [{ after: "trace", nodes: graph.nodes.length }];
  for (const pass of [...passes, ...cpuPasses]) {
    graph = pass(graph);
    sizes.push({ after: pass.name, nodes: graph.nodes.length });
  }
  return { sizes, flops: productFlops(graph), graph, args };
}

/** Time of all operators of a type in one run. */
export interface OperatorTime {
  readonly op: string;
  readonly nodes: number;
  readonly microseconds: number;
}

interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  readonly dur: number;
  readonly args: { readonly op_name?: string };
}

/** Median time per operator type with ONNX Runtime's profiler, after its own fusing; the profiler adds about 2 µs per operator. */
export async function profile({ graph, args }: Explained, threads: number, runs = 30): Promise<OperatorTime[]> {
  const ort = await import("onnxruntime-node");
  const folder = mkdtempSync(join(tmpdir(), "baton-profile-"));
  try {
    const model = encodeOnnx(graph, "profile");
    const session = await ort.InferenceSession.create(model.bytes, {
      executionProviders: ["cpu"],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      graphOptimizationLevel: "all",
      enableProfiling: true,
      profileFilePrefix: join(folder, "run"),
      extra: { session: { intra_op: { allow_spinning: "0" } } },
    });
    const leaves = args.flatMap((tree) => leavesOf<HostArray>(tree));
    const feeds: Record<string, InstanceType<typeof ort.Tensor>> = {};
    for (const [i, { leaf }] of leaves.entries()) {
      const name = model.inputNames[i];
      if (name !== undefined) feeds[name] = new ort.Tensor(leaf.dtype, leaf.data as Float32Array, leaf.shape as number[]);
    }
    for (let i = 0; i < runs; i++) await session.run(feeds);
    session.endProfiling();
    const [file] = readdirSync(folder);
    const events = JSON.parse(readFileSync(join(folder, file!), "utf8")) as ProfileEvent[];
    await session.release();
    return byOperator(events);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function byOperator(events: readonly ProfileEvent[]): OperatorTime[] {
  const nodes = new Map<string, { op: string; durations: number[] }>();
  for (const { cat, name, dur, args } of events) {
    if (cat !== "Node" || !name.endsWith("_kernel_time")) continue;
    const entry = nodes.get(name) ?? { op: args.op_name ?? "?", durations: [] };
    entry.durations.push(dur);
    nodes.set(name, entry);
  }
  const types = new Map<string, { nodes: number; microseconds: number }>();
  for (const { op, durations } of nodes.values()) {
    const entry = types.get(op) ?? { nodes: 0, microseconds: 0 };
    types.set(op, { nodes: entry.nodes + 1, microseconds: entry.microseconds + median(durations) });
  }
  return [...types].map(([op, entry]) => ({ op, ...entry })).sort((a, b) => b.microseconds - a.microseconds);
}

/** GFLOP/s of a large square matrix product, the best of several: what the machine can do. */
export async function machineRate(device: Device, threads: number, size = 1536): Promise<number> {
  const spec: ArraySpec = { shape: [size, size], dtype: "float32" };
  const compiled = await device.compile((x: tf.Tensor, y: tf.Tensor) => tf.matMul(x, y), [spec, spec], "large product");
  const [a, b, out] = [HostArray.zeros(spec), HostArray.zeros(spec), HostArray.zeros(spec)];
  for (const { data } of [a, b]) for (let i = 0; i < data.length; i++) data[i] = (i % 17) / 17;
  const seconds: number[] = [];
  for (let i = 0; i < 15; i++) {
    const [started, burnt] = [performance.now(), process.cpuUsage()];
    await compiled.run([a, b], out);
    const { user, system } = process.cpuUsage(burnt);
    // On a busy machine wall time says what others left; processor time over threads what a core does.
    seconds.push(Math.min((performance.now() - started) / 1e3, (user + system) / 1e6 / threads));
  }
  compiled.dispose();
  return (2 * size ** 3) / Math.min(...seconds) / 1e9;
}
