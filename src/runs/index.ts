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
export { RunFolder, type RunInfo, type RunPresence, runFormat } from "./folder.js";
export type { Json } from "./manifest.js";
export { matchTree } from "./safetensors.js";
