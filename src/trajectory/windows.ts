/**
 * Windows of recorded episodes: entities over time.
 *
 * Axes: `F` frames, `P` places of a frame, `T` = F·P tokens, `N` entities of a recording's map, `S`/`R` features. Recordings of several maps
 * share one layout of places: first as many agents as the largest team has, then as many others as the largest other side; a place that a map
 * has nobody for is never there.
 *
 * @module
 */
import { BatonError } from "../errors.js";
import { entityTokens } from "../masked/index.js";
import type { RandomStream } from "../tensor/random.js";
import type { RecordedRows, Recording } from "./recording.js";

/** What all windows of a source have in common. */
export interface WindowLayout {
  readonly frames: number;
  /** Steps from one frame to the next. */
  readonly stride: number;
  /** Places of the team, and of the others. */
  readonly agents: number;
  readonly others: number;
  /** S and R */
  readonly entityFeatures: number;
  readonly relationFeatures: number;
}

export const placesOf = ({ agents, others }: WindowLayout): number => agents + others;

/** A window of an episode. */
export interface Window {
  /** [T,S] token (frame, place); zeros where nobody is there. */
  readonly tokens: Float32Array;
  /** [T] 1 = somebody is there, alive. */
  readonly present: Uint8Array;
  /** N: of whom the encoder's mean is taken. */
  readonly entities: number;
  /** [P] which entity of the map stands at each place; −1 for none. */
  readonly entityAt: Int32Array;
  /** [F,N,N,R] */
  readonly relations: Float32Array;
}

export type Part = "train" | "test";

/** Every so many episodes one is kept for judging. */
const KEPT = 10;

interface Source {
  readonly recording: Recording;
  readonly columns: { readonly entities: number; readonly alive: number; readonly relations: number };
  readonly entityAt: Int32Array;
}

/** Where windows are drawn from. */
export class WindowSource {
  readonly layout: WindowLayout;
  readonly #sources: readonly Source[];
  /** Episodes of each part with the numbers of windows that begin before them. */
  readonly #parts: Record<Part, { source: number; episode: RecordedRows; before: number }[]> = { train: [], test: [] };
  readonly #windows: Record<Part, number> = { train: 0, test: 0 };

