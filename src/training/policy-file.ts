import { loadCheckpoint, type RunFolder } from "../runs/index.js";
import type { HostTree } from "../tensor/tree.js";
import type { Experiment } from "./experiment.js";

/** The acting part of a checkpoint: what "best" holds already, and what agents take from a full one. */
export function loadPolicy(
  run: RunFolder,
  which: "best" | "latest" | number,
  experiment: Experiment,
): { policy: HostTree; step: number; warnings: readonly string[] } {
  const loaded = loadCheckpoint(run, which, { replay: false });
  const isFull = (loaded.json as { learner?: unknown } | null)?.learner !== undefined;
  return {
    policy: isFull ? experiment.agent.policy(loaded.state) : loaded.state,
    step: loaded.step,
    warnings: loaded.warnings,
  };
}
