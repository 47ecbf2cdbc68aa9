import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encode } from "fast-png";
import { afterAll, expect, it, vi } from "vitest";
import { MetricsWriter, RunFolder } from "../runs/index.js";
import { replayCommand } from "./replay.js";
import { findPretraining, pictureFile } from "./replay-pretraining.js";

const folder = mkdtempSync(join(tmpdir(), "baton-replay-pretraining-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A run whose metrics have these numbers beside the progress. */
function runWith(name: string, numbers: readonly Record<string, number>[]): string {
  const info = { baton: "0.0.0", env: "digits", agent: "masked-autoencoder", seed: 3 };
  const run = RunFolder.create(join(folder, name), info, "seed: 3\n");
  const metrics = new MetricsWriter(run, {});
  for (const [i, more] of numbers.entries()) {
    metrics.write({ environmentSteps: 640 * (i + 1), updates: 10 * (i + 1), wallSeconds: i, ...more });
  }
  metrics.flush();
  metrics.close();
  return run.path;
}

async function replay(...args: string[]): Promise<string> {
  const lines: string[] = [];
  const write = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    lines.push(String(text));
    return true;
  });
  try {
    await replayCommand().parseAsync(args, { from: "user" });
  } finally {
    write.mockRestore();
  }
  return lines.join("");
}

const path = runWith("whole", [{ loss: 1.5 }, { loss: 0.75 }]);
writeFileSync(join(path, pictureFile), encode({ width: 2, height: 1, channels: 3, data: new Uint8Array(6) }));

it("says what a pre-training came to, and writes its curve and pictures as a page", async () => {
  expect(await replay(path)).toContain("masked-autoencoder on digits, seed 3: 20 updates, loss 1.5000 → 0.7500");
  expect(JSON.parse(await replay(path, "--json"))).toMatchObject({ env: "digits", updates: 20, firstLoss: 1.5, loss: 0.75 });
  expect(existsSync(join(path, "replay.html"))).toBe(false);
  await replay(path, "--html");
  const page = readFileSync(join(path, "replay.html"), "utf8");
  expect(page).toContain("<svg");
  expect(page).toContain("data:image/png;base64,");
  const other = join(folder, "mine.html");
  writeFileSync(other, "mine");
  await expect(replay(path, "--html", other)).rejects.toThrow("is not a replay page");
  expect(readFileSync(other, "utf8")).toBe("mine");
});

it("refuses what is for episodes", async () => {
  await expect(replay(path, "--strip", "x.svg")).rejects.toThrow("--strip is for episodes, but nothing was played in");
  await expect(replay(path, "--terminal")).rejects.toThrow("--terminal is for episodes");
});

it("knows a pre-training from a run that was evaluated or has nothing yet", () => {
  expect(findPretraining(path)?.updates).toBe(20);
  expect(findPretraining(runWith("played", [{ loss: 1, winRate: 0.5, meanReturn: 2 }]))).toBeUndefined();
  expect(findPretraining(runWith("begun", []))).toBeUndefined();
  expect(findPretraining(join(folder, "nothing"))).toBeUndefined();
});
