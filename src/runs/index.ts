export {
  type CheckpointContents,
  type LoadedCheckpoint,
  listCheckpoints,
  loadCheckpoint,
  type Segmented,
  saveBest,
  saveCheckpoint,
} from "./checkpoint.js";
export { type Decision, type RecordedEpisode, type RecordedStep, readEpisode, writeEpisode } from "./episodes.js";
export { EvaluationLog, type EvaluationMetrics, type EvaluationPoint } from "./evaluation.js";
export { RunFolder, type RunInfo, type RunPresence, runFormat } from "./folder.js";
export type { Json } from "./manifest.js";
export { type MetricRecord, type MetricsOptions, MetricsWriter, type Progress, readMetrics } from "./metrics.js";
export { matchTree } from "./safetensors.js";
