/** The names of MAE (facebookresearch/mae, models_mae.py): pictures, fixed positions, queries, keys and values in one matrix. */
import { HostArray } from "../../tensor/tree.js";
import type { EncoderShape } from "../encoder.js";
import { sinCosGrid } from "../positions.js";
import { alike, blocks, convolution, type Entry, type Layout, linear, norm } from "./entries.js";
import type { OfficialShape } from "./index.js";

function fused(theirs: string, ours: string, { width: D, heads }: EncoderShape): Entry[] {
  const perHead = [3, heads, D / heads];
  const [weight, bias] = linear(`${theirs}.qkv`, ours, D, 3 * D);
  return [
    { ...weight, ours: [D, ...perHead] },
    { ...bias, ours: perHead },
  ];
}

/** Their table of positions: ours behind a row of zeros for the class token, [1,1+T,width]. */
function positionsOf({ rows, columns }: OfficialShape, width: number): HostArray {
  const table = new Float32Array((1 + rows * columns) * width);
  table.set(sinCosGrid(rows, columns, width).data, width);
  return HostArray.float32(table, 1, 1 + rows * columns, width);
}

export function maeLayout(shape: OfficialShape): Layout {
  const { channels, patch, encoder, decoder } = shape;
  const [D, Dd] = [encoder.width, decoder.width];
  const at = "autoencoder";
  return {
    model: "MAE",
    entries: [
      alike("cls_token", [1, 1, D], `${at}/cls`, [D]),
      alike("mask_token", [1, 1, Dd], `${at}/decoder/maskToken`, [Dd]),
      ...convolution("patch_embed.proj", `${at}/embed`, [D, channels, patch, patch]),
      ...blocks("blocks", `${at}/encoder/blocks`, encoder, fused),
      ...norm("norm", `${at}/encoder/norm`, D),
      ...linear("decoder_embed", `${at}/decoder/embed`, D, Dd),
      ...blocks("decoder_blocks", `${at}/decoder/body/blocks`, decoder, fused),
      ...norm("decoder_norm", `${at}/decoder/body/norm`, Dd),
      ...linear("decoder_pred", `${at}/decoder/predict`, Dd, patch * patch * channels),
    ],
    computed: { pos_embed: positionsOf(shape, D), decoder_pos_embed: positionsOf(shape, Dd) },
  };
}
