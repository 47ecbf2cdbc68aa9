/**
 * MNIST's and CIFAR's own files, checked against what they say of themselves.
 *
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { BatonError } from "../../errors.js";
import { byteDataset, type Dataset } from "./dataset.js";

/** A file or its gzipped form. */
function readEither(folder: string, name: string): { path: string; bytes: Buffer } {
  const found = [name, `${name}.gz`].map((candidate) => join(folder, candidate)).find((path) => existsSync(path));
  if (found === undefined) {
    throw new BatonError("invalid-file", `${folder} has no ${name} (nor ${name}.gz)`, {
      hint: "data.folder must name the folder that holds the archive's files",
    });
  }
  try {
    const bytes = readFileSync(found);
    return { path: found, bytes: found.endsWith(".gz") ? gunzipSync(bytes) : bytes };
  } catch (cause) {
    throw new BatonError("invalid-file", `${found} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

const damaged = (path: string, why: string) =>
  new BatonError("invalid-file", `${path} is not what it should be: ${why}`, { hint: "download it again" });

/** An array of bytes in the idx format: magic number 0x0000 08 rank, big-endian sizes, the bytes. */
export function readIdx(path: string, bytes: Buffer, rank: number): { shape: number[]; data: Uint8Array } {
  const header = 4 + 4 * rank;
  if (bytes.length < header) throw damaged(path, `it has ${bytes.length} bytes`);
  const magic = bytes.readUInt32BE(0);
  if (magic !== 0x800 + rank) {
    throw damaged(
      path,
      `it begins with 0x${magic.toString(16)}, an idx file of rank ${rank} with 0x${(0x800 + rank).toString(16)}`,
    );
  }
  const shape = Array.from({ length: rank }, (_, i) => bytes.readUInt32BE(4 + 4 * i));
  const size = shape.reduce((a, b) => a * b, 1);
  if (size !== bytes.length - header) throw damaged(path, `it says [${shape}], but has ${bytes.length - header} bytes of data`);
  return { shape, data: bytes.subarray(header) };
}

/** MNIST or anything in its format (Fashion-MNIST, KMNIST): `train-images-idx3-ubyte`, …, gzipped or not. */
export function mnist(folder: string, which: "train" | "test"): Dataset {
  const prefix = which === "train" ? "train" : "t10k";
  const images = readEither(folder, `${prefix}-images-idx3-ubyte`);
  const labels = readEither(folder, `${prefix}-labels-idx1-ubyte`);
  const { shape, data } = readIdx(images.path, images.bytes, 3);
  const { shape: labelShape, data: classes } = readIdx(labels.path, labels.bytes, 1);
  const [size, height, width] = shape as [number, number, number];
  if (data.length === 0) throw damaged(images.path, `it has ${size} pictures of ${height}×${width} pixels`);
  if (labelShape[0] !== size) {
    throw damaged(labels.path, `it has ${labelShape[0]} labels for the ${size} pictures of ${images.path}`);
  }
  const wrong = classes.findIndex((label) => label > 9);
  if (wrong >= 0) throw damaged(labels.path, `label ${wrong} is ${classes[wrong]}, expected 0 to 9`);
  const shaped = { name: `mnist (${which})`, size, frames: 1, height, width, channels: 1, classes: 10 };
  return byteDataset(shaped, (i) => data.subarray(i * height * width, (i + 1) * height * width), classes);
}

/** Both parts of it. Throws a BatonError when their pictures have different sizes. */
export function mnistParts(folder: string): { train: Dataset; test: Dataset } {
  const [train, test] = [mnist(folder, "train"), mnist(folder, "test")];
  if (train.height === test.height && train.width === test.width) return { train, test };
  const [trained, judged] = [train, test].map(({ height, width }) => `${height}×${width}`);
  throw new BatonError(
    "invalid-file",
    `the pictures of ${folder} are ${trained} in train-images-idx3-ubyte, but ${judged} in t10k-images-idx3-ubyte`,
    { hint: "data.folder must hold the four files of one archive" },
  );
}

const [SIDE, PIXELS] = [32, 32 * 32];
const RECORD = 1 + 3 * PIXELS;

/** CIFAR-10 in its binary form: records of a label and 3·32·32 bytes, planes of red, green and blue. */
export function cifar10(folder: string, which: "train" | "test"): Dataset {
  const names = which === "train" ? [1, 2, 3, 4, 5].map((k) => `data_batch_${k}.bin`) : ["test_batch.bin"];
  const files = names.map((name) => readEither(folder, name));
  const total = files.reduce((sum, { path, bytes }) => {
    if (bytes.length === 0 || bytes.length % RECORD !== 0) {
      throw damaged(path, `${bytes.length} bytes are not whole records of ${RECORD}`);
    }
    return sum + bytes.length / RECORD;
  }, 0);
  const pixels = new Uint8Array(total * 3 * PIXELS);
  const labels = new Uint8Array(total);
  let at = 0;
  for (const { path, bytes } of files) {
    for (let from = 0; from < bytes.length; from += RECORD, at++) {
      labels[at] = bytes[from]!;
      if (labels[at]! > 9) throw damaged(path, `the label of record ${from / RECORD} is ${labels[at]}, expected 0 to 9`);
      for (let k = 0; k < PIXELS; k++) {
        for (let c = 0; c < 3; c++) pixels[(at * PIXELS + k) * 3 + c] = bytes[from + 1 + c * PIXELS + k]!;
      }
    }
  }
  const shape = { name: `cifar-10 (${which})`, size: total, frames: 1, height: SIDE, width: SIDE, channels: 3, classes: 10 };
  return byteDataset(shape, (i) => pixels.subarray(i * 3 * PIXELS, (i + 1) * 3 * PIXELS), labels);
}
