/**
 * A part of a picture brought to another size with a bicubic kernel (a = −½) that is stretched where the picture is made smaller, so that
 * nothing is left out: the filter of the library that MAE's crops are made with (Pillow), here in floating point.
 *
 * @module
 */

/** A part of a picture in pixels; whole numbers. */
export interface Box {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** Keys' cubic convolution with a = −½. */
function cubic(x: number): number {
  const t = Math.abs(x);
  if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
  return t < 2 ? ((-0.5 * t + 2.5) * t - 4) * t + 2 : 0;
}

/** Half the width of the kernel. */
const SUPPORT = 2;

/** For each of `size` outputs over `length` inputs: where its inputs begin, and their weights, which sum to 1. */
function taps(length: number, size: number): { from: number; weights: Float64Array }[] {
  const scale = length / size;
  const stretch = Math.max(1, scale);
  return Array.from({ length: size }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const from = Math.max(0, Math.trunc(centre - SUPPORT * stretch + 0.5));
    const to = Math.min(length, Math.trunc(centre + SUPPORT * stretch + 0.5));
    const weights = Float64Array.from({ length: to - from }, (__, k) => cubic((from + k + 0.5 - centre) / stretch));
    const sum = weights.reduce((a, b) => a + b, 0);
    return { from, weights: weights.map((weight) => weight / sum) };
  });
}

/**
 * The part `box` of a picture [H,W,C] at the size H×W again. Values may pass the picture's range a little, and are brought back to [0,1].
 *
 * @param picture [H,W,C] from `offset` on; overwritten.
 */
export function cropResize(
  picture: Float32Array,
  offset: number,
  [H, W, C]: readonly [number, number, number],
  { top, left, height, width }: Box,
): void {
  const [rows, columns] = [taps(height, H), taps(width, W)];
  const across = new Float64Array(height * W * C);
  for (let y = 0; y < height; y++) {
    for (const [x, { from, weights }] of columns.entries()) {
      for (let c = 0; c < C; c++) {
        let sum = 0;
        const at = offset + ((top + y) * W + left + from) * C + c;
        for (let k = 0; k < weights.length; k++) sum += weights[k]! * picture[at + k * C]!;
        across[(y * W + x) * C + c] = sum;
      }
    }
  }
  for (const [y, { from, weights }] of rows.entries()) {
    for (let k = 0; k < W * C; k++) {
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += weights[i]! * across[(from + i) * W * C + k]!;
      picture[offset + y * W * C + k] = Math.min(1, Math.max(0, sum));
    }
  }
}

/** Turns a picture [H,W,C] from `offset` on left to right. */
export function mirror(picture: Float32Array, offset: number, [H, W, C]: readonly [number, number, number]): void {
  for (let y = 0; y < H; y++) {
    for (let x = 0; x < W >> 1; x++) {
      for (let c = 0; c < C; c++) {
        const [a, b] = [offset + (y * W + x) * C + c, offset + (y * W + W - 1 - x) * C + c];
        [picture[a], picture[b]] = [picture[b]!, picture[a]!];
      }
    }
  }
}
