import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type Engine,
  engineOutput,
  engines,
  kindLabel,
  ownerLabel,
  ownerLives,
  processLives,
  removeContainers,
} from "../launch/engine.js";
import { type HostRecord, logFile, removeRecord } from "./records.js";

/** Milliseconds for simulators to close before they are killed. */
const grace = 5000;

/** How a host is at the moment. */
export interface HostState {
  readonly lives: boolean;
  /** How it ended, where that is known. */
  readonly code: number | undefined;
  /** What it, or the engine that should have started it, has printed. */
  readonly output: string;
}

export async function hostState(host: HostRecord): Promise<HostState> {
  const own = readLog(host.name);
  const commandLives = processLives(host.pid, host.start);
  if (host.launch === "process") return { lives: commandLives, code: undefined, output: own };
  // The engine's client ends once the container is started; until then there may be none.
  const found = await inspect(host.launch, host.name);
  if (!found) return { lives: commandLives, code: commandLives ? undefined : 125, output: own };
  return { lives: found.lives, code: found.lives ? undefined : found.code, output: await logsOf(host.launch, host.name) };
}

/** Ends a host, gently at first, and removes everything that is left of it. */
export async function stopHost(host: HostRecord): Promise<void> {
  if (host.launch === "process") await endProcess(host);
  else await remove(host.launch, [host.name]);
  removeRecord(host.name);
}

/** {@link stopHost} for a process that is about to end itself: at once, without waiting. */
export function abandonHost(host: HostRecord): void {
  if (host.launch !== "process") removeContainers(host.launch, [host.name]);
  else if (processLives(host.pid, host.start)) signalGroup(host.pid, "SIGKILL");
  removeRecord(host.name);
}

/**
 * Removes containers of trainings that ended without a chance to do so themselves (`kill -9`, power cut).
 *
 * @returns their names.
 */
export async function removeOrphans(): Promise<string[]> {
  const removed: string[] = [];
  for (const engine of engines) {
    const orphans = (await ownedContainers(engine)).filter(({ owner }) => !ownerLives(owner)).map(({ name }) => name);
    await remove(engine, orphans);
    removed.push(...orphans);
  }
  return removed;
}

async function endProcess({ pid, start }: HostRecord): Promise<void> {
  if (!processLives(pid, start)) return;
  signalGroup(pid, "SIGTERM");
  const deadline = Date.now() + grace;
  while (processLives(pid, start) && Date.now() < deadline) await sleep(20);
  signalGroup(pid, "SIGKILL");
  while (processLives(pid, start)) await sleep(20);
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended.
  }
}

async function remove(engine: Engine, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  try {
    await engineOutput(engine, ["stop", "-t", String(grace / 1000), ...names]);
  } catch {
    // Some are gone, or have not begun.
  }
  await engineOutput(engine, ["rm", "--force", ...names]).catch(() => {});
}

async function inspect(engine: Engine, name: string): Promise<{ lives: boolean; code: number } | undefined> {
  const format = "{{.State.Status}} {{.State.ExitCode}}";
  try {
    const printed = await engineOutput(engine, ["inspect", "--type", "container", "--format", format, name]);
    const [status = "", code] = printed.trim().split(" ");
    return { lives: !["exited", "stopped", "dead"].includes(status), code: Number(code) };
  } catch {
    return undefined;
  }
}

async function logsOf(engine: Engine, name: string): Promise<string> {
  return engineOutput(engine, ["logs", name]).catch(() => "");
}

async function ownedContainers(engine: Engine): Promise<{ name: string; owner: string }[]> {
  const format = `{{.Names}}\t{{.Labels}}`;
  let printed: string;
  try {
    printed = await engineOutput(engine, ["ps", "--all", "--filter", `label=${kindLabel}=run`, "--format", format]);
  } catch {
    return []; // no such engine here
  }
  const lines = printed.split("\n").filter((line) => line.includes("\t"));
  return lines.map((line) => {
    const [name = "", labels = ""] = line.split("\t");
    // podman prints map[a:b c:d], docker a=b,c=d.
    const [, owner = ""] = new RegExp(`${ownerLabel.replaceAll(".", "\\.")}[:=]([\\d.]+)`).exec(labels) ?? [];
    return { name, owner };
  });
}

function readLog(name: string): string {
  try {
    return readFileSync(logFile(name), "utf8");
  } catch {
    return "";
  }
}
