import * as tf from "@tensorflow/tfjs";
import { BatonError } from "../errors.js";
import type { RandomStream } from "../tensor/random.js";
import type { HostArray, Mapped } from "../tensor/tree.js";
import type { AttentionOptions } from "./attention.js";
import { applyBlock, type Block, initBlock } from "./block.js";
import { centre, initNorm, type Norm, normOfCentred } from "./norm.js";

type Tensor = tf.Tensor;

/** Blocks by number, "0", "1", …, and a last norm. */
export type Encoder = { blocks: { [index: string]: Block }; norm: Norm };

export interface EncoderShape {
  /** D, features of a token; a multiple of `heads`. */
  readonly width: number;
  /** Blocks. */
  readonly depth: number;
  readonly heads: number;
  /** Width of each MLP's hidden layer; 4·width unless given. */
  readonly mlp?: number;
}

export interface EncodeOptions extends AttentionOptions {
  /** [B,T,D] or anything that broadcasts to it, added to the tokens before the first block. */
  readonly positions?: Tensor;
  /** [depth,2,B] factors of each block's attention and MLP for each sample (see {@link drawDropPath}); none unless given. */
  readonly dropPath?: Tensor;
}

/**
 * Fresh parameters, as MAE initialises them: Xavier-uniform weights, zero biases, norms 1 and 0.
 *
 * @throws BatonError "invalid-value" for sizes that are no whole numbers, or a width that the heads do not divide.
 */
export function initEncoder(rng: RandomStream, shape: EncoderShape): Mapped<Encoder, Tensor, HostArray> {
  const { width, depth, heads, mlp = 4 * width } = shape;
  for (const [name, value] of Object.entries({ width, depth, heads, mlp })) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw new BatonError("invalid-value", `encoder ${name} is ${value}, expected a positive whole number`);
  }
  if (width % heads !== 0) {
    throw new BatonError("invalid-value", `encoder width ${width} is not a multiple of its ${heads} heads`, {
      hint: `a width of ${Math.ceil(width / heads) * heads} would do`,
    });
  }
  const blocks = Object.fromEntries(Array.from({ length: depth }, (_, k) => [String(k), initBlock(rng, width, heads, mlp)]));
  return { blocks, norm: initNorm(width) };
}

/** Positions added, all blocks in turn, the last norm. tokens [B,T,D] gives [B,T,D], or [B,n,D] of the last n where only they are asked for. */
export function encode(p: Encoder, tokens: Tensor, { positions, dropPath, asking, ...attention }: EncodeOptions = {}): Tensor {
  let x = centre(positions ? tf.add(tokens, positions) : tokens);
  const branches = dropPath && tf.unstack(dropPath);
  for (let k = 0; p.blocks[k]; k++) {
    // What the last block makes of tokens that nobody asks for, nobody sees.
    const options = asking === undefined || p.blocks[k + 1] ? attention : { ...attention, asking };
    x = applyBlock(p.blocks[k]!, x, options, branches?.[k]);
  }
  return normOfCentred(x, p.norm);
}
