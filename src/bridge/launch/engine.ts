/**
 * Talks to a container engine, podman or docker, through its command.
 *
 * @module
 */
import { execFile, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { BatonError } from "../../errors.js";

export const engines = ["podman", "docker"] as const;
export type Engine = (typeof engines)[number];

/** On every container of ours: `run` (it ends with the process that owns it) or `up` (with `baton simulators down`). */
export const kindLabel = "org.baton.kind";
/** On containers that end with a process: which. */
export const ownerLabel = "org.baton.owner";

const run = promisify(execFile);

/**
 * What an engine's command prints.
 *
 * @throws BatonError `missing-dependency` when there is no such command, `io` with its own words when it fails.
 */
export async function engineOutput(engine: Engine, parameters: readonly string[]): Promise<string> {
  try {
    return (await run(engine, parameters, { maxBuffer: 1 << 26 })).stdout;
  } catch (error) {
    const { code, stderr = "" } = error as { code?: string | number; stderr?: string };
    if (code === "ENOENT") throw missingEngine(engine);
    throw new BatonError("io", `${engine} ${parameters[0]} failed: ${stderr.trim() || String(error)}`, { cause: error });
  }
}

/** Removes containers, by force and without waiting. */
export function removeContainers(engine: Engine, names: readonly string[]): void {
  // On its own feet: the process that asks may be about to end.
  const child = spawn(engine, ["rm", "--force", ...names], { detached: true, stdio: "ignore" });
  child.once("error", () => {});
  child.unref();
}

export function missingEngine(engine: Engine): BatonError {
  return new BatonError("missing-dependency", `the command "${engine}" was not found`, {
    hint:
      engine === "podman" ? "apt-get install podman (or see https://podman.io)" : "see https://docs.docker.com/engine/install",
  });
}

/** This process, so that nobody mistakes another with the same id for it: `pid.start`. */
export function thisOwner(): string {
  return `${process.pid}.${startOf(process.pid) ?? ""}`;
}

/** Says whether the process that {@link thisOwner} named still runs. */
export function ownerLives(owner: string): boolean {
  const [pid = Number.NaN, start = ""] = owner.split(".").map((part, k) => (k === 0 ? Number(part) : part)) as [number, string];
  return processLives(pid, start);
}

/** Says whether process `pid`, started at `start` (see {@link startOf}; unknown when empty), still runs. */
export function processLives(pid: number, start: string): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  const found = startOf(pid);
  if (found !== undefined) return start === "" || found === start;
  if (startOf(process.pid) !== undefined) return false;
  try {
    process.kill(pid, 0);
    return start === "";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** When a process started, in clock ticks since boot; undefined where there is no such process, or no /proc. */
export function startOf(pid: number): string | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the command in parentheses, which may hold anything; the state is the third, the start the 22nd.
    const [state, ...rest] = fields.slice(fields.lastIndexOf(")") + 2).split(" ");
    return state === "Z" ? undefined : rest[18];
  } catch {
    return undefined;
  }
}
