/**
 * Where hosts come from: processes, containers, or somebody else.
 *
 * @module
 */
import { readClientKeys } from "../keys.js";
import type { SimulatorSettings } from "../settings.js";
import { connectLauncher } from "./connect.js";
import { containerLauncher } from "./container.js";
import type { Launcher } from "./launcher.js";
import { processLauncher } from "./process.js";

export type { HostRequest, Launcher } from "./launcher.js";

/**
 * The launcher that a run's settings choose.
 *
 * @throws BatonError where a setting does not fit.
 */
export function launcherOf(settings: SimulatorSettings): Launcher {
  if (settings.launch === "process") return processLauncher(settings.python ?? process.env.BATON_PYTHON ?? "python3");
  if (settings.launch !== "connect") return containerLauncher(settings.launch, settings);
  return connectLauncher(settings.connect, settings.keys === null ? undefined : readClientKeys(settings.keys));
}
