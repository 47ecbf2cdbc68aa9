/** A state in vectors is the same state: names, numbers and training steps. */
import * as tf from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import { clipByGlobalNorm } from "./clip.js";
import { openDevice } from "./devices.js";
import { allocate, FlatLayout } from "./flat.js";
import { valueAndGradTree } from "./gradient.js";
import { uniformFanIn } from "./initialise.js";
import { dense, type Linear } from "./layers.js";
import { adam } from "./optimisers.js";
import { optimise } from "./passes/index.js";
import { polyak } from "./polyak.js";
import { RandomStream } from "./random.js";
import { StatefulStep } from "./step.js";
import { trace } from "./trace/trace.js";
import { type ArraySpec, HostArray, type HostTree, leavesOf, mapTree, specOf, type TensorTree, type Tree } from "./tree.js";

type Network = { first: Linear; second: Linear; scale: tf.Tensor };
type State = { online: Network; target: Network; optimiser: TensorTree; step: tf.Tensor; seen: tf.Tensor };

const optimiser = adam();
const rng = RandomStream.from(4, "flat");
const online = {
  first: uniformFanIn(rng, 3, 5),
  second: uniformFanIn(rng, 5, 1),
  scale: HostArray.float32(Float32Array.of(1.5), 1),
};
const initial: HostTree = {
  online,
  target: online,
  optimiser: optimiser.init(online),
  step: HostArray.scalar(0),
  seen: HostArray.int32(Int32Array.of(7)),
};
const x = HostArray.float32(
  Float32Array.from({ length: 12 }, () => rng.normal()),
  4,
  3,
);

function update(state: State, batch: tf.Tensor) {
  const { value, gradients } = valueAndGradTree((p: Network) => {
    const y = dense(tf.tanh(dense(batch, p.first)), p.second).mul(p.scale);
    return { loss: tf.mean(tf.square(tf.sub(y, 1))), auxiliary: {} };
  }, state.online);
  const { gradients: clipped, norm } = clipByGlobalNorm(gradients, 0.5);
  const next = optimiser.apply({
    params: state.online,
    gradients: clipped,
    state: state.optimiser,
    learningRate: 0.05,
    step: state.step,
  });
  return {
    state: {
      online: next.params,
      target: polyak(state.target, next.params, 0.1),
      optimiser: next.state,
      step: tf.add(state.step, 1),
      seen: tf.add(state.seen, tf.onesLike(state.seen)),
    },
    outputs: { loss: value, norm },
  };
}

const layout = new FlatLayout(specOf(initial) as Tree<ArraySpec>);

describe("FlatLayout", () => {
  it("gives parameters, target and each kind of moments a vector, and leaves the others as they are", () => {
    const size = 3 * 5 + 5 + 5 * 1 + 1 + 1;
    expect(Object.values(layout.vectors).map(({ shape, dtype }) => `${dtype}[${shape}]`)).toEqual([
      ...[size, size, size, size].map((n) => `float32[${n}]`),
      "float32[]",
      "int32[]",
    ]);
  });

  it("names the leaves as before, as views of the vectors", () => {
    const vectors = allocate(layout.vectors);
    const tree = layout.views(vectors);
    expect(leavesOf(tree).map(({ path }) => path)).toEqual(leavesOf(initial).map(({ path }) => path));
    for (const [i, { leaf }] of leavesOf<HostArray>(tree).entries()) leaf.data.set(leavesOf<HostArray>(initial)[i]!.leaf.data);
    expect([...vectors[0]!.data]).toEqual(leavesOf<HostArray>(online).flatMap(({ leaf }) => [...leaf.data]));
  });

  it("leaves large arrays by themselves", () => {
    const spec = (...shape: number[]): ArraySpec => ({ shape, dtype: "float32" });
    const online = { b: spec(3), w: spec(128, 256), c: spec(2) };
    const { vectors } = new FlatLayout({ online, target: online });
    expect(Object.values(vectors)).toEqual([spec(5), spec(128, 256), spec(5), spec(128, 256)]);
  });

  it("takes a state of one array, of none, and of arrays that look alike by chance", () => {
    const spec = (...shape: number[]): ArraySpec => ({ shape, dtype: "float32" });
    expect(new FlatLayout(spec(2)).vectors).toEqual({ 0: spec(2) });
    expect(new FlatLayout({}).vectors).toEqual({});
    const twins = new FlatLayout({ a: { w: spec(2, 2) }, b: { first: { w: spec(2, 2) }, empty: spec(0), c: spec(3) } });
    expect(Object.values(twins.vectors)).toEqual([spec(2, 2), spec(2, 2), spec(0), spec(3)]);
  });
});

it("an optimiser's chain runs once over each vector", () => {
  const fn = (vectors: Record<string, tf.Tensor>, batch: tf.Tensor) => {
    const { state, outputs } = update(layout.split(vectors) as State, batch);
    return { state: layout.join(state), outputs };
  };
  const { nodes } = optimise(trace(fn, [layout.vectors, specOf(x)], "update").graph);
  const size = layout.vectors[0]!.shape[0];
  const whole = nodes.filter(({ op, outputs }) => op === "Sqrt" && outputs[0]!.shape[0] === size);
  expect(whole).toHaveLength(1);
  // The norm is one sum over one vector; none of the five parameters has a division or a root of its own.
  expect(nodes.filter(({ op }) => op === "Sqrt")).toHaveLength(3);
  expect(nodes.filter(({ op, outputs }) => op === "Div" && outputs[0]!.shape[0] === size)).toHaveLength(2);
});

it("steps are those of the reference", async () => {
  const states: HostTree[] = [];
  for (const name of ["cpu", "js"]) {
    const step = await StatefulStep.create(await openDevice(name, { threads: 1 }), update, initial, [specOf(x)], "update");
    for (let i = 0; i < 5; i++) await step.run([x]);
    states.push(mapTree<HostArray, HostArray>(await step.read(), (leaf) => leaf.clone()));
    step.dispose();
  }
  const [cpu, js] = states.map((state) => leavesOf<HostArray>(state));
  for (const [i, { leaf, path }] of cpu!.entries()) {
    expect(path).toBe(js![i]!.path);
    for (const [k, number] of leaf.data.entries()) expect(number).toBeCloseTo(js![i]!.leaf.data[k]!, 4);
  }
});
