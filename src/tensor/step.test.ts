import * as tf from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import { openDevice, probeDevices } from "./devices.js";
import { StatefulStep } from "./step.js";
import { HostArray, type HostTree, mapTree } from "./tree.js";

type State = { total: tf.Tensor; count: tf.Tensor };

const start = (): { total: HostArray; count: HostArray } => ({
  total: HostArray.float32(Float32Array.of(1, 2), 2),
  count: HostArray.int32(Int32Array.of(0)),
});
const add = (state: State, x: tf.Tensor) => ({
  state: { total: state.total.add(x), count: state.count.add(state.count.onesLike()) },
  outputs: { sum: state.total.sum() },
});
const signature = [{ shape: [2], dtype: "float32" as const }];
const x = HostArray.float32(Float32Array.of(10, 20), 2);
const numbers = (tree: HostTree) => mapTree<HostArray, number[]>(tree, ({ data }) => [...data]);

// WebGPU too where the machine has it: its state lives on the device.
const names = (await probeDevices({ threads: 1 })).filter(({ works }) => works).map(({ name }) => name);

describe.each(names)("StatefulStep on %s", (name) => {
  const create = async () => StatefulStep.create(await openDevice(name, { threads: 1 }), add, start(), signature, "add");

  it("carries the state from run to run and returns the outputs", async () => {
    const step = await create();
    expect(numbers(await step.run([x]))).toEqual({ sum: [3] });
    expect(numbers(await step.run([x]))).toEqual({ sum: [33] });
    expect(numbers(await step.read())).toEqual({ total: [21, 42], count: [2] });
    step.dispose();
  });

  it("reads a part of the state, twice the same", async () => {
    const step = await create();
    const part = () => step.read((state) => ({ counted: (state as { count: HostArray }).count }));
    expect(numbers(await part())).toEqual({ counted: [0] });
    for (let run = 1; run <= 3; run++) {
      await step.run([x]);
      expect(numbers(await part())).toEqual({ counted: [run] });
      expect(numbers(await part())).toEqual({ counted: [run] });
    }
    expect(numbers(await step.read())).toEqual({ total: [31, 62], count: [3] });
    step.dispose();
  });

  it("takes a state apart by name, also where the function gives it back in another order or passes parts on", async () => {
    const swap = (state: { a: tf.Tensor; b: tf.Tensor; c: tf.Tensor }) => ({
      state: { c: state.c, b: state.a, a: state.b },
      outputs: {},
    });
    const given = { a: HostArray.scalar(1), b: HostArray.scalar(2), c: HostArray.scalar(3) };
    const step = await StatefulStep.create(await openDevice(name), swap, given, [], "swap");
    await step.run([]);
    expect(numbers(await step.read())).toEqual({ a: [2], b: [1], c: [3] });
    await step.run([]);
    expect(numbers(await step.read())).toEqual({ a: [1], b: [2], c: [3] });
    step.dispose();
  });

  it("keeps its state when a run is refused", async () => {
    const step = await create();
    await step.run([x]);
    await expect(step.run([HostArray.scalar(1)])).rejects.toThrow(TypeError);
    expect(numbers(await step.read())).toEqual({ total: [11, 22], count: [1] });
    step.dispose();
  });

  it("does not touch the state that it was given", async () => {
    const given = start();
    const step = await StatefulStep.create(await openDevice(name), add, given, signature, "add");
    await step.run([x]);
    expect(numbers(given)).toEqual(numbers(start()));
    step.dispose();
  });

  it("works in the same few buffers, whatever the number of runs", async () => {
    const step = await create();
    const buffers = new Set<unknown>();
    for (let i = 0; i < 6; i++) {
      const { sum } = (await step.run([x])) as { sum: HostArray };
      buffers.add(((await step.read()) as { total: HostArray }).total.data).add(sum.data);
    }
    expect(buffers.size).toBeLessThanOrEqual(3);
    step.dispose();
  });

  it("goes on from a loaded state exactly as the run that it came from, whatever the order of its keys", async () => {
    const [first, second] = [await create(), await create()];
    await first.run([x]);
    const { total, count } = mapTree<HostArray, HostArray>(await first.read(), (leaf) => leaf.clone()) as {
      total: HostArray;
      count: HostArray;
    };
    second.load({ count, total });
    for (const step of [first, second]) await step.run([x]);
    expect(numbers(await second.read())).toEqual(numbers(await first.read()));
    first.dispose();
    second.dispose();
  });

  it("refuses a state of another shape", async () => {
    const step = await create();
    const wrong = { total: HostArray.float32(new Float32Array(3), 3), count: HostArray.int32(Int32Array.of(0)) };
    expect(() => step.load(wrong)).toThrow('state "total" of "add" is float32[3], expected float32[2]');
    step.dispose();
  });

  it("refuses a function that changes the shape of its state, and arguments that do not fit", async () => {
    const device = await openDevice(name);
    const shrink = (state: State) => ({ state: { ...state, total: state.total.sum() }, outputs: {} });
    const wrong = StatefulStep.create(device, shrink, start(), [], "shrink");
    await expect(wrong).rejects.toThrow('"shrink" takes state "total" as float32[2] and returns it as float32[]');
    const step = await create();
    await expect(step.run([])).rejects.toThrow('"add" takes 2 arguments, not 1');
    await expect(step.run([HostArray.scalar(1)])).rejects.toThrow('"add": argument 1 "" is float32[], expected float32[2]');
    step.dispose();
  });
});

it.each(["js", "wasm"])("1,000 updates on %s leave no tensor behind", async (name) => {
  const step = await StatefulStep.create(await openDevice(name), add, start(), signature, "add");
  await step.run([x]);
  const before = memory();
  for (let i = 0; i < 1000; i++) await step.run([x]);
  expect(memory()).toEqual(before);
  expect(numbers(await step.read())).toEqual({ total: [10_011, 20_022], count: [1001] });
  step.dispose();
  // The two leaves of the state are gone, too.
  expect(memory().tensors).toBe(before.tensors - 2);
});

function memory(): { tensors: number; buffers: number; bytes: number } {
  const { numTensors, numDataBuffers, numBytes } = tf.memory();
  return { tensors: numTensors, buffers: numDataBuffers, bytes: numBytes };
}
