/** Folders of PNG and JPEG pictures; folders inside of it are classes. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { BatonError } from "../../errors.js";
import { onDisk } from "../../runs/files.js";
import { byteDataset, type Dataset } from "./dataset.js";
import { isPicture, readPicture, squared } from "./picture.js";
import { Reading, type ReadingOptions } from "./reading.js";
import { ByteStore } from "./store.js";

/** What lies in a folder; a link is what it leads to, and a file where it leads nowhere, so that whoever reads it says so. */
export interface Entry {
  readonly name: string;
  readonly path: string;
  readonly isFolder: boolean;
}

/** What a folder holds, in a fixed order. */
export const entriesOf = (folder: string): Entry[] =>
  onDisk("read", folder, () =>
    readdirSync(folder)
      .sort((a, b) => (a < b ? -1 : 1))
      .map((name) => {
        const path = join(folder, name);
        return { name, path, isFolder: statSync(path, { throwIfNoEntry: false })?.isDirectory() === true };
      }),
  );

/** Paths of the pictures in a folder. */
export const picturesIn = (folder: string): string[] =>
  entriesOf(folder).flatMap(({ name, path, isFolder }) => (!isFolder && isPicture(name) ? [path] : []));

/** The error for a folder in which what is learnt from lies both loose and in folders of classes. */
export const mixture = (folder: string, loose: string, inside: string): BatonError =>
  new BatonError("invalid-file", `${folder} holds both ${loose} and folders like ${inside}, so that classes cannot be told`, {
    hint: "put each of them into the folder of its class, or keep only one of the two kinds",
  });

/** Paths of pictures with the number of their class, in a fixed order. */
function listed(folder: string): { path: string; label: number }[] {
  const loose = picturesIn(folder);
  const classes = entriesOf(folder)
    .map(({ path, isFolder }) => ({ path, pictures: isFolder ? picturesIn(path) : [] }))
    .filter(({ pictures }) => pictures.length > 0);
  if (loose[0] !== undefined && classes[0]) throw mixture(folder, loose[0], classes[0].path);
  if (classes.length === 0) return loose.map((path) => ({ path, label: -1 }));
  return classes.flatMap(({ pictures }, label) => pictures.map((path) => ({ path, label })));
}

/**
 * Every PNG and JPEG of a folder as a square of `size` pixels, in colour. Pictures of any size do: the middle square is scaled. All are read
 * once, so that a bad one is named before anything is learnt, and kept as squares, in memory or beyond it ({@link ByteStore}).
 *
 * @throws BatonError "invalid-file" for a folder without pictures, for one with loose pictures beside folders of them, and for a file that is
 * no picture.
 */
export async function imageFolder(folder: string, size: number, options: ReadingOptions = {}): Promise<Dataset> {
  const files = listed(folder);
  if (files.length === 0) {
    throw new BatonError("invalid-file", `${folder} has no pictures`, {
      hint: "data.folder must hold .png or .jpg files, or folders of them, one a class",
    });
  }
  const squares = new ByteStore(size * size * 3, options.memory);
  const reading = new Reading(folder, files.length, "pictures", options);
  for (const { path } of files) {
    const picture = await readPicture(path);
    squares.append((out, offset) => squared(picture, size, out, offset));
    await reading.next();
  }
  const labels = files.map(({ label }) => label);
  const shape = { name: folder, size: files.length, frames: 1, height: size, width: size, channels: 3 };
  return byteDataset({ ...shape, classes: Math.max(-1, ...new Set(labels)) + 1 }, (i) => squares.record(i), labels);
}
