export { allocateBatch, type Batch, type BatchFields } from "./batch.js";
export { ReplayBuffer, type ReplayOptions } from "./buffer.js";
export { fieldSpec, replayBytes } from "./layout.js";
export { PrioritisedSampler } from "./prioritised.js";
export { type Sampler, UniformSampler } from "./sampler.js";
export { type ReplaySnapshot, type ReplayState, ReplayStore } from "./store.js";
