import { readdirSync, readFileSync } from "node:fs";

/** Process ids of the `baton_host` processes that a process, or this one, has started. Linux only. */
export function childHosts(of = process.pid): number[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const parent = /^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${name}/status`, "utf8"))?.[1];
      const isHost = readFileSync(`/proc/${name}/cmdline`, "utf8").includes("baton_host");
      return isHost && Number(parent) === of ? [Number(name)] : [];
    } catch {
      return []; // it has ended meanwhile
    }
  });
}

/** Files, sockets and pipes that this process holds open. */
export const openFiles = (): number => readdirSync("/proc/self/fd").length;

/** Memory of this process, in bytes. */
export const memory = (): number => process.memoryUsage.rss();
