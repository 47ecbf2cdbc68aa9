/** What is pre-trained on: videos of one size; a picture is a video of one frame. */
export interface Dataset {
  /** For people, e.g. `mnist (training)`. */
  readonly name: string;
  /** Samples. */
  readonly size: number;
  readonly frames: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Number of classes; 0 when there are no labels. */
  readonly classes: number;
  /** Class of sample `i`; −1 without labels. */
  label(i: number): number;
  /** Writes sample `i`, [T,H,W,C] in [0,1], to `out` from `offset` on. */
  read(i: number, out: Float32Array, offset: number): void;
}

/** Numbers in one sample. */
export const sampleSize = ({ frames, height, width, channels }: Dataset): number => frames * height * width * channels;

/** `size` samples from number `from` on. */
export function part(dataset: Dataset, from: number, size: number, name = dataset.name): Dataset {
  return {
    ...dataset,
    name,
    size,
    label: (i) => dataset.label(from + i),
    read: (i, out, offset) => dataset.read(from + i, out, offset),
  };
}

/** The samples of these numbers, in this order. */
export function chosen(dataset: Dataset, numbers: ArrayLike<number>, name: string): Dataset {
  return {
    ...dataset,
    name,
    size: numbers.length,
    label: (i) => dataset.label(numbers[i]!),
    read: (i, out, offset) => dataset.read(numbers[i]!, out, offset),
  };
}

/** Bytes, 0–255, as numbers in [0,1]. */
export function writeScaled(bytes: Uint8Array, out: Float32Array, offset: number): void {
  for (let k = 0; k < bytes.length; k++) out[offset + k] = bytes[k]! / 255;
}

/** Samples of bytes, 0–255: sample `i` is `record(i)`, which may be overwritten by the next call. */
export function byteDataset(
  shape: Omit<Dataset, "label" | "read">,
  record: (i: number) => Uint8Array,
  labels: ArrayLike<number>,
): Dataset {
  return { ...shape, label: (i) => labels[i]!, read: (i, out, offset) => writeScaled(record(i), out, offset) };
}
