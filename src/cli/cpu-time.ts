import { readdirSync, readFileSync } from "node:fs";

/** Clock ticks a second in which Linux counts processor time for user programs. */
const ticksPerSecond = 100;

interface ProcessTimes {
  readonly parent: number;
  readonly seconds: number;
}

/** Processor time, in seconds, of this process with all its threads and of the given others; elsewhere than on Linux of this one alone. */
export function cpuSeconds(pids: readonly number[] = []): number {
  const { user, system } = process.cpuUsage();
  return pids.reduce((sum, pid) => sum + (timesOf(pid)?.seconds ?? 0), (user + system) / 1e6);
}

/** Processes that this one, or one of them, has started and that run still. Linux only, none elsewhere. */
export function descendants(): number[] {
  const parents = new Map<number, number>();
  for (const name of listProcesses()) {
    const times = timesOf(Number(name));
    if (times) parents.set(Number(name), times.parent);
  }
  const isOurs = (pid: number): boolean => {
    const parent = parents.get(pid);
    return parent !== undefined && (parent === process.pid || isOurs(parent));
  };
  return [...parents.keys()].filter(isOurs);
}

function listProcesses(): string[] {
  try {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** See proc(5): after the name, which may hold anything but ends with the last bracket, come the parent in field 2, utime and stime in 12 and 13. */
function timesOf(pid: number): ProcessTimes | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)!.split(" ");
    return { parent: Number(fields[1]), seconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond };
  } catch {
    return undefined; // it has ended, or this is not Linux
  }
}
