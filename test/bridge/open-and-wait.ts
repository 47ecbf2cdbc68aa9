// A program for bridge.test.ts to end in unkind ways: opens a host, says its process id, and waits.
import { Connection, connectEnvironment, Host } from "../../src/bridge/index.js";

const [python, environment] = process.argv.slice(2);
const host = new Host({ environment: environment!, copies: 1, python: python! });
await connectEnvironment(new Connection(host.endpoint, "test"));
console.log(host.pid);
if (process.argv[4] === "wait") setInterval(() => {}, 1000);
