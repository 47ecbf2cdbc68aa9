/**
 * Positions of tokens: fixed sine–cosine tables and learned ones, as MAE and MAE-ST have them. Tables are [T,D], without a row for a
 * class token (MAE gives it zeros).
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { BatonError } from "../errors.js";
import { normal } from "../tensor/initialise.js";
import type { RandomStream } from "../tensor/random.js";
import { HostArray, type Mapped } from "../tensor/tree.js";

type Tensor = tf.Tensor;

/** Spread of learned positions at the start. MAE-ST cuts the normal off at ±2, a hundred times this. */
const STD = 0.02;

/** Base of the geometric row of wavelengths. */
const BASE = 10000;

/** Writes [sin(p·ω_0), …, cos(p·ω_0), …] with ω_k = 10000^(−k/(width/2)) to `out` from `offset` on. */
function writeSinCos(out: Float32Array, offset: number, width: number, position: number): void {
  const half = width / 2;
  for (let k = 0; k < half; k++) {
    const angle = position * BASE ** (-k / half);
    out[offset + k] = Math.sin(angle);
    out[offset + half + k] = Math.cos(angle);
  }
}

function requireMultiple(width: number, divisor: number): void {
  if (Number.isInteger(width) && width > 0 && width % divisor === 0) return;
  throw new BatonError("invalid-value", `positions have width ${width}, expected a multiple of ${divisor}`);
}

/**
 * The table of positions 0 … count−1 along a line, [count,D]: first all sines, then all cosines.
 *
 * @param width D, even.
 */
export function sinCosLine(count: number, width: number): HostArray {
  requireMultiple(width, 2);
  const table = new Float32Array(count * width);
  for (let t = 0; t < count; t++) writeSinCos(table, t * width, width, t);
  return HostArray.float32(table, count, width);
}

/**
 * The table of a grid in row-major order, [rows·columns,D]: the first half of the features tells the column, the second the row.
 *
 * @param width D, a multiple of 4.
 */
export function sinCosGrid(rows: number, columns: number, width: number): HostArray {
  requireMultiple(width, 4);
  const table = new Float32Array(rows * columns * width);
  for (let i = 0; i < rows * columns; i++) {
    writeSinCos(table, i * width, width / 2, i % columns);
    writeSinCos(table, i * width + width / 2, width / 2, Math.floor(i / columns));
  }
  return HostArray.float32(table, rows * columns, width);
}

/** A learned table of one row per token, [count,D], from N(0, 0.02²). */
export function initPositions(rng: RandomStream, count: number, width: number): HostArray {
  return normal(rng, [count, width], STD);
}

/** Learned positions in space and time that add up (MAE-ST): space [places,D], time [frames,D]. */
export type SpaceTime = { space: Tensor; time: Tensor };

export function initSpaceTime(
  rng: RandomStream,
  { frames, places, width }: { frames: number; places: number; width: number },
): Mapped<SpaceTime, Tensor, HostArray> {
  return { space: initPositions(rng, places, width), time: initPositions(rng, frames, width) };
}

/** The table of all tokens frame by frame, [frames·places,D]: token (t,s) is at time[t] + space[s]. */
export function spaceTimePositions({ space, time }: SpaceTime): Tensor {
  const [frames, width] = time.shape as [number, number];
  return tf.add(time.reshape([frames, 1, width]), space).reshape([frames * space.shape[0]!, width]);
}
