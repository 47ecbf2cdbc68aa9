export { type Decision, type RecordedEpisode, type RecordedStep, readEpisode, writeEpisode } from "./episodes.js";
