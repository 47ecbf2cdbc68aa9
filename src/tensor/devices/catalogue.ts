import { availableParallelism, cpus } from "node:os";
import { BatonError } from "../../errors.js";
import type { Device, DeviceOptions } from "../device.js";
import { type Missing, missingForCuda, missingForTensorFlow, missingForWebGpu, thisMachine } from "./requirements.js";

/** How a device is opened. Engines load with the first device that needs them, so that listing devices costs nothing. */
export type Opener = (options: DeviceOptions) => Promise<Device>;

function processor(): string {
  return `${cpus()[0]?.model.trim() ?? "the processor"} (${availableParallelism()} threads)`;
}

/** @throws BatonError "missing-dependency" that names what the machine lacks for a device. */
function demand(name: string, missing: Missing | undefined): void {
  if (missing) throw new BatonError("missing-dependency", `device "${name}": ${missing.what}`, { hint: missing.mend });
}

const onnx =
  (provider: "cpu" | "webgpu" | "cuda", hardware: string, missing: () => Missing | undefined = () => undefined): Opener =>
  async (options) => {
    let engine: typeof import("./onnxruntime.js");
    try {
      engine = await import("./onnxruntime.js");
    } catch (cause) {
      const hint = `npm install onnxruntime-node${provider === "cpu" ? ", or use --device wasm" : ""}`;
      throw new BatonError("missing-dependency", `device "${provider}": onnxruntime-node does not load`, { hint, cause });
    }
    demand(provider, missing());
    return engine.openOnnx(provider, hardware, options);
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

/** What @tensorflow/tfjs-node-gpu 4.22 brings and wants: libtensorflow 2.9.1, which is built for this CUDA. */
const tensorFlowGpu = "CUDA 11.2 with cuDNN 8.1";

/**
 * Native TensorFlow, op by op: a package that downloads libtensorflow when it is installed, and registers a backend of tfjs when it is
 * loaded. It is loaded here and nowhere else.
 */
export const native =
  (name: string, packageName: string, hardware: string, load: () => Promise<unknown> = () => import(packageName)): Opener =>
  async () => {
    demand(name, missingForTensorFlow(thisMachine));
    const wanted = `Node 20 or 22${name === "tensorflow-gpu" ? `; its libtensorflow 2.9.1 wants ${tensorFlowGpu}` : ""}`;
    const { openEager } = await import("./eager.js");
    try {
      await loadNative(load);
    } catch (cause) {
      const absent = (cause as { code?: string }).code === "ERR_MODULE_NOT_FOUND";
      const why = absent ? "is not installed" : "does not load (its libtensorflow or its native part is missing)";
      const hint = `${absent ? "npm install" : "npm rebuild"} ${packageName} (${wanted})`;
      throw new BatonError("missing-dependency", `device "${name}": ${packageName} ${why}`, { hint, cause });
    }
    const device = await openEager(name, "tensorflow", `libtensorflow, ${hardware}`);
    if (!device) throw new BatonError("io", `device "${name}": libtensorflow does not start`, { hint: "use --device cpu" });
    return device;
  };

/** Loads a package that makes its own backend tfjs's current one, and takes that back. */
async function loadNative(load: () => Promise<unknown>): Promise<void> {
  const tf = await import("@tensorflow/tfjs");
  const before = tf.getBackend() as string | undefined;
  await load();
  if (before) await tf.setBackend(before);
}

/** Every device by name, the compiled ones first. */
export const catalogue = {
  cpu: onnx("cpu", processor()),
  cuda: onnx("cuda", "CUDA", () => missingForCuda(thisMachine)),
  webgpu: onnx("webgpu", "WebGPU", () => missingForWebGpu(thisMachine)),
  "tensorflow-gpu": native("tensorflow-gpu", "@tensorflow/tfjs-node-gpu", "CUDA"),
  tensorflow: native("tensorflow", "@tensorflow/tfjs-node", "CPU"),
  wasm,
  js,
} as const satisfies Record<string, Opener>;

export type DeviceName = keyof typeof catalogue;
