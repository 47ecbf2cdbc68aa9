/**
 * Crops and flips of samples as they are drawn, the same for all frames of a video: MAE's only augmentation.
 *
 * @module
 */
import { z } from "zod";
import type { TokenGrid } from "../../masked/index.js";
import type { RandomStream } from "../../tensor/random.js";
import type { Dataset } from "./dataset.js";
import { type Box, cropResize, mirror } from "./resize.js";

export const augmentSchema = z
  .strictObject({
    crop: z
      .number()
      .positive()
      .max(1)
      .default(1)
      .describe("Least share of a sample's area that a random crop leaves before it is scaled up again; 1 for no crops."),
    flip: z.boolean().default(false).describe("Whether half of the samples are turned left to right."),
  })
  .describe("Random changes of each sample, new in every epoch.");

export type Augment = z.infer<typeof augmentSchema>;

/** What happens to one sample. */
export interface Change {
  readonly box: Box;
  readonly flip: boolean;
}

/** Width to height of a crop, from … to. */
const ASPECTS = [3 / 4, 4 / 3] as const;
const TRIES = 10;

/**
 * A random box: an area from `least` to 1 of the whole, a ratio of width to height from 3/4 to 4/3 with a uniform logarithm, anywhere; the
 * whole where ten tries do not fit (RandomResizedCrop of MAE's data loader).
 */
export function drawBox(rng: RandomStream, height: number, width: number, least: number): Box {
  const whole = { top: 0, left: 0, height, width };
  if (least >= 1) return whole;
  const [low, high] = ASPECTS.map(Math.log) as [number, number];
  for (let i = 0; i < TRIES; i++) {
    const area = height * width * (least + (1 - least) * rng.uniform());
    const aspect = Math.exp(low + (high - low) * rng.uniform());
    const [w, h] = [Math.round(Math.sqrt(area * aspect)), Math.round(Math.sqrt(area / aspect))];
    if (w < 1 || h < 1 || w > width || h > height) continue;
    return { top: rng.integer(height - h + 1), left: rng.integer(width - w + 1), height: h, width: w };
  }
  return whole;
}

export function drawChange(rng: RandomStream, { height, width }: Dataset, { crop, flip }: Augment): Change {
  return { box: drawBox(rng, height, width, crop), flip: flip && rng.uniform() < 0.5 };
}

/** Changes a sample [T,H,W,C] that stands from `offset` on, each frame alike. */
export function applyChange(pixels: Float32Array, offset: number, dataset: Dataset, { box, flip }: Change): void {
  const { frames, height, width, channels } = dataset;
  const shape = [height, width, channels] as const;
  const cropped = box.height < height || box.width < width;
  for (let frame = 0; frame < frames; frame++) {
    const at = offset + frame * height * width * channels;
    if (cropped) cropResize(pixels, at, shape, box);
    if (flip) mirror(pixels, at, shape);
  }
}

/**
 * Scores of tokens [T] of the whole sample as scores of the tokens of the changed one: each token's share is what falls on it of the map
 * [frames,rows,columns], read bilinearly at the centres of four by four points of the token (AMT, section 3.2: the map undergoes what the
 * picture does).
 */
export function changeScores(
  scores: ArrayLike<number>,
  { frames, rows, columns }: TokenGrid,
  { height, width }: Pick<Dataset, "height" | "width">,
  { box, flip }: Change,
): Float32Array {
  const out = new Float32Array(frames * rows * columns);
  const points = 4;
  const clamp = (value: number, most: number) => Math.min(Math.max(value, 0), most);
  for (let frame = 0; frame < frames; frame++) {
    const cell = (row: number, column: number) => scores[(frame * rows + row) * columns + column]!;
    for (let token = 0; token < rows * columns; token++) {
      const [row, column] = [Math.floor(token / columns), token % columns];
      let sum = 0;
      for (let i = 0; i < points * points; i++) {
        const [dy, dx] = [(Math.floor(i / points) + 0.5) / points, ((i % points) + 0.5) / points];
        const along = flip ? columns - column - dx : column + dx;
        // in cells of the map, whose centres are at whole numbers
        const y = clamp(((box.top + (box.height * (row + dy)) / rows) * rows) / height - 0.5, rows - 1);
        const x = clamp(((box.left + (box.width * along) / columns) * columns) / width - 0.5, columns - 1);
        const [y0, x0] = [Math.floor(y), Math.floor(x)];
        const [y1, x1] = [Math.min(y0 + 1, rows - 1), Math.min(x0 + 1, columns - 1)];
        const [fy, fx] = [y - y0, x - x0];
        const top = cell(y0, x0) * (1 - fx) + cell(y0, x1) * fx;
        sum += top * (1 - fy) + (cell(y1, x0) * (1 - fx) + cell(y1, x1) * fx) * fy;
      }
      out[frame * rows * columns + token] = sum / (points * points);
    }
  }
  return out;
}
