/**
 * Tokens out of pictures, videos and episodes, as reshapes that can be undone: what the decoder predicts is what the tokenizer cut.
 *
 * Axes: `B` batch, `T` frames, `H`/`W` rows/columns of pixels, `C` channels, `p` side of a patch, `u` frames of a tube, `N` entities,
 * `S` features of an entity.
 *
 * @module
 */
import type { Tensor } from "@tensorflow/tfjs";
import { BatonError } from "../errors.js";

/** How many tokens there are along each axis; a token's number is (frame·rows + row)·columns + column. */
export interface TokenGrid {
  readonly frames: number;
  readonly rows: number;
  readonly columns: number;
}

export const tokensIn = ({ frames, rows, columns }: TokenGrid): number => frames * rows * columns;

function divided(what: string, size: number, by: number): number {
  if (Number.isInteger(by) && by > 0 && size % by === 0) return size / by;
  throw new BatonError("invalid-value", `${what} is ${size}, which patches of ${by} do not divide`, {
    hint: "choose a patch that divides height and width, and a tube that divides the frames",
  });
}

/** What is cut: a picture is a video of one frame. */
export interface TubeShape {
  readonly frames: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** p, pixels of a patch's side. */
  readonly patch: number;
  /** u, frames of a tube; 1 for pictures. */
  readonly tube: number;
}

/** The grid of tokens. Throws a BatonError "invalid-value" where patches or tubes do not fit. */
export function gridOf({ frames, height, width, patch, tube }: TubeShape): TokenGrid {
  return {
    frames: divided("the number of frames", frames, tube),
    rows: divided("the height", height, patch),
    columns: divided("the width", width, patch),
  };
}

/** F, numbers in a token. */
export const featuresOf = ({ channels, patch, tube }: TubeShape): number => tube * patch * patch * channels;

/**
 * Tubes of patches: videos [B,T,H,W,C] give [B,tokens,F], tokens frame by frame and row by row, and within a token the order (u,py,px,C) in
 * which MAE and MAE-ST predict.
 */
export function tubeTokens(videos: Tensor, shape: TubeShape): Tensor {
  const { frames, rows, columns } = gridOf(shape);
  const { channels: C, patch: p, tube: u } = shape;
  const B = videos.shape[0]!;
  // Six axes, the most that every device transposes: px and C stay together.
  const tubes = videos.reshape([B * frames, u, rows, p, columns, p * C]);
  const cut = tubes.transpose([0, 2, 4, 1, 3, 5]); // [B·frames,rows,columns,u,p,p·C]
  return cut.reshape([B, frames * rows * columns, u * p * p * C]);
}

/** The inverse of {@link tubeTokens}: [B,tokens,F] give [B,T,H,W,C]. */
export function untubeTokens(tokens: Tensor, shape: TubeShape): Tensor {
  const { frames, rows, columns } = gridOf(shape);
  const { channels: C, patch: p, tube: u } = shape;
  const B = tokens.shape[0]!;
  const cut = tokens.reshape([B * frames, rows, columns, u, p, p * C]);
  return cut.transpose([0, 3, 1, 4, 2, 5]).reshape([B, shape.frames, shape.height, shape.width, C]);
}

/** Patches of pictures [B,H,W,C]: [B,tokens,p·p·C]. */
export function patchTokens(images: Tensor, shape: Omit<TubeShape, "frames" | "tube">): Tensor {
  const [B, H, W, C] = images.shape as [number, number, number, number];
  return tubeTokens(images.reshape([B, 1, H, W, C]), { ...shape, frames: 1, tube: 1 });
}

/** What is recorded of an episode: rows of T time steps. */
export interface EntityEpisode {
  /** [T,N,S] */
  readonly entities: Float32Array;
  /** [T,N] 1 = takes part. */
  readonly alive: Uint8Array;
}

/** A window of an episode as tokens. */
export interface EntityTokens {
  /** [frames·N, S] tokens time step by time step; zeros beyond the episode's end. */
  readonly tokens: Float32Array;
  /** [frames·N] 1 = the entity takes part at that time; others have nothing to tell. */
  readonly valid: Uint8Array;
}

/**
 * Entities over time: the window of `frames` time steps, `stride` apart, that begins at `start`.
 *
 * @throws RangeError when the arrays do not have `entities`·`features` numbers a time step, or the window starts outside of the episode.
 */
export function entityTokens(
  episode: EntityEpisode,
  sizes: { readonly entities: number; readonly features: number },
  window: { readonly start: number; readonly frames: number; readonly stride: number },
): EntityTokens {
  const { entities: N, features: S } = sizes;
  const T = episode.alive.length / N;
  if (!Number.isInteger(T) || episode.entities.length !== T * N * S) {
    throw new RangeError(`an episode of ${episode.entities.length} numbers is not made of ${N} entities with ${S} features`);
  }
  if (!(window.start >= 0 && window.start < T)) throw new RangeError(`a window cannot start at step ${window.start} of ${T}`);
  const tokens = new Float32Array(window.frames * N * S);
  const valid = new Uint8Array(window.frames * N);
  for (let frame = 0; frame < window.frames; frame++) {
    const t = window.start + frame * window.stride;
    if (t >= T) break;
    tokens.set(episode.entities.subarray(t * N * S, (t + 1) * N * S), frame * N * S);
    valid.set(episode.alive.subarray(t * N, (t + 1) * N), frame * N);
  }
  return { tokens, valid };
}
