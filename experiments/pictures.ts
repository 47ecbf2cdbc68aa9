/**
 * Draws the README's pictures from trained runs: `npx tsx experiments/pictures.ts RUN [RUN …]` writes experiments/results/demo/learning-curve.svg
 * (one line for each run) and experiments/results/demo/replay.png (the newest episode of the first run, in the middle of it; needs Chromium).
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { replayCommand } from "../src/cli/replay.js";
import { BatonError } from "../src/errors.js";
import { RunFolder, readMetrics } from "../src/runs/index.js";
import { renderCurveSvg } from "../src/viewer/curve.js";
import { findChromium, launchChromium } from "../test/chromium.js";

/** Part of the episode that has passed in the picture: far enough that the fight is on. */
const moment = 0.45;

async function drawCurve(runs: readonly RunFolder[], path: string): Promise<void> {
  const { agent, env } = runs[0]!.info;
  const curves = runs.map((run) => ({ name: `seed ${run.info.seed}`, points: readMetrics(run) }));
  await writeFile(path, renderCurveSvg(curves, { title: `${agent.toUpperCase()} on ${env}` }));
}

async function drawReplay(run: RunFolder, path: string): Promise<void> {
  const executable = findChromium();
  if (!executable) throw new BatonError("missing-dependency", "no Chromium found", { hint: "install the package chromium" });
  const folder = mkdtempSync(join(tmpdir(), "baton-picture-"));
  const browser = await launchChromium(executable);
  try {
    const html = join(folder, "replay.html");
    await replayCommand().parseAsync([run.path, "--html", html], { from: "user" });
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1.5 });
    await page.goto(pathToFileURL(html).href);
    const scrub = page.locator(".scrub");
    await scrub.fill(String(Math.round(moment * Number(await scrub.getAttribute("max")))));
    await scrub.blur(); // no focus ring in the picture
    await page.screenshot({ path, animations: "disabled" });
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true });
  }
}

const runs = process.argv.slice(2).map((path) => RunFolder.open(path));
if (runs.length === 0)
  throw new BatonError("invalid-value", "no run given", { hint: "npx tsx experiments/pictures.ts runs/demo" });
mkdirSync("experiments/results/demo", { recursive: true });
await drawCurve(runs, "experiments/results/demo/learning-curve.svg");
await drawReplay(runs[0]!, "experiments/results/demo/replay.png");
