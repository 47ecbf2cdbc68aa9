// A program for containers.test.ts to end in unkind ways: opens an environment in a container, says so, and waits.
import { openPythonEnvironment } from "../../src/bridge/index.js";
import { launcherOf } from "../../src/bridge/launch/index.js";
import { defaultSimulators } from "../../src/bridge/settings.js";

const launcher = launcherOf({ ...defaultSimulators, launch: "podman" });
await openPythonEnvironment("python:experiments/examples/my_env.py:Corridor", 1, { launcher });
console.log("open");
if (process.argv[2] === "wait") setInterval(() => {}, 1000);
