import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { onDisk } from "../runs/files.js";
import { type RunFolder, readMetrics } from "../runs/index.js";
import { renderCurveSvg } from "../viewer/curve.js";

/** Draws the run's learning curve into its `curve.svg` and returns the path; undefined while there is no evaluation to draw. */
export function writeCurve(run: RunFolder): string | undefined {
  const points = readMetrics(run);
  if (points.length === 0) return undefined;
  const { env, agent, seed } = run.info;
  const path = join(run.path, "curve.svg");
  const svg = renderCurveSvg([{ name: `seed ${seed}`, points }], { title: `${agent.toUpperCase()} on ${env}, seed ${seed}` });
  onDisk("write", path, () => writeFileSync(path, svg));
  return path;
}
