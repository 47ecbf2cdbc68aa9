import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import type { HostArray } from "../../src/tensor/tree.js";

/** Numbers that agree to a share of the largest of them. */
export function close(got: ArrayLike<number>, want: readonly number[], tolerance: number): void {
  expect(got.length).toBe(want.length);
  const scale = Math.max(...want.map(Math.abs));
  for (const [i, value] of want.entries()) expect(Math.abs(got[i]! - value)).toBeLessThan(tolerance * scale);
}

/** Writes the job that experiments/bench/peers/peer.py reads, and runs the model on it. */
export function runPeer<Result>(
  interpreter: string,
  script: string,
  settings: object,
  arrays: Record<string, HostArray>,
): Result {
  const folder = mkdtempSync(join(tmpdir(), "baton-official-"));
  try {
    const listed = Object.entries(arrays).map(([name, { dtype, shape: sizes }]) => ({ name, dtype, shape: sizes }));
    const bytes = Object.values(arrays).map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    const job = join(folder, "job");
    writeFileSync(job, Buffer.concat([Buffer.from(`${JSON.stringify({ settings, arrays: listed })}\n`), ...bytes]));
    const { status, stdout, stderr } = spawnSync(interpreter, [join(import.meta.dirname, script), job], {
      encoding: "utf8",
    });
    expect(status, stderr).toBe(0);
    return JSON.parse(stdout) as Result;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
