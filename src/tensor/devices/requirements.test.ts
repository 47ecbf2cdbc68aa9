import { describe, expect, it } from "vitest";
import { type Machine, missingForCuda, missingForTensorFlow, missingForWebGpu, thisMachine } from "./requirements.js";

type Has = Partial<Omit<Machine, "files" | "libraries">> & { files?: string[]; libraries?: string[] };

/** A machine that has these files and libraries. */
function machine({ files = [], libraries = [], ...rest }: Has = {}): Machine {
  return {
    platform: "linux/x64",
    node: "20.12.0",
    exists: (path) => files.includes(path),
    files: (folder) => files.filter((path) => path.startsWith(`${folder}/`)).map((path) => path.slice(folder.length + 1)),
    libraries: () => new Set(libraries),
    environment: {},
    ...rest,
  };
}

const cuda = ["libcudart.so.12", "libcublas.so.12", "libcublasLt.so.12", "libcurand.so.10", "libcufft.so.11", "libcudnn.so.9"];
const provider = "/ort/libonnxruntime_providers_cuda.so";

describe("CUDA", () => {
  it.each<[string, Machine, RegExp, RegExp]>([
    ["another system", machine({ platform: "darwin/arm64" }), /Linux on x64, not for darwin\/arm64/, /webgpu/],
    ["no card", machine(), /no NVIDIA card/, /nvidia-smi/],
    [
      "no provider",
      machine({ files: ["/dev/nvidiactl"] }),
      /provider of onnxruntime-node is not installed/,
      /^ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules\/onnxruntime-node\/script\/install\.js$/,
    ],
    [
      "CUDA 13 instead of 12",
      machine({ files: ["/dev/nvidiactl", provider], libraries: [...cuda.slice(1), "libcudart.so.13"] }),
      /: libcudart\.so\.12 not found/,
      /apt-get install/,
    ],
  ])("%s is named", (_, where, what, mend) => {
    const missing = missingForCuda(where, "/ort");
    expect(missing?.what).toMatch(what);
    expect(missing?.mend).toMatch(mend);
  });

  it("nothing is missing where everything is, in the loader's list or in LD_LIBRARY_PATH", () => {
    expect(missingForCuda(machine({ files: ["/dev/nvidiactl", provider], libraries: cuda }), "/ort")).toBeUndefined();
    const own = ["/dev/dxg", provider, ...cuda.map((name) => `/own/${name}`)];
    expect(missingForCuda(machine({ files: own, environment: { LD_LIBRARY_PATH: "/x:/own" } }), "/ort")).toBeUndefined();
    const silent = machine({ files: ["/dev/nvidiactl", provider], libraries: [] });
    expect(missingForCuda({ ...silent, libraries: () => undefined }, "/ort")).toBeUndefined();
  });
});

describe("WebGPU", () => {
  it("needs Vulkan's loader and a driver on Linux, and nothing of us elsewhere", () => {
    expect(missingForWebGpu(machine())?.what).toMatch(/no libvulkan\.so\.1/);
    expect(missingForWebGpu(machine({ libraries: ["libvulkan.so.1"] }))?.what).toMatch(/no driver/);
    const driver = ["/usr/share/vulkan/icd.d/nvidia_icd.json"];
    expect(missingForWebGpu(machine({ libraries: ["libvulkan.so.1"], files: driver }))).toBeUndefined();
    const named = { VK_DRIVER_FILES: "/some/icd.json" };
    expect(missingForWebGpu(machine({ libraries: ["libvulkan.so.1"], environment: named }))).toBeUndefined();
    expect(missingForWebGpu(machine({ platform: "win32/x64" }))).toBeUndefined();
  });
});

describe("native TensorFlow", () => {
  it("runs on Node 20 and 22", () => {
    expect(missingForTensorFlow(machine())).toBeUndefined();
    expect(missingForTensorFlow(machine({ node: "22.11.0" }))).toBeUndefined();
    expect(missingForTensorFlow(machine({ node: "24.0.1" }))?.what).toContain("not on 24.0.1");
  });
});

it("this machine can be looked at", () => {
  expect(thisMachine.files("/no/such/folder")).toEqual([]);
  const libraries = thisMachine.libraries();
  if (process.platform === "linux" && libraries) expect([...libraries].some((name) => name.startsWith("libc.so"))).toBe(true);
});
