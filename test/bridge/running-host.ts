import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A `baton_host` that a test started by hand, as a user would on another machine. */
export interface RunningHost {
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts a host and waits until somebody listens on its port. */
export async function startHost(python: string, options: readonly string[], port: number): Promise<RunningHost> {
  const env = { ...process.env, PYTHONPATH: `${root}envs/python`, PYTHONDONTWRITEBYTECODE: "1" };
  const child = spawn(python, ["-m", "baton_host", ...options], { env, stdio: ["ignore", "inherit", "inherit"] });
  const ended = once(child, "exit");
  while (!(await listens(port))) {
    if (child.exitCode !== null) throw new Error(`the host ended with ${child.exitCode}`);
  }
  return {
    port,
    async stop() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => setTimeout(() => resolve(false), 50));
  });
}
