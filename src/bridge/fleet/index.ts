/**
 * Hosts that run before a training needs them and go on after it: `baton simulators`.
 *
 * @module
 */
export { hostState, removeOrphans, stopHost } from "./down.js";
export { type HostRecord, logFile, readRecords, recordsFolder } from "./records.js";
export { type FleetRequest, startFleet } from "./up.js";
