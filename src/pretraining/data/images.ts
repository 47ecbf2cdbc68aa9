/** Folders of PNG and JPEG pictures; folders inside of it are classes. */
import { type Dirent, readdirSync } from "node:fs";
import { join } from "node:path";
import { BatonError } from "../../errors.js";
import { onDisk } from "../../runs/files.js";
import { byteDataset, type Dataset } from "./dataset.js";
import { isPicture, readPicture, squared } from "./picture.js";

/** What a folder holds, in a fixed order. */
export const entriesOf = (folder: string): Dirent[] =>
  onDisk("read", folder, () => readdirSync(folder, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1));

/** Paths of pictures with the number of their class, in a fixed order. */
function listed(folder: string): { path: string; label: number }[] {
  const pictures = (at: string) => entriesOf(at).filter((entry) => entry.isFile() && isPicture(entry.name));
  const classes = entriesOf(folder).filter((entry) => entry.isDirectory() && pictures(join(folder, entry.name)).length > 0);
  if (classes.length === 0) return pictures(folder).map(({ name }) => ({ path: join(folder, name), label: -1 }));
  return classes.flatMap(({ name }, label) =>
    pictures(join(folder, name)).map((entry) => ({ path: join(folder, name, entry.name), label })),
  );
}

/**
 * Every PNG and JPEG of a folder as a square of `size` pixels, in colour. Pictures of any size do: the middle square is scaled.
 *
 * @throws BatonError "invalid-file" for a folder without pictures and for a file that is not one.
 */
export async function imageFolder(folder: string, size: number): Promise<Dataset> {
  const files = listed(folder);
  if (files.length === 0) {
    throw new BatonError("invalid-file", `${folder} has no pictures`, {
      hint: "data.folder must hold .png or .jpg files, or folders of them, one a class",
    });
  }
  const length = size * size * 3;
  const pixels = new Uint8Array(files.length * length);
  for (const [i, { path }] of files.entries()) squared(await readPicture(path), size, pixels, i * length);
  const labels = files.map(({ label }) => label);
  const classes = Math.max(...labels) + 1;
  return byteDataset({ name: folder, frames: 1, height: size, width: size, channels: 3, classes }, pixels, labels);
}
