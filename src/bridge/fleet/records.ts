/**
 * What `baton simulators up` has started: one file for each host, until `baton simulators down`.
 *
 * @module
 */
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { BatonError } from "../../errors.js";
import { clientKeys } from "../keys.js";
import { engines } from "../launch/engine.js";

const record = z.object({
  name: z.string().regex(/^[\w.-]+$/),
  /** What the host was told to serve, and its options. */
  environment: z.string(),
  options: z.record(z.string(), z.unknown()),
  launch: z.enum(["process", ...engines]),
  /** Where this machine reaches it. */
  endpoint: z.string(),
  /** What it lends at once. */
  copies: z.number().int(),
  /** Of the process, or of the command that began the container; see `processLives`. */
  pid: z.number().int(),
  start: z.string(),
  /** ISO 8601. */
  since: z.string(),
  image: z.string().optional(),
  /** What its peers need, where Baton made the keys; a secret. */
  keys: clientKeys.optional(),
});

/** One host that `baton simulators up` has started. */
export type HostRecord = z.infer<typeof record>;

/** `$XDG_STATE_HOME/baton/simulators`, or that below `~/.local/state`. */
export function recordsFolder(): string {
  const state = process.env.XDG_STATE_HOME;
  return join(state ? state : join(homedir(), ".local", "state"), "baton", "simulators");
}

function recordFile(name: string): string {
  return join(recordsFolder(), `${name}.json`);
}

/** Where a host's output goes. */
export function logFile(name: string): string {
  return join(recordsFolder(), `${name}.log`);
}

/** All records, by name. What is no record is passed over. */
export function readRecords(): HostRecord[] {
  let files: string[];
  try {
    files = readdirSync(recordsFolder());
  } catch {
    return [];
  }
  const found = files.filter((file) => file.endsWith(".json")).map((file) => readRecord(join(recordsFolder(), file)));
  return found.filter((one) => one !== undefined).sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
}

function readRecord(path: string): HostRecord | undefined {
  try {
    return record.safeParse(JSON.parse(readFileSync(path, "utf8"))).data;
  } catch {
    return undefined;
  }
}

/**
 * Writes a record so that nobody ever reads half of one, and only its owner reads it.
 *
 * @throws BatonError "io" when the disk refuses.
 */
export function writeRecord(host: HostRecord): void {
  makeRecordsFolder();
  const path = recordFile(host.name);
  try {
    writeFileSync(`${path}.tmp`, `${JSON.stringify(host, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${path}.tmp`, path);
  } catch (cause) {
    throw new BatonError("io", `cannot write down the host ${host.name}: ${(cause as Error).message}`, {
      hint: "free some space, or name another folder with XDG_STATE_HOME",
      cause,
    });
  }
}

function makeRecordsFolder(): void {
  mkdirSync(recordsFolder(), { recursive: true, mode: 0o700 });
}

/**
 * Takes a name that no other host has: `baton-smac-3m-1`, `baton-smac-3m-2`, … The log file that is opened for it is what takes it: other
 * processes may look for a name at the same moment, before there is a record.
 *
 * @returns the name, and its open log file.
 */
export function takeName(stem: string): { readonly name: string; readonly log: number } {
  makeRecordsFolder();
  for (let k = 1; ; k++) {
    const name = `${stem}-${k}`;
    if (existsSync(recordFile(name))) continue;
    try {
      return { name, log: openSync(logFile(name), "wx", 0o600) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}

export function removeRecord(name: string): void {
  rmSync(recordFile(name), { force: true });
  rmSync(logFile(name), { force: true });
}
