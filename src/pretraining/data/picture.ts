/** Pictures on disk: what can be read, and how they become squares of one size. */
import { readFileSync } from "node:fs";
import { extname } from "node:path";
import { BatonError } from "../../errors.js";
import { onDisk } from "../../runs/files.js";

/** 8 bits a channel, row by row. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: ArrayLike<number>;
}

async function decodePng(bytes: Buffer): Promise<Picture> {
  const { convertIndexedToRgb, decode } = await import("fast-png");
  const png = decode(bytes);
  const { width, height, channels, data, depth } = png;
  if (png.palette) return { width, height, channels: png.palette[0]?.length ?? 3, data: convertIndexedToRgb(png) };
  if (depth < 8) throw new Error(`it has ${depth} bits a channel, expected 8 or 16`);
  return { width, height, channels, data: depth === 16 ? Uint8Array.from(data, (value) => value >> 8) : data };
}

async function decodeJpeg(bytes: Buffer): Promise<Picture> {
  const { decode } = (await import("jpeg-js")).default;
  const { width, height, data } = decode(bytes, { useTArray: true, maxMemoryUsageInMB: 512 });
  return { width, height, channels: 4, data };
}

const decoders: Readonly<Record<string, (bytes: Buffer) => Promise<Picture>>> = {
  ".png": decodePng,
  ".jpg": decodeJpeg,
  ".jpeg": decodeJpeg,
};

/**
 * Red, green and blue of a pixel. Grey counts for all three; transparency shows white.
 */
function rgbAt({ data, channels, width }: Picture, x: number, y: number, c: number): number {
  const at = (y * width + x) * channels;
  const colour = data[at + (channels >= 3 ? c : 0)]!;
  const opacity = channels === 4 ? data[at + 3]! / 255 : channels === 2 ? data[at + 1]! / 255 : 1;
  return colour * opacity + 255 * (1 - opacity);
}

/** The middle square, scaled to size×size by the mean of what falls on each pixel (or the nearest where it is made larger): [size,size,3]. */
export function squared(picture: Picture, size: number, out: Uint8Array, offset: number): void {
  const side = Math.min(picture.width, picture.height);
  const [left, top] = [Math.floor((picture.width - side) / 2), Math.floor((picture.height - side) / 2)];
  const range = (k: number): [number, number] => {
    const from = Math.floor((k * side) / size);
    return [from, Math.max(from + 1, Math.floor(((k + 1) * side) / size))];
  };
  for (let row = 0; row < size; row++) {
    const [y0, y1] = range(row);
    for (let column = 0; column < size; column++) {
      const [x0, x1] = range(column);
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) sum += rgbAt(picture, left + x, top + y, c);
        out[offset + (row * size + column) * 3 + c] = Math.round(sum / ((y1 - y0) * (x1 - x0)));
      }
    }
  }
}

/** Whether a file's name is one of a picture. */
export const isPicture = (name: string): boolean => decoders[extname(name).toLowerCase()] !== undefined;

/** Reads a PNG or JPEG. Throws a BatonError "invalid-file" that names a file which is none. */
export async function readPicture(path: string): Promise<Picture> {
  const bytes = onDisk("read", path, () => readFileSync(path));
  try {
    const picture = await decoders[extname(path).toLowerCase()]!(bytes);
    if (picture.width < 1 || picture.height < 1) throw new Error("it has no pixels");
    return picture;
  } catch (cause) {
    throw new BatonError("invalid-file", `${path} is not a picture that can be read: ${(cause as Error).message}`, {
      hint: "remove it from the folder, or save it as PNG or JPEG",
      cause,
    });
  }
}
