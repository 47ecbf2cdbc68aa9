/**
 * What devices need of the machine, looked up before their engines load: an engine that misses a library says so in its own words, on
 * the console or by ending the process. Each check names the first thing that is missing, and what brings it.
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";

/** What can be seen of a machine. */
export interface Machine {
  /** `process.platform` and `process.arch`, e.g. "linux/x64". */
  readonly platform: string;
  /** Node's version, e.g. "20.12.0". */
  readonly node: string;
  exists(path: string): boolean;
  /** File names in a folder; none where it does not exist. */
  files(folder: string): readonly string[];
  /** Shared libraries that the loader knows by name, e.g. "libcudart.so.12"; undefined where it cannot be asked. */
  libraries(): ReadonlySet<string> | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Something missing, in a sentence, and the command that mends it. */
export interface Missing {
  readonly what: string;
  readonly mend: string;
}

/** This machine. */
export const thisMachine: Machine = {
  platform: `${process.platform}/${process.arch}`,
  node: process.versions.node,
  exists: existsSync,
  files(folder) {
    try {
      return readdirSync(folder);
    } catch {
      return [];
    }
  },
  libraries() {
    try {
      const cache = execFileSync("ldconfig", ["-p"], {
        encoding: "utf8",
        timeout: 5000,
        stdio: ["ignore", "pipe", "ignore"],
        env: { ...process.env, PATH: `${process.env.PATH ?? ""}${delimiter}/sbin${delimiter}/usr/sbin` },
      });
      return new Set([...cache.matchAll(/^\s*(\S+) \(/gm)].map((match) => match[1]!));
    } catch {
      return undefined;
    }
  },
  environment: process.env,
};

/** Those of `names` that neither the loader nor LD_LIBRARY_PATH knows; none where the loader cannot be asked. */
function missingLibraries(machine: Machine, names: readonly string[]): string[] {
  const known = machine.libraries();
  if (!known) return [];
  const folders = (machine.environment.LD_LIBRARY_PATH ?? "").split(delimiter).filter(Boolean);
  return names.filter((name) => !known.has(name) && !folders.some((folder) => machine.exists(join(folder, name))));
}

/** Where onnxruntime-node keeps its libraries for this platform. */
function onnxFolder(platform: string): string {
  const main = createRequire(import.meta.url).resolve("onnxruntime-node");
  return join(dirname(main), "..", "bin", "napi-v6", ...platform.split("/"));
}

/** The libraries that ONNX Runtime's CUDA provider links to. */
const cudaLibraries = [
  "libcudart.so.12",
  "libcublas.so.12",
  "libcublasLt.so.12",
  "libcurand.so.10",
  "libcufft.so.11",
  "libcudnn.so.9",
];

/** ONNX Runtime's CUDA provider: Linux on x64, an NVIDIA card, the provider's library, CUDA 12 and cuDNN 9. */
export function missingForCuda(machine: Machine, folder = onnxFolder(machine.platform)): Missing | undefined {
  if (machine.platform !== "linux/x64") {
    return { what: `onnxruntime-node has CUDA for Linux on x64, not for ${machine.platform}`, mend: "use --device webgpu" };
  }
  // Under WSL 2 the card is behind /dev/dxg.
  if (!["/dev/nvidiactl", "/dev/dxg"].some(machine.exists)) {
    return { what: "no NVIDIA card, or its driver is not loaded", mend: "install the card's driver; nvidia-smi must list it" };
  }
  if (!machine.exists(join(folder, "libonnxruntime_providers_cuda.so"))) {
    return {
      what: "the CUDA provider of onnxruntime-node is not installed",
      mend: "ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js",
    };
  }
  const absent = missingLibraries(machine, cudaLibraries);
  if (absent.length === 0) return undefined;
  return {
    what: `CUDA 12 or cuDNN 9 is incomplete: ${absent.join(", ")} not found`,
    mend: "apt-get install cuda-libraries-12-9 libcudnn9-cuda-12 (from NVIDIA's repository), or name their folders in LD_LIBRARY_PATH",
  };
}

/** Where drivers of Vulkan are listed on Linux. */
const vulkanFolders = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d"];

/** WebGPU: on Linux Vulkan's loader and a driver; elsewhere the system brings what it needs. */
export function missingForWebGpu(machine: Machine): Missing | undefined {
  if (!machine.platform.startsWith("linux/")) return undefined;
  const mend = "apt-get install libvulkan1 mesa-vulkan-drivers (NVIDIA's cards: the driver of NVIDIA)";
  if (missingLibraries(machine, ["libvulkan.so.1"]).length > 0)
    return { what: "Vulkan is not installed: no libvulkan.so.1", mend };
  const { VK_DRIVER_FILES, VK_ICD_FILENAMES, VK_ADD_DRIVER_FILES } = machine.environment;
  const named = [VK_DRIVER_FILES, VK_ICD_FILENAMES, VK_ADD_DRIVER_FILES].some(Boolean);
  if (named || vulkanFolders.some((folder) => machine.files(folder).some((file) => file.endsWith(".json")))) return undefined;
  return { what: "Vulkan has no driver of a graphics card", mend };
}

/** Native TensorFlow.js 4.22, the newest: Node 20 or 22 (it calls `util.isNullOrUndefined`, which Node 23 removed). */
export function missingForTensorFlow(machine: Machine): Missing | undefined {
  const major = Number.parseInt(machine.node, 10);
  if (major < 23) return undefined;
  return { what: `native TensorFlow.js runs on Node 20 and 22, not on ${machine.node}`, mend: "use Node 22 (nvm install 22)" };
}
