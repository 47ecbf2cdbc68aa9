import type { VectorEnvironment } from "../environment.js";
import { joinEnvironments } from "../environments/join.js";
import { BatonError } from "../errors.js";
import { defaultPatience, type Patience } from "./client.js";
import { Host, type HostOptions } from "./host.js";
import type { Launcher } from "./launch/index.js";
import { openSession } from "./session.js";

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
 * Nothing is mended here: whatever goes wrong is thrown. Training uses hosts that are (see `served.ts`).
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
  const environment = pythonLocation(id);
  if (!Number.isInteger(copies) || copies < 1) {
    const allowed = "a whole number of at least 1";
    throw new BatonError("invalid-value", `the number of environment copies is ${copies}, but must be ${allowed}`);
  }
  const request = { ...options, environment, copies };
  const launch = () => (launcher ? launcher.launch(request) : new Host(request));
  const session = await openSession({ id, launch, copies, groups: 1, patience });
  return joinEnvironments(session.groups, session.close);
}

/** What `baton_host --env` is told. */
export function pythonLocation(id: string): string {
  const location = isPythonEnvironment(id) ? id.slice(prefix.length) : "";
  if (/^.+:[^:]+$/.test(location)) return location;
  throw new BatonError("invalid-value", `"${id}" names no Python environment`, {
    hint: "write python:module:Class or python:path/to/file.py:Class",
  });
}
