/** Folders of clips: each clip is a folder of frames (PNG or JPEG, in the order of their names) or an animated GIF. */
import { extname } from "node:path";
import { BatonError } from "../../errors.js";
import { type Dataset, writeScaled } from "./dataset.js";
import { readGif } from "./gif.js";
import { entriesOf, mixture, picturesIn } from "./images.js";
import { type Picture, readPicture, squared } from "./picture.js";
import { Reading, type ReadingOptions } from "./reading.js";
import { ByteStore } from "./store.js";

/** A clip on disk. */
interface Clip {
  readonly path: string;
  /** Frames to read one by one; none for a GIF, which holds its own. */
  readonly frames?: readonly string[];
  readonly label: number;
}

const isGif = (name: string): boolean => extname(name).toLowerCase() === ".gif";

/** Clips that lie in a folder itself. */
function clipsIn(folder: string, label: number): Clip[] {
  return entriesOf(folder).flatMap(({ name, path, isFolder }): Clip[] => {
    if (!isFolder) return isGif(name) ? [{ path, label }] : [];
    const frames = picturesIn(path);
    return frames.length > 0 ? [{ path, frames, label }] : [];
  });
}

/** The clips of a folder, or of the folders inside, which then are classes. */
function clipsOf(folder: string): Clip[] {
  const own = clipsIn(folder, -1);
  const isClip = new Set(own.map(({ path }) => path));
  const classes = entriesOf(folder).filter(({ path, isFolder }) => isFolder && !isClip.has(path) && clipsIn(path, 0).length > 0);
  if (own[0] && classes[0]) throw mixture(folder, own[0].path, classes[0].path);
  return own.length > 0 ? own : classes.flatMap(({ path }, label) => clipsIn(path, label));
}

/** The frames of a clip, read one after another. */
async function* read({ path, frames }: Clip): AsyncGenerator<Picture> {
  if (!frames) return yield* await readGif(path);
  for (const frame of frames) yield await readPicture(frame);
}

export interface VideoOptions {
  /** Pixels of a side that the middle square of frames is scaled to. */
  readonly size: number;
  /** Frames of a sample. */
  readonly frames: number;
  /** A sample has every `stride`-th frame. */
  readonly stride: number;
}

/**
 * Clips cut into samples of `frames` frames that do not overlap; what is left at a clip's end is not used. All are read once, as pictures are.
 *
 * @throws BatonError "invalid-file" for a folder without clips or with clips beside folders of them, for a frame that is no picture or has another size than the first of its
 * clip, and for a clip that is too short.
 */
export async function videoFolder(
  folder: string,
  { size, frames, stride }: VideoOptions,
  options: ReadingOptions = {},
): Promise<Dataset> {
  const clips = clipsOf(folder);
  if (clips.length === 0) {
    throw new BatonError("invalid-file", `${folder} has no clips`, {
      hint: "data.folder must hold .gif files or folders of .png or .jpg frames, or folders of such, one a class",
    });
  }
  const length = size * size * 3;
  const pictures = new ByteStore(length, options.memory);
  const reading = new Reading(folder, clips.length, "clips", options);
  const samples: { first: number; label: number }[] = [];
  const span = frames * stride;
  const least = (frames - 1) * stride + 1;
  for (const clip of clips) {
    const start = pictures.size;
    let first: Picture | undefined;
    for await (const picture of read(clip)) {
      first ??= picture;
      if (picture.width !== first.width || picture.height !== first.height) {
        const which = clip.frames?.[pictures.size - start] ?? clip.path;
        const [is, was] = [picture, first].map(({ width, height }) => `${width}×${height}`);
        throw new BatonError("invalid-file", `${which} is ${is}, but its clip began with ${was}`, {
          hint: "the frames of a clip must have one size",
        });
      }
      pictures.append((out, offset) => squared(picture, size, out, offset));
    }
    const count = pictures.size - start;
    if (count < least) {
      throw new BatonError("invalid-file", `${clip.path} has ${count} frames, but a sample needs ${least}`, {
        hint: `lower data.frames (${frames}) or data.stride (${stride}), or remove the clip`,
      });
    }
    for (let at = 0; at + least <= count; at += span) samples.push({ first: start + at, label: clip.label });
    await reading.next();
  }
  return {
    ...{ name: folder, size: samples.length, frames, height: size, width: size, channels: 3 },
    classes: Math.max(-1, ...new Set(samples.map(({ label }) => label))) + 1,
    label: (i) => samples[i]!.label,
    read(i, out, offset) {
      for (let frame = 0; frame < frames; frame++) {
        writeScaled(pictures.record(samples[i]!.first + frame * stride), out, offset + frame * length);
      }
    },
  };
}