  /**
   * @param episodes how many of the first episodes of each recording are used.
   * @throws BatonError when the recordings have other features than each other, fewer episodes, or lack an array.
   */
  constructor(
    recordings: readonly Recording[],
    episodes: readonly number[],
    { frames, stride }: { frames: number; stride: number },
  ) {
    const [first] = recordings;
    if (!first) throw nothingToLearnFrom();
    for (const recording of recordings) refuseOtherFeatures(first, recording);
    const most = (of: (spec: Recording["spec"]) => number) => Math.max(...recordings.map(({ spec }) => of(spec)));
    const { entityFeatures, relationFeatures } = first.spec;
    const [agents, others] = [most((spec) => spec.agents), most((spec) => spec.entities - spec.agents)];
    this.layout = { frames, stride, agents, others, entityFeatures, relationFeatures };
    this.#sources = recordings.map((recording) => {
      const { agents: n, entities: N } = recording.spec;
      const at = (place: number) =>
        place < agents ? (place < n ? place : -1) : place - agents < N - n ? n + place - agents : -1;
      return {
        recording,
        columns: {
          entities: recording.columnOf("entities"),
          alive: recording.columnOf("alive"),
          relations: relationFeatures > 0 ? recording.columnOf("relations") : -1,
        },
        entityAt: Int32Array.from({ length: agents + others }, (_, place) => at(place)),
      };
    });
    recordings.forEach((recording, source) => {
      const wanted = episodes[source] ?? recording.episodes.length;
      if (recording.episodes.length < wanted || wanted < 2) {
        throw new BatonError(
          "incompatible",
          `${recording.path} has ${recording.episodes.length} episodes, but ${Math.max(2, wanted)} are needed`,
          {
            hint: `go on recording with: baton record --episodes ${Math.max(2, wanted)} --to ${recording.path} …`,
          },
        );
      }
      recording.episodes.slice(0, wanted).forEach((episode, k) => {
        // the last one of a short recording is kept, too
        const part = k % KEPT === KEPT - 1 || (wanted < KEPT && k === wanted - 1) ? "test" : "train";
        this.#parts[part].push({ source, episode, before: this.#windows[part] });
        this.#windows[part] += this.#starts(episode);
      });
    });
  }

  /** Windows that there are. */
  windows(part: Part): number {
    return this.#windows[part];
  }

  /** Steps at which a window may begin: all where the whole of it lies in the episode, the first alone in one that is too short. */
  #starts({ rows }: RecordedRows): number {
    const { frames, stride } = this.layout;
    return Math.max(1, rows - (frames - 1) * stride);
  }

  /** A window, each as likely as any other. */
  draw(rng: RandomStream, part: Part): Window {
    return this.window(rng.integer(this.#windows[part]), part);
  }

  /** Window number `index` of those of a part. */
  window(index: number, part: Part): Window {
    const episodes = this.#parts[part];
    let [low, high] = [0, episodes.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (episodes[middle]!.before <= index) low = middle;
      else high = middle - 1;
    }
    const { source, episode, before } = episodes[low]!;
    return this.#read(this.#sources[source]!, episode, index - before);
  }

  #read({ recording, columns, entityAt }: Source, episode: RecordedRows, start: number): Window {
    const { frames, stride, entityFeatures: S, relationFeatures: R } = this.layout;
    const { entities: N } = recording.spec;
    const rows = Math.min((frames - 1) * stride + 1, episode.rows - start);
    const column = (which: number) => recording.read(episode, which, start, rows);
    const read = { entities: column(columns.entities) as Float32Array, alive: column(columns.alive) as Uint8Array };
    const all = entityTokens(read, { entities: N, features: S }, { start: 0, frames, stride });
    const P = entityAt.length;
    const [tokens, present] = [new Float32Array(frames * P * S), new Uint8Array(frames * P)];
    for (let token = 0; token < frames * P; token++) {
      const entity = entityAt[token % P]!;
      const from = Math.floor(token / P) * N + entity;
      if (entity < 0 || all.valid[from] === 0) continue;
      tokens.set(all.tokens.subarray(from * S, (from + 1) * S), token * S);
      present[token] = 1;
    }
    const relations = new Float32Array(frames * N * N * R);
    if (R > 0) {
      const every = column(columns.relations) as Float32Array;
      const size = N * N * R;
      for (let f = 0; f * stride < rows; f++) relations.set(every.subarray(f * stride * size, (f * stride + 1) * size), f * size);
    }
    return { tokens, present, entities: N, entityAt, relations };
  }

  close(): void {
    for (const { recording } of this.#sources) recording.close();
  }
}

export const nothingToLearnFrom = (): BatonError =>
  new BatonError("invalid-value", "data.recordings names no recording to learn from", {
    hint: "record one with `baton record --env skirmish/3m --to recordings/3m`, then: baton pretrain trajectory --recording recordings/3m",
  });

function refuseOtherFeatures(first: Recording, other: Recording): void {
  const words = { entityFeatures: "features per entity", relationFeatures: "features per relation" };
  for (const key of ["entityFeatures", "relationFeatures"] as const) {
    if (other.spec[key] === first.spec[key]) continue;
    throw new BatonError(
      "incompatible",
      `${other.path} (${other.spec.id}) has ${other.spec[key]} ${words[key]}, ${first.path} (${first.spec.id}) has ${first.spec[key]}`,
      { hint: "one encoder learns from maps whose features are the same: give them to runs of their own" },
    );
  }
  if (other.spec.entityFeatures === 0) {
    throw new BatonError("incompatible", `${other.path} (${other.spec.id}) has entities without features`);
  }
}
