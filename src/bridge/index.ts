export { connectEnvironment, defaultPatience, type Patience } from "./client.js";
export { Connection } from "./connection.js";
export { Host, type HostOptions } from "./host.js";
export { PROTOCOL_VERSION } from "./protocol.js";
export { isPythonEnvironment, openPythonEnvironment, type PythonOptions } from "./python.js";
export { servedEnvironment } from "./served.js";
export { defaultSimulators, type SimulatorSettings, simulatorSettings } from "./settings.js";
