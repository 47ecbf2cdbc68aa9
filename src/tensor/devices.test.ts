import * as tf from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import { BatonError } from "../errors.js";
import { initialiseBackend } from "./backend.js";
import { native } from "./devices/catalogue.js";
import { probe } from "./devices/probe.js";
import { deviceNames, fastest, openDevice, probeDevices } from "./devices.js";
import { HostArray, type HostTree } from "./tree.js";

const failure = async (name: string): Promise<BatonError> => {
  const error = await openDevice(name).catch((reason) => reason);
  expect(error).toBeInstanceOf(BatonError);
  return error as BatonError;
};

describe("openDevice", () => {
  it("starts devices side by side while others run", async () => {
    const square = (x: tf.Tensor) => tf.square(x);
    const results = await Promise.all(
      ["wasm", "cpu", "js", "wasm"].map(async (name) => {
        const compiled = await (await openDevice(name)).compile(square, [{ shape: [], dtype: "float32" }], "square");
        return ((await compiled.run([HostArray.scalar(3)])) as HostArray).data[0];
      }),
    );
    expect(results).toEqual([9, 9, 9, 9]);
  });

  it("offers the nearest name for an unknown one", async () => {
    const error = await failure("cup");
    expect([error.code, error.message]).toEqual(["unknown-name", 'unknown device "cup"']);
    expect(error.hint).toContain('did you mean "cpu"?');
    expect((await failure("toString")).code).toBe("unknown-name");
  });

  it("auto takes the fastest that works and says why", async () => {
    const works = (await probeDevices({ threads: 1 })).filter((report) => report.works).map(({ name }) => name);
    const device = await openDevice("auto", { threads: 1 });
    expect(works).toContain(device.name);
    expect(device.description).toMatch(
      /^ONNX Runtime .* \(auto: the (fastest of cpu [\d.]+ ms a step, |only fast one that works; )/,
    );
    expect(device.description).toMatch(/device "cuda"|cuda [\d.]+ ms/);
    const compiled = await device.compile((x: tf.Tensor) => tf.square(x), [{ shape: [], dtype: "float32" }], "square");
    expect(((await compiled.run([HostArray.scalar(3)])) as HostArray).data[0]).toBe(9);
    compiled.dispose();
  });

  it("auto prefers what stands before unless another is clearly faster", () => {
    const of = (...times: number[]) => fastest(times.map((milliseconds, i) => ({ milliseconds, i })))?.i;
    expect([of(3), of(3, 2.5), of(3, 1), of(3, 1, 0.9), of(3, 2.5, 1), of(1, 9, 9)]).toEqual([0, 0, 1, 1, 2, 0]);
    expect(fastest([])).toBeUndefined();
  });

  it("describes engine and version", async () => {
    expect((await openDevice("js")).description).toMatch(/^TensorFlow.js 4\.\d+\.\d+ on plain JavaScript/);
  });
});

describe("probeDevices", () => {
  it("reports every device in one line, and what would mend those that fail", async () => {
    const reports = await probeDevices({ threads: 1 });
    expect(["auto", ...reports.map(({ name }) => name)]).toEqual(deviceNames);
    for (const { name, works, detail, hint } of reports) {
      expect(detail).not.toContain("\n");
      expect(detail.length).toBeLessThan(200);
      if (works) continue;
      expect(detail).toContain(`"${name}"`);
      expect(hint).toBeDefined();
      const error = await failure(name);
      expect([error.code, error.message, error.hint]).toEqual(["missing-dependency", detail, hint]);
    }
  });
});

describe("compiled functions", () => {
  const x = HostArray.float32(Float32Array.of(1, -2, 3), 3);
  const fn = (input: { x: tf.Tensor; unused: tf.Tensor }) => ({
    relu: tf.relu(input.x),
    same: input.x,
    sign: tf.greater(input.x, 0),
  });
  const inputs = { x, unused: HostArray.bool(Uint8Array.of(1), 1) };
  const signature = [{ x: { shape: [3], dtype: "float32" as const }, unused: { shape: [1], dtype: "bool" as const } }];

  it.each(["cpu", "wasm", "js"])("%s writes into the arrays that it is given, and makes fresh ones else", async (name) => {
    const compiled = await (await openDevice(name)).compile(fn, signature, "f");
    expect(compiled.outputs).toEqual({
      relu: { shape: [3], dtype: "float32" },
      same: { shape: [3], dtype: "float32" },
      sign: { shape: [3], dtype: "bool" },
    });
    const fresh = (await compiled.run([inputs])) as { relu: HostArray; same: HostArray; sign: HostArray };
    expect([[...fresh.relu.data], [...fresh.same.data], [...fresh.sign.data]]).toEqual([
      [1, 0, 3],
      [1, -2, 3],
      [1, 0, 1],
    ]);
    expect(fresh.same.data).not.toBe(x.data);
    const into: HostTree = { relu: fresh.relu.clone(), same: fresh.same.clone(), sign: fresh.sign.clone() };
    expect(await compiled.run([inputs], into)).toBe(into);
    expect((into as typeof fresh).relu.data).toEqual(fresh.relu.data);
    compiled.dispose();
  });

  it("the eager devices leave no tensor behind and tfjs's backend as it was, also when the function throws", async () => {
    await initialiseBackend("cpu");
    await tf.setBackend("cpu");
    for (const name of ["js", "wasm"]) {
      let broken = false;
      const sometimes = (input: { x: tf.Tensor; unused: tf.Tensor }) => {
        const out = fn(input);
        if (broken) throw new Error("broken");
        return out;
      };
      const compiled = await (await openDevice(name)).compile(sometimes, signature, "f");
      const before = tf.memory().numTensors;
      for (let i = 0; i < 50; i++) await compiled.run([inputs]);
      broken = true;
      await expect(compiled.run([inputs])).rejects.toThrow("broken");
      expect(tf.memory().numTensors).toBe(before);
      expect(tf.getBackend()).toBe("cpu");
    }
  });

  it("devices run side by side", async () => {
    const all = await Promise.all(
      ["cpu", "wasm", "js"].map(async (name) => (await openDevice(name)).compile(fn, signature, "f")),
    );
    const results = await Promise.all(Array.from({ length: 12 }, (_, i) => all[i % 3]!.run([inputs])));
    for (const result of results) expect([...(result as { relu: HostArray }).relu.data]).toEqual([1, 0, 3]);
  });
});

describe("native TensorFlow", () => {
  it("is loaded when it is opened, leaves tfjs's backend as it was, and trains with its state on its side", async () => {
    await initialiseBackend("cpu");
    await tf.setBackend("cpu");
    let loads = 0;
    // What the package does, with the kernels of plain JavaScript in place of libtensorflow's.
    const load = async () => {
      loads += 1;
      tf.copyRegisteredKernels("cpu", "tensorflow");
      tf.registerBackend("tensorflow", tf.findBackendFactory("cpu"));
      await tf.setBackend("tensorflow");
    };
    const opener = native("tensorflow-gpu", "@tensorflow/tfjs-node-gpu", "CUDA", load);
    expect(loads).toBe(0);
    const device = await opener({});
    expect([loads, tf.getBackend()]).toEqual([1, "cpu"]);
    expect(device.description).toContain("libtensorflow, CUDA");
    const { works } = await probe(device, await openDevice("js"));
    expect(works).toBe(true);
    expect(device.resident).toBeDefined();
  });

  it.each([
    ["is not installed", "ERR_MODULE_NOT_FOUND", "npm install @tensorflow/tfjs-node-gpu (Node 20 or 22; its libtensorflow 2.9.1"],
    ["does not load", "ERR_DLOPEN_FAILED", "npm rebuild @tensorflow/tfjs-node-gpu"],
  ])("that %s is explained in a line", async (what, code, mend) => {
    const load = async () => {
      throw Object.assign(new Error("a long story"), { code });
    };
    const error = await native("tensorflow-gpu", "@tensorflow/tfjs-node-gpu", "CUDA", load)({}).catch((reason) => reason);
    expect(error).toBeInstanceOf(BatonError);
    expect(error.message).toContain(`"tensorflow-gpu": @tensorflow/tfjs-node-gpu ${what}`);
    expect(error.hint).toContain(mend);
    expect(error.message).not.toContain("\n");
  });
});
