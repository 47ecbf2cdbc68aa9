/** Pictures of what a model makes of what it does not see. */
import type { Tensor } from "@tensorflow/tfjs";
import { encode } from "fast-png";
import { maskerOf, stackMaskings } from "../masked/index.js";
import type { Device } from "../tensor/device.js";
import { RandomStream } from "../tensor/random.js";
import { type HostArray, type HostTree, specOf } from "../tensor/tree.js";
import type { Dataset } from "./data/dataset.js";
import type { Model, ModelParameters } from "./model.js";
import { readPixels } from "./optimise.js";

/** Pixels of a sample's pixel, and between samples. */
const [SCALE, GAP] = [3, 4];

/**
 * A PNG of the first samples, one a row: the sample, what the encoder sees, and what is predicted. Of videos the middle frame is shown.
 */
export async function reconstructionPicture(
  device: Device,
  model: Model,
  weights: HostTree,
  dataset: Dataset,
  samples: number,
): Promise<Uint8Array> {
  const B = Math.min(samples, dataset.size);
  const pixels = readPixels(
    dataset,
    Int32Array.from({ length: B }, (_, i) => i),
  );
  const { masking, warmupMasking } = model.recipe;
  // A single masking for people to compare: attention is not looked at for a picture.
  const settings = masking.strategy === "attention" ? { strategy: "random" as const, ratio: warmupMasking.ratio } : masking;
  const rng = RandomStream.from(0, "pictures");
  const draw = maskerOf(settings, model.grid);
  const { keep, restore, mask } = stackMaskings(Array.from({ length: B }, () => draw(rng)));
  const masked = { keep, restore, mask };
  const fn = (p: ModelParameters, x: Tensor, m: { keep: Tensor; restore: Tensor; mask: Tensor }) => model.reconstruction(p, x, m);
  const compiled = await device.compile(fn, [specOf(weights), specOf(pixels), specOf(masked)], "pictures");
  const { original, seen, predicted } = (await compiled.run([weights, pixels, masked])) as Record<string, HostArray>;
  compiled.dispose();
  return contactSheet([original!, seen!, predicted!]);
}

/** Columns of pictures [B,T,H,W,C] in [0,1], as one PNG. */
function contactSheet(columns: readonly HostArray[]): Uint8Array {
  const [B, T, H, W, C] = columns[0]!.shape as [number, number, number, number, number];
  const frame = T >> 1;
  const width = columns.length * (W * SCALE + GAP) - GAP;
  const height = B * (H * SCALE + GAP) - GAP;
  const data = new Uint8Array(width * height * 3).fill(255);
  for (const [column, { data: values }] of columns.entries()) {
    for (let b = 0; b < B; b++) {
      for (let y = 0; y < H * SCALE; y++) {
        for (let x = 0; x < W * SCALE; x++) {
          const from = (((b * T + frame) * H + Math.floor(y / SCALE)) * W + Math.floor(x / SCALE)) * C;
          const to = ((b * (H * SCALE + GAP) + y) * width + column * (W * SCALE + GAP) + x) * 3;
          for (let c = 0; c < 3; c++) {
            data[to + c] = Math.round(255 * Math.min(1, Math.max(0, values[from + (C >= 3 ? c : 0)]!)));
          }
        }
      }
    }
  }
  return encode({ width, height, channels: 3, data });
}
