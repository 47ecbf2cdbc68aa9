/** Pictures of what a model sees, what it makes of what it does not see, and where it looks. */
import type { Tensor } from "@tensorflow/tfjs";
import { encode } from "fast-png";
import { maskerOf, stackMaskings } from "../masked/index.js";
import type { Device } from "../tensor/device.js";
import { RandomStream } from "../tensor/random.js";
import { HostArray, type HostTree, specOf } from "../tensor/tree.js";
import type { Dataset } from "./data/dataset.js";
import type { Masked, Model, ModelParameters } from "./model.js";
import { readPixels } from "./optimise.js";
import { attentionOf, rowOf } from "./pretrain.js";

/** Pixels of a sample's pixel, and between pictures. */
const [SCALE, GAP] = [3, 4];

/** The parts of a sample's row (or, of a video, its rows), from the left (or the top). */
export const pictureParts = ["original", "seen", "predicted", "attention"] as const;

/**
 * A PNG of the first samples: each as it is, what the encoder sees of it (hidden patches are grey, thrown ones black), what is predicted,
 * and where the class token looks, red. A picture is a row, a video has a row for each part and a column for each frame that is predicted.
 */
export async function reconstructionPicture(
  device: Device,
  model: Model,
  weights: HostTree,
  dataset: Dataset,
  samples: number,
): Promise<Uint8Array> {
  const B = Math.min(samples, dataset.size);
  const few = { ...dataset, size: B };
  const pixels = readPixels(
    few,
    Int32Array.from({ length: B }, (_, i) => i),
  );
  const scores = await attentionOf(device, model, weights, few);
  const rng = RandomStream.from(0, "pictures");
  const draw = maskerOf(model.recipe.masking, model.grid);
  const { keep, hidden, restore } = stackMaskings(Array.from({ length: B }, (_, i) => draw(rng, rowOf(scores, i))));
  const masked = { keep, hidden, restore };
  const fn = (p: ModelParameters, x: Tensor, m: Masked & { restore: Tensor }) => model.reconstruction(p, x, m);
  const compiled = await device.compile(fn, [specOf(weights), specOf(pixels), specOf(masked)], "pictures");
  const { original, seen, predicted } = (await compiled.run([weights, pixels, masked])) as Record<string, HostArray>;
  compiled.dispose();
  const parts = [original!, seen!, predicted!].map(inColour);
  return contactSheet([...parts, heat(parts[0]!, scores, model)]);
}

/** Red, green and blue of pictures [B,T,H,W,C]; grey counts for all three. */
function inColour({ data, shape }: HostArray): HostArray {
  const [B, T, H, W, C] = shape as [number, number, number, number, number];
  if (C === 3) return HostArray.float32(data as Float32Array, B, T, H, W, 3);
  return HostArray.float32(
    Float32Array.from({ length: B * T * H * W * 3 }, (_, i) => data[Math.floor(i / 3) * C]!),
    ...[B, T, H, W, 3],
  );
}

/** Pictures, pale, with red where scores [tokens] of each sample are high. */
function heat({ data, shape }: HostArray, scores: HostArray, { grid, shape: cut }: Model): HostArray {
  const [B, T, H, W] = shape as [number, number, number, number];
  const out = new Float32Array(data.length);
  for (let i = 0; i < B * T * H * W; i++) {
    const [x, y, t, b] = [i % W, Math.floor(i / W) % H, Math.floor(i / (W * H)) % T, Math.floor(i / (W * H * T))];
    const frame = Math.floor((t * grid.frames) / T);
    const token = (frame * grid.rows + Math.floor(y / cut.patch)) * grid.columns + Math.floor(x / cut.patch);
    const score = Math.min(1, Math.max(0, rowOf(scores, b)[token]!));
    const light = 0.35 * (data[3 * i]! + data[3 * i + 1]! + data[3 * i + 2]!) * (1 / 3) + 0.6;
    out.set([light + (0.85 - light) * score, light * (1 - 0.85 * score), light * (1 - 0.85 * score)], 3 * i);
  }
  return HostArray.float32(out, B, T, H, W, 3);
}

/** Parts [B,T,H,W,3] in [0,1] as one PNG: of pictures side by side, of videos one below the other with frames side by side. */
function contactSheet(parts: readonly HostArray[]): Uint8Array {
  const [B, T, H, W] = parts[0]!.shape as [number, number, number, number];
  const [rows, columns] = T === 1 ? [B, parts.length] : [B * parts.length, T];
  const width = columns * (W * SCALE + GAP) - GAP;
  const height = rows * (H * SCALE + GAP) - GAP;
  const data = new Uint8Array(width * height * 3).fill(255);
  for (const [k, { data: values }] of parts.entries()) {
    for (let i = 0; i < B * T; i++) {
      const [b, t] = [Math.floor(i / T), i % T];
      const [row, column] = T === 1 ? [b, k] : [b * parts.length + k, t];
      for (let y = 0; y < H * SCALE; y++) {
        for (let x = 0; x < W * SCALE; x++) {
          const from = ((i * H + Math.floor(y / SCALE)) * W + Math.floor(x / SCALE)) * 3;
          const to = ((row * (H * SCALE + GAP) + y) * width + column * (W * SCALE + GAP) + x) * 3;
          for (let c = 0; c < 3; c++) data[to + c] = Math.round(255 * Math.min(1, Math.max(0, values[from + c]!)));
        }
      }
    }
  }
  return encode({ width, height, channels: 3, data });
}
