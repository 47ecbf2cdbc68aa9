import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openEnvironment } from "../../envs/index.js";
import { simulatorSettings } from "../bridge/settings.js";
import { maskByOrder, randomMasking } from "../masked/index.js";
import { openDevice } from "../tensor/devices.js";
import { RandomStream } from "../tensor/random.js";
import { allocateTrajectoryBatch, type TrajectoryBatch, writeWindow } from "./batch.js";
import { persistenceLoss } from "./persistence.js";
import { parsePolicy } from "./policies.js";
import { defaultFields, record } from "./record.js";
import { Recording } from "./recording.js";
import { featureScale } from "./scale.js";
import { placesOf, type Window, type WindowLayout, WindowSource } from "./windows.js";

const root = mkdtempSync(join(tmpdir(), "baton-windows-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function recordTo(
  name: string,
  env: string,
  more: { episodes?: number; fields?: typeof defaultFields } = {},
): Promise<string> {
  const { episodes = 12, fields = defaultFields } = more;
  const path = join(root, name);
  const policies = [parsePolicy("focus-fire:0.3")];
  const opened = await openEnvironment(env);
  const resources = { envThreads: 0, simulators: simulatorSettings.parse({}) };
  const device = () => openDevice("cpu", { threads: 1 });
  await record({ opened, resources, path, policies, checkpoint: "best", episodes, seed: 1, copies: 4, fields, device });
  return path;
}

let small: string;
let large: string;
beforeAll(async () => {
  small = await recordTo("small", "skirmish/3m");
  large = await recordTo("large", "skirmish/5m_vs_6m");
});

const open = (paths: readonly string[], episodes: readonly number[] = [], window = { frames: 4, stride: 2 }) =>
  new WindowSource(
    paths.map((path) => Recording.open(path)),
    episodes,
    window,
  );

describe("windows of recordings", () => {
  it("are tokens time step by time step and entity by entity, as they were recorded", () => {
    const source = open([small]);
    const recording = Recording.open(small);
    const { entities: N, entityFeatures: S, relationFeatures: R } = recording.spec;
    const read = (k: number, name: "entities" | "alive" | "relations") => {
      const episode = recording.episodes[k]!;
      return recording.read(episode, recording.columnOf(name), 0, episode.rows);
    };
    // Windows are numbered episode by episode, every tenth episode left out.
    let index = 0;
    let dead = 0;
    for (const [k, episode] of recording.episodes.entries()) {
      if (k === 9) continue;
      const [entities, alive, relations] = [read(k, "entities"), read(k, "alive"), read(k, "relations")];
      for (let start = 0; start < Math.max(1, episode.rows - 6); start++, index++) {
        const window = source.window(index, "train");
        expect([window.tokens.length, window.present.length, window.entities]).toEqual([4 * N * S, 4 * N, N]);
        for (let f = 0; f < 4; f++) {
          const t = start + 2 * f;
          for (let e = 0; e < N; e++) {
            const token = f * N + e;
            const there = t < episode.rows && alive[t * N + e] === 1;
            dead += there ? 0 : 1;
            expect(window.present[token]).toBe(there ? 1 : 0);
            const expected = there ? entities.subarray((t * N + e) * S, (t * N + e + 1) * S) : new Float32Array(S);
            expect([...window.tokens.subarray(token * S, (token + 1) * S)]).toEqual([...expected]);
          }
          const size = N * N * R;
          const expected = t < episode.rows ? relations.subarray(t * size, (t + 1) * size) : new Float32Array(size);
          expect([...window.relations.subarray(f * size, (f + 1) * size)]).toEqual([...expected]);
        }
      }
    }
    expect(index).toBe(source.windows("train"));
    expect(dead).toBeGreaterThan(0);
    expect(source.windows("test")).toBe(Math.max(1, recording.episodes[9]!.rows - 6));
    recording.close();
    source.close();
  });

  it("of several maps have places for the team and for the others of the largest", () => {
    const source = open([small, large], [12, 12], { frames: 2, stride: 1 });
    expect(source.layout).toMatchObject({ agents: 5, others: 6 });
    const first = source.window(0, "train");
    expect([...first.entityAt]).toEqual([0, 1, 2, -1, -1, 3, 4, 5, -1, -1, -1]);
    expect([...first.present.subarray(0, 11)]).toEqual([1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0]);
    const alone = open([small], [12], { frames: 2, stride: 1 });
    const same = alone.window(0, "train");
    const S = 33;
    const token = (window: Window, k: number) => [...window.tokens.subarray(k * S, (k + 1) * S)];
    expect(token(first, 11 + 6)).toEqual(token(same, 6 + 4)); // second frame, second of the others
    const last = source.window(source.windows("train") - 1, "train");
    expect([...last.entityAt]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    alone.close();
    source.close();
  });

  it("are drawn each as likely as any other, from as many episodes as are asked for", () => {
    const few = open([large], [4]);
    const rng = RandomStream.from(3);
    const all = Array.from({ length: few.windows("train") }, (_, k) => few.window(k, "train").tokens.join());
    const seen = new Set(Array.from({ length: 20 * all.length }, () => few.draw(rng, "train").tokens.join()));
    expect(seen.size).toBe(new Set(all).size);
    const recording = Recording.open(large);
    expect(few.windows("train")).toBe(recording.episodes.slice(0, 3).reduce((sum, { rows }) => sum + rows - 6, 0));
    recording.close();
    few.close();
  });

  it("of recordings that do not fit are refused", async () => {
    const other = await recordTo("other", "skirmish/2s3z", { episodes: 2 });
    const bare = await recordTo("bare", "skirmish/3m", { episodes: 2, fields: ["entities", "alive"] });
    expect(() => open([small, other])).toThrow("has 34 features per entity");
    expect(() => open([bare])).toThrow("was recorded without relations");
    expect(() => open([small], [13])).toThrow("has 12 episodes, but 13 are needed");
    expect(() => open([])).toThrow("names no recording to learn from");
  });
});

describe("masked batches", () => {
  it("hold the kept entities, what they see of each other, and the hidden ones to predict", () => {
    const source = open([small, large]);
    const { layout } = source;
    const P = placesOf(layout);
    const [S, R, T] = [33, 6, 4 * P];
    const scale = featureScale(source);
    const rng = RandomStream.from(4);
    for (const index of [0, source.windows("train") - 1, 40]) {
      const window = source.window(index, "train");
      const masking = randomMasking(rng, T, { ratio: 0.6 });
      const [K, M] = [masking.keep.length, masking.hidden.length];
      const batch = allocateTrajectoryBatch(layout, 2, K, M);
      // what was there before is gone
      for (const { data } of Object.values(batch)) data.fill(7);
      writeWindow(batch, 1, window, masking, layout, scale);
      const at = (array: keyof TrajectoryBatch, ...path: number[]) => {
        const { shape, data } = batch[array];
        return data[path.reduce((flat, k, axis) => flat * shape[axis]! + k, 0)]!;
      };
      const N = window.entities;
      for (let i = 0; i < K; i++) {
        const token = masking.keep[i]!;
        const frame = Math.floor(token / P);
        expect([at("keep", 1, i), at("present", 1, i)]).toEqual([token, window.present[token]]);
        expect(at("team", 1, i)).toBe(token % P < 5 ? 1 : 0);
        for (let s = 0; s < S; s++) expect(at("entities", 1, i, s)).toBe(window.tokens[token * S + s]);
        const inFrame = Array.from({ length: P }, (_, p) => frame * P + p).filter((other) => window.present[other]);
        const keptInFrame = inFrame.filter((other) => masking.keep.includes(other));
        let weights = 0;
        for (let j = 0; j < K; j++) {
          const other = masking.keep[j]!;
          const sees = window.present[token] === 1 && keptInFrame.includes(other);
          expect(at("seen", 1, i, j)).toBe(sees ? 1 : 0);
          expect(at("share", 1, i, j)).toBeCloseTo(sees ? inFrame.length / N / keptInFrame.length : 0, 6);
          weights += at("share", 1, i, j);
          for (let r = 0; r < R; r++) {
            const pair = (frame * N + window.entityAt[token % P]!) * N + window.entityAt[other % P]!;
            expect(at("relations", 1, i, j, r)).toBe(sees ? window.relations[pair * R + r] : 0);
          }
        }
        // the weights are those of the agent's encoder, which takes all that are there: alive/N in sum
        if (window.present[token]) expect(weights).toBeCloseTo(inFrame.length / N, 5);
      }
      for (let m = 0; m < M; m++) {
        const token = masking.hidden[m]!;
        expect([at("hidden", 1, m), at("weight", 1, m)]).toEqual([token, window.present[token]]);
        for (let s = 0; s < S; s++) {
          const goal =
            window.present[token] && scale.varies[s] ? (window.tokens[token * S + s]! - scale.mean[s]!) / scale.spread[s]! : 0;
          expect(at("target", 1, m, s)).toBeCloseTo(goal, 5);
        }
      }
      expect(batch.keep.data[0]).toBe(7); // another window's
    }
    source.close();
  });

  it("have targets of mean 0 and variance 1, but for what does not vary", () => {
    const source = open([large], [], { frames: 1, stride: 1 });
    const { mean, spread, varies } = featureScale(source);
    const columns: number[][] = Array.from({ length: 33 }, () => []);
    for (let k = 0; k < source.windows("train"); k++) {
      const { tokens, present } = source.window(k, "train");
      for (const [token, there] of present.entries()) {
        if (there) for (const [s, column] of columns.entries()) column.push(tokens[token * 33 + s]!);
      }
    }
    columns.forEach((column, s) => {
      const average = column.reduce((a, b) => a + b, 0) / column.length;
      const variance = column.reduce((a, b) => a + (b - average) ** 2, 0) / column.length;
      expect(mean[s]).toBeCloseTo(average, 8);
      expect(spread[s]).toBeCloseTo(Math.sqrt(variance + 1e-4), 8);
      expect(varies[s]).toBe(variance > 1e-8 ? 1 : 0);
    });
    expect(varies[1]).toBe(0); // all are marines
    expect(varies[2]).toBe(1); // but not in one place
    source.close();
  });
});

it("persistence takes the nearest time at which an entity is kept", () => {
  const layout: WindowLayout = { frames: 4, stride: 1, agents: 1, others: 1, entityFeatures: 1, relationFeatures: 0 };
  // token = 2·frame + place; place 0 has features 0, 10, 20, 30, place 1 is dead in frame 2
  const tokens = Float32Array.of(0, 1, 10, 1, 20, 0, 30, 5);
  const present = Uint8Array.of(1, 1, 1, 1, 1, 0, 1, 1);
  const window: Window = { tokens, present, entities: 2, entityAt: Int32Array.of(0, 1), relations: new Float32Array(0) };
  const scale = { mean: Float64Array.of(2), spread: Float64Array.of(2), varies: Uint8Array.of(1) };
  const order = Int32Array.of(0, 6, 5, 1, 2, 3, 4, 7); // kept: place 0 in frames 0 and 3, place 1 in frame 2, where it is not there
  const batch = allocateTrajectoryBatch(layout, 1, 3, 5);
  writeWindow(batch, 0, window, maskByOrder(order, 3), layout, scale);
  // hidden: place 1 in frames 0, 1, 3 by the mean; place 0 in frame 1 by frame 0, in frame 2 by frame 3
  const errors = [1 - 2, 10 - 0, 1 - 2, 20 - 30, 5 - 2].map((error) => (error / 2) ** 2);
  expect(persistenceLoss(batch, layout, scale)).toBeCloseTo(errors.reduce((a, b) => a + b) / 5, 5);
});
