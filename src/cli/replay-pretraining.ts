/** What `baton replay` shows of a run in which nothing was played: the curve of its loss, and its pictures. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BatonError } from "../errors.js";
import { onDisk } from "../runs/files.js";
import { RunFolder, readMetrics } from "../runs/index.js";
import { renderCurveSvg } from "../viewer/curve.js";
import { renderPretrainingPage } from "../viewer/pretraining-page.js";

/** The picture that `baton pretrain` leaves in a run's folder. */
export const pictureFile = "reconstructions.png";

const caption =
  "Samples that were not trained on: as they are, what the encoder sees (grey is hidden, black is thrown away), with what it predicts, and where the class token looks (red)";

export interface ShownPretraining {
  readonly env: string;
  readonly agent: string;
  readonly seed: number;
  readonly updates: number;
  readonly firstLoss: number;
  readonly loss: number;
  /** The page, made when it is asked for. */
  readonly page: () => string;
}

/** What there is to show of a folder; undefined when it is no run, or one in which episodes were played or evaluated. */
export function findPretraining(path: string): ShownPretraining | undefined {
  if (!existsSync(path) || RunFolder.inspect(path) !== "run") return undefined;
  const episodes = join(path, "episodes");
  if (existsSync(episodes) && onDisk("read the folder", episodes, () => readdirSync(episodes)).length > 0) return undefined;
  const run = RunFolder.open(path);
  const points = readMetrics(run);
  const [first, last] = [points[0], points.at(-1)];
  if (first?.loss === undefined || last?.loss === undefined) return undefined;
  if (points.some(({ winRate, meanReturn }) => winRate !== undefined || meanReturn !== undefined)) return undefined;
  const { env, agent, seed } = run.info;
  const title = `${agent} on ${env}, seed ${seed}`;
  const page = () => {
    const picture = join(path, pictureFile);
    return renderPretrainingPage({
      title,
      facts: [
        ["updates", String(last.updates)],
        ["samples seen", last.environmentSteps.toLocaleString("en")],
        ["loss", `${first.loss!.toFixed(4)} → ${last.loss!.toFixed(4)}`],
      ],
      curve: renderCurveSvg([{ name: `seed ${seed}`, points }], { title }),
      pictures: existsSync(picture) ? [{ caption, png: onDisk("read", picture, () => readFileSync(picture)) }] : [],
    });
  };
  return { env, agent, seed, updates: last.updates, firstLoss: first.loss, loss: last.loss, page };
}

/** Refuses what has a meaning for episodes alone. */
export function refuseEpisodeOptions(path: string, options: Readonly<Record<string, unknown>>): void {
  for (const name of ["terminal", "strip", "steps", "episode"]) {
    if (options[name] === undefined) continue;
    throw new BatonError("invalid-value", `--${name} is for episodes, but nothing was played in ${path}`, {
      hint: `see its loss and pictures with: baton replay ${path} --html`,
    });
  }
}
