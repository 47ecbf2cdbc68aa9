import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { expect, it } from "vitest";
import { cpuSeconds, descendants } from "./cpu-time.js";

it.skipIf(!existsSync("/proc/self/stat"))("counts the processor time of processes that others have started", async () => {
  // A shell that starts a program which works for a while, says so, and waits.
  const work =
    "const end = process.cpuUsage().user + 3e5; while (process.cpuUsage().user < end); console.log('done'); setTimeout(() => {}, 60000)";
  const shell = spawn("sh", ["-c", `"${process.execPath}" -e "${work}" & wait`], {
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  try {
    await once(shell.stdout, "data");
    const started = descendants();
    expect(started).toContain(shell.pid);
    expect(started.length).toBeGreaterThan(1);
    const alone = cpuSeconds();
    expect(cpuSeconds(started) - alone).toBeGreaterThan(0.25);
    expect(cpuSeconds([2 ** 30]) - alone).toBeLessThan(0.2);
  } finally {
    process.kill(-shell.pid!, "SIGKILL");
  }
});
