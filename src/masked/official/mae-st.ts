/**
 * The names of MAE-ST (facebookresearch/mae_st, models_mae.py) with its published settings `sep_pos_embed` and `cls_embed`: tubes, learned
 * positions in space and time, a class token of the decoder's own, queries, keys and values in three matrices.
 */
import type { EncoderShape } from "../encoder.js";
import { alike, blocks, convolution, type Entry, type Layout, linear, norm, transposed } from "./entries.js";
import type { OfficialShape } from "./index.js";

/** Each of q, k, v is a third of our columns [D,3,h,d]. */
function separate(theirs: string, ours: string, { width: D, heads }: EncoderShape): Entry[] {
  const perHead = [3, heads, D / heads];
  const flip = transposed(D, D); // → input·D + output
  return ["q", "k", "v"].flatMap((name, which) => {
    const [weight, bias] = linear(`${theirs}.${name}`, ours, D, D);
    const inFused = (i: number) => {
      const [input, output] = [Math.floor(flip(i) / D), flip(i) % D];
      return (input * 3 + which) * D + output;
    };
    return [
      { ...weight, ours: [D, ...perHead], index: inFused },
      { ...bias, ours: perHead, index: (i: number) => which * D + i },
    ];
  });
}

/** A class token, to which a learned position is added; learned positions in space and time. */
function places(prefix: string, cls: string, side: "encoder" | "decoder", token: string, shape: OfficialShape): Entry[] {
  const { frames = 1, rows, columns } = shape;
  const width = shape[side].width;
  return [
    alike(cls, [1, 1, width], token, [width], `${prefix}pos_embed_class`),
    alike(`${prefix}pos_embed_spatial`, [1, rows * columns, width], `places/${side}/space`, [rows * columns, width]),
    alike(`${prefix}pos_embed_temporal`, [1, frames, width], `places/${side}/time`, [frames, width]),
  ];
}

export function maeStLayout(shape: OfficialShape): Layout {
  const { channels, patch, tube = 1, predictedTube = tube, encoder, decoder } = shape;
  const [D, Dd] = [encoder.width, decoder.width];
  const at = "autoencoder";
  return {
    model: "MAE-ST",
    entries: [
      ...places("", "cls_token", "encoder", `${at}/cls`, shape),
      ...places("decoder_", "decoder_cls_token", "decoder", `${at}/decoder/cls`, shape),
      alike("mask_token", [1, 1, Dd], `${at}/decoder/maskToken`, [Dd]),
      ...convolution("patch_embed.proj", `${at}/embed`, [D, channels, tube, patch, patch]),
      ...blocks("blocks", `${at}/encoder/blocks`, encoder, separate),
      ...norm("norm", `${at}/encoder/norm`, D),
      ...linear("decoder_embed", `${at}/decoder/embed`, D, Dd),
      ...blocks("decoder_blocks", `${at}/decoder/body/blocks`, decoder, separate),
      ...norm("decoder_norm", `${at}/decoder/body/norm`, Dd),
      ...linear("decoder_pred", `${at}/decoder/predict`, Dd, predictedTube * patch * patch * channels),
    ],
    computed: {},
  };
}
