/**
 * Digits that are drawn, still or moving: data that need no file, the same for the same seed on every machine.
 *
 * @module
 */
import { RandomStream } from "../../tensor/random.js";
import type { Dataset } from "./dataset.js";

/** 5×7 dots a digit, row by row. */
const glyphs = [
  "01110100011001110101110011000101110",
  "00100011000010000100001000010001110",
  "01110100010000100010001000100011111",
  "11111000100010000010000011000101110",
  "00010001100101010010111110001000010",
  "11111100001111000001000011000101110",
  "00110010001000011110100011000101110",
  "11111000010001000100010000100001000",
  "01110100011000101110100011000101110",
  "01110100011000101111000010001001100",
].map((dots) => Uint8Array.from(dots, Number));

const [COLUMNS, ROWS] = [5, 7];

/** Ink of a glyph at a point of its grid, bilinear, 0 outside. */
function inkAt(glyph: Uint8Array, x: number, y: number): number {
  const [x0, y0] = [Math.floor(x), Math.floor(y)];
  const dot = (column: number, row: number) =>
    column >= 0 && column < COLUMNS && row >= 0 && row < ROWS ? glyph[row * COLUMNS + column]! : 0;
  const [fx, fy] = [x - x0, y - y0];
  const top = dot(x0, y0) * (1 - fx) + dot(x0 + 1, y0) * fx;
  const bottom = dot(x0, y0 + 1) * (1 - fx) + dot(x0 + 1, y0 + 1) * fx;
  return top * (1 - fy) + bottom * fy;
}

interface Placed {
  readonly digit: number;
  /** Centre, in pixels. */
  readonly x: number;
  readonly y: number;
  /** Pixels of a dot. */
  readonly scale: number;
  /** Radians. */
  readonly angle: number;
}

function draw(out: Float32Array, offset: number, size: number, { digit, x, y, scale, angle }: Placed): void {
  const [cos, sin] = [Math.cos(angle) / scale, Math.sin(angle) / scale];
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const [dx, dy] = [column - x, row - y];
      const ink = inkAt(glyphs[digit]!, cos * dx + sin * dy + (COLUMNS - 1) / 2, cos * dy - sin * dx + (ROWS - 1) / 2);
      out[offset + row * size + column] = Math.max(out[offset + row * size + column]!, ink);
    }
  }
}

export interface DigitsOptions {
  readonly seed: number;
  readonly samples: number;
  /** Pixels of a side. */
  readonly size: number;
  /** 1 draws pictures; more draws videos in which the digit moves and bounces off the edges. */
  readonly frames: number;
}

/** Where a coordinate that runs from `least` to `most` and back is after `way`. */
function bounced(start: number, way: number, least: number, most: number): number {
  const span = most - least;
  if (span <= 0) return (least + most) / 2;
  const along = (((start - least + way) % (2 * span)) + 2 * span) % (2 * span);
  return least + (along <= span ? along : 2 * span - along);
}

/** One digit a sample on a noisy ground, at a random place, size and slant; its class is the label. Sample `i` depends on the seed and `i` alone. */
export function digits({ seed, samples, size, frames }: DigitsOptions): Dataset {
  const streamOf = (i: number) => RandomStream.from(seed, `digit ${i}`);
  return {
    name: frames === 1 ? "digits" : "moving digits",
    size: samples,
    frames,
    height: size,
    width: size,
    channels: 1,
    classes: 10,
    label: (i) => streamOf(i).integer(10),
    read(i, out, offset) {
      const rng = streamOf(i);
      const digit = rng.integer(10);
      const scale = (size / 16) * (1 + 0.7 * rng.uniform());
      const margin = 3.5 * scale;
      const between = (least: number, most: number) => least + (most - least) * rng.uniform();
      const [x, y] = [between(margin, size - margin), between(margin, size - margin)];
      const angle = between(-0.4, 0.4);
      const [vx, vy] = frames === 1 ? [0, 0] : [between(-0.1, 0.1) * size, between(-0.1, 0.1) * size];
      const noise = 0.25 * rng.uniform();
      for (let frame = 0; frame < frames; frame++) {
        const at = offset + frame * size * size;
        for (let k = 0; k < size * size; k++) out[at + k] = noise * rng.uniform();
        const place = {
          x: bounced(x, vx * frame, margin, size - margin),
          y: bounced(y, vy * frame, margin, size - margin),
        };
        draw(out, at, size, { digit, ...place, scale, angle });
      }
    },
  };
}
