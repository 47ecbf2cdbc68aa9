import { Host } from "../host.js";
import type { Launcher } from "./launcher.js";

/** Hosts are processes of this machine. */
export function processLauncher(python: string): Launcher {
  return { name: "process", launch: (request) => new Host({ ...request, python }) };
}
