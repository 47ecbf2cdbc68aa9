import type { VectorEnvironment } from "../environment.js";
import { BatonError } from "../errors.js";
import { connectEnvironment, defaultPatience, type Patience } from "./client.js";
import { Connection } from "./connection.js";
import { Host, type HostOptions, type RunningHost } from "./host.js";
import type { Launcher } from "./launch/index.js";

const prefix = "python:";

export interface PythonOptions extends Omit<HostOptions, "environment" | "copies"> {
  readonly patience?: Patience;
  /** Where the host comes from; a process of this machine unless given. */
  readonly launcher?: Launcher;
}

/** Says whether an environment's id names a Python class. */
export function isPythonEnvironment(id: string): boolean {
  return id.startsWith(prefix);
}

/**
 * Starts a Python host for `copies` copies of the user's class and opens it. The host ends when the environment is closed.
 *
 * @param id `python:module:Class` or `python:path/to/file.py:Class`; modules are looked for in the working folder, `path` and
 *   PYTHONPATH.
 * @throws BatonError `missing-dependency` (Python or one of its packages is missing; the hint has the command that installs it),
 *   `unknown-name` (no such module or class), `environment` (the class fails, or breaks the contract), `io`.
 *
 * @example
 * const env = await openPythonEnvironment("python:my_env:Corridor", 8, { path: ["experiments/examples"] });
 */
export async function openPythonEnvironment(
  id: string,
  copies: number,
  { patience = defaultPatience, launcher, ...options }: PythonOptions = {},
): Promise<VectorEnvironment> {
  const environment = isPythonEnvironment(id) ? id.slice(prefix.length) : "";
  if (!/^.+:[^:]+$/.test(environment)) {
    throw new BatonError("invalid-value", `"${id}" names no Python environment`, {
      hint: "write python:module:Class or python:path/to/file.py:Class",
    });
  }
  if (!Number.isInteger(copies) || copies < 1) {
    const allowed = "a whole number of at least 1";
    throw new BatonError("invalid-value", `the number of environment copies is ${copies}, but must be ${allowed}`);
  }
  const request = { ...options, environment, copies };
  const host: RunningHost = launcher ? launcher.launch(request) : new Host(request);
  const connection = new Connection(host.endpoint, id, host.keys);
  void host.ended.then((error) => connection.end(error));
  try {
    return new HostedEnvironment(await connectEnvironment(connection, patience, copies), host);
  } catch (error) {
    connection.close();
    await host.close();
    throw error;
  }
}

/** A remote environment that owns its host. */
class HostedEnvironment implements VectorEnvironment {
  readonly spec: VectorEnvironment["spec"];
  readonly copies: number;
  readonly reset: VectorEnvironment["reset"];
  readonly step: VectorEnvironment["step"];
  readonly #remote: VectorEnvironment;
  readonly #host: RunningHost;

  constructor(remote: VectorEnvironment, host: RunningHost) {
    this.spec = remote.spec;
    this.copies = remote.copies;
    this.reset = remote.reset.bind(remote);
    this.step = remote.step.bind(remote);
    this.#remote = remote;
    this.#host = host;
  }

  async close(): Promise<void> {
    await this.#remote.close?.();
    await this.#host.close();
  }
}
