// A program for fleet.test.ts to end while it waits for a host that takes its time.
import { startFleet } from "../../src/bridge/fleet/index.js";

await startFleet({
  ...{ environment: "envs/python/tests/games.py:Slow", options: {}, launch: "process", hosts: 1, copies: 1, bind: "127.0.0.1" },
  ...{ port: 22_100, keys: undefined, python: process.argv[2]!, startSeconds: 60 },
  ...{ image: null, network: "ports", memory: null, cpus: null },
});
