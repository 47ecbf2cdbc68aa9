/** Animated GIFs as frames. */
import { readFileSync } from "node:fs";
import { BatonError } from "../../errors.js";
import { onDisk } from "../../runs/files.js";
import type { Picture } from "./picture.js";

/** What happens to a frame's rectangle before the next frame is drawn, as GIF numbers it. */
const [TO_BACKGROUND, TO_PREVIOUS] = [2, 3];

/** All frames of a GIF, whole, in order. Throws a BatonError "invalid-file" that names a file which is none. */
export async function readGif(path: string): Promise<Picture[]> {
  const { GifReader } = await import("omggif");
  const bytes = onDisk("read", path, () => readFileSync(path));
  try {
    const gif = new GifReader(bytes);
    const { width, height } = gif;
    const canvas = new Uint8Array(width * height * 4);
    return Array.from({ length: gif.numFrames() }, (_, k) => {
      const before = canvas.slice();
      gif.decodeAndBlitFrameRGBA(k, canvas);
      const data = canvas.slice();
      const { disposal, x, y, width: w, height: h } = gif.frameInfo(k);
      if (disposal === TO_PREVIOUS) canvas.set(before);
      if (disposal === TO_BACKGROUND) {
        for (let row = y; row < y + h; row++) canvas.fill(0, (row * width + x) * 4, (row * width + x + w) * 4);
      }
      return { width, height, channels: 4, data };
    });
  } catch (cause) {
    throw new BatonError("invalid-file", `${path} is not a GIF that can be read: ${(cause as Error).message}`, {
      hint: "remove it from the folder, or save its frames as PNG in a folder of their own",
      cause,
    });
  }
}
