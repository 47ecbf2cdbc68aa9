import { existsSync, realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

/** A software GPU: Chromium brings SwiftShader, a Vulkan driver that computes on the processor. */
export interface SwiftShader {
  /** What a process needs in its environment when it starts, so that Vulkan finds it and nothing else. */
  readonly environment: Readonly<Record<string, string>>;
}

const names = ["vk_swiftshader_icd.json", "libvk_swiftshader.so", "libvulkan.so.1"];

/** Where Chromium keeps its libraries: beside the program, or where Debian puts them. */
function folders(): string[] {
  const beside = (process.env.CHROMIUM ? [process.env.CHROMIUM] : []).concat(
    (process.env.PATH ?? "")
      .split(delimiter)
      .flatMap((folder) => ["chromium", "google-chrome"].map((name) => join(folder, name))),
  );
  const found = beside.filter((path) => existsSync(path)).map((path) => dirname(realpathSync(path)));
  return [...found, "/usr/lib/chromium", "/usr/lib/chromium-browser"];
}

/** SwiftShader on this machine; undefined where there is no Chromium that brings it. Linux only: Baton's tests run there. */
export function swiftShader(): SwiftShader | undefined {
  const folder = folders().find((candidate) => names.every((name) => existsSync(join(candidate, name))));
  if (folder === undefined) return undefined;
  const driver = join(folder, "vk_swiftshader_icd.json");
  // The older and the newer name of the loader's variable. The loader itself comes with Chromium as well.
  const LD_LIBRARY_PATH = [folder, process.env.LD_LIBRARY_PATH].filter(Boolean).join(delimiter);
  return { environment: { VK_DRIVER_FILES: driver, VK_ICD_FILENAMES: driver, LD_LIBRARY_PATH } };
}
