import { availableParallelism, cpus } from "node:os";
import { BatonError } from "../../errors.js";
import type { Device, DeviceOptions } from "../device.js";

/** How a device is opened. Engines load with the first device that needs them, so that listing devices costs nothing. */
export type Opener = (options: DeviceOptions) => Promise<Device>;

function processor(): string {
  return `${cpus()[0]?.model.trim() ?? "the processor"} (${availableParallelism()} threads)`;
}

const onnx =
  (provider: "cpu" | "webgpu" | "cuda", hardware: string, hint: string): Opener =>
  async (options) => {
    try {
      const { openOnnx } = await import("./onnxruntime.js");
      return openOnnx(provider, hardware, options);
    } catch (cause) {
      throw new BatonError("missing-dependency", `device "${provider}": onnxruntime-node does not load`, { hint, cause });
    }
  };

const js: Opener = async () => {
  const { openEager } = await import("./eager.js");
  const device = await openEager("js", "cpu", "plain JavaScript");
  if (!device) throw new BatonError("missing-dependency", 'device "js": the JavaScript backend of TensorFlow.js does not start');
  return device;
};

/** Runs `load` and takes back the process-wide error handlers that Emscripten's start code installs: they print its whole source. */
async function withoutNewHandlers<T>(load: () => Promise<T>): Promise<T> {
  const events = ["uncaughtException", "unhandledRejection"] as const;
  const before = events.map((event) => new Set<unknown>(process.listeners(event as "uncaughtException")));
  const result = await load();
  for (const [i, event] of events.entries()) {
    for (const listener of process.listeners(event as "uncaughtException")) {
      if (!before[i]!.has(listener)) process.off(event, listener);
    }
  }
  return result;
}

const wasm: Opener = async () => {
  const { openEager } = await import("./eager.js");
  const device = await withoutNewHandlers(async () => {
    await import("./wasm.js");
    return openEager("wasm", "wasm", "WebAssembly");
  });
  if (!device)
    throw new BatonError("missing-dependency", 'device "wasm": WebAssembly does not start', { hint: "use --device cpu" });
  return device;
};

/** Native TensorFlow: a package that downloads its own libtensorflow when it is installed. */
const native =
  (name: string, packageName: string, hardware: string): Opener =>
  async () => {
    try {
      await import(packageName);
    } catch (cause) {
      throw new BatonError("missing-dependency", `device "${name}": ${packageName} is not installed or does not load`, {
        hint: `npm install ${packageName} (Node 20 or 22)`,
        cause,
      });
    }
    const { openEager } = await import("./eager.js");
    const device = await openEager(name, "tensorflow", `libtensorflow, ${hardware}`);
    if (!device) throw new BatonError("io", `device "${name}": libtensorflow does not start`, { hint: "use --device cpu" });
    return device;
  };

/** Every device by name, in the order in which `auto` tries them. */
export const catalogue = {
  cpu: onnx("cpu", processor(), "npm install onnxruntime-node, or use --device wasm"),
  cuda: onnx("cuda", "CUDA", "npm install onnxruntime-node"),
  webgpu: onnx("webgpu", "WebGPU", "npm install onnxruntime-node"),
  "tensorflow-gpu": native("tensorflow-gpu", "@tensorflow/tfjs-node-gpu", "CUDA"),
  tensorflow: native("tensorflow", "@tensorflow/tfjs-node", "CPU"),
  wasm,
  js,
} as const satisfies Record<string, Opener>;

export type DeviceName = keyof typeof catalogue;
