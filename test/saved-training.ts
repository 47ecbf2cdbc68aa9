/** A training that saves itself, and what must be found again of it. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { expect } from "vitest";
import { allocateBatch, type ReplayBuffer, ReplayStore, UniformSampler } from "../src/replay/index.js";
import { type LoadedCheckpoint, RunFolder, saveCheckpoint } from "../src/runs/index.js";
import { RandomStream } from "../src/tensor/random.js";
import { HostArray, type HostTree, leavesOf } from "../src/tensor/tree.js";
import { fastDisk } from "./broken-disk.js";
import { RandomPlay, smallReplay, spec, transition } from "./random-play.js";
import { temporaryFolder } from "./temporary-folder.js";

export const info = { baton: "0.1.0", env: "test/small", agent: "ace", seed: 3 };

export function digest(tree: HostTree): string {
  const sha = createHash("sha256");
  for (const { path, leaf } of leavesOf(tree)) sha.update(`${path} ${leaf.dtype} ${leaf.shape}`).update(leaf.data);
  return sha.digest("hex");
}

export function sampled(buffer: ReplayBuffer): string {
  const batch = allocateBatch(spec, transition, 100);
  new UniformSampler(buffer).sample(batch, RandomStream.from(9));
  return digest(batch);
}

export const weights = (step: number): HostTree => ({
  w: HostArray.float32(Float32Array.of(step, step / 3), 2),
  n: HostArray.int32(Int32Array.of(step), 1),
});

/** A training that plays into a replay and saves itself every 10 steps. */
export class Training {
  readonly play = new RandomPlay(smallReplay(60, 2), 11);
  readonly store = new ReplayStore(this.play.buffer);
  /** What must be found again, by step. */
  readonly saved = new Map<number, string>();
  step = 0;

  advance(): void {
    for (let t = 0; t < 10; t++) this.play.play(t === 4 ? [this.step % 2] : []);
    this.step += 10;
    this.saved.set(this.step, sampled(this.play.buffer));
  }

  save(run: RunFolder): void {
    saveCheckpoint(run, {
      step: this.step,
      state: weights(this.step),
      json: { step: this.step, random: [1, -2] },
      replay: this.store,
    });
  }
}

/** A run of `checkpoints` checkpoints, and the training that made it. */
export function trained(checkpoints: number): { run: RunFolder; training: Training } {
  const run = RunFolder.create(join(temporaryFolder(), "run"), info, "", fastDisk);
  const training = new Training();
  for (let k = 0; k < checkpoints; k++) {
    training.advance();
    training.save(run);
  }
  return { run, training };
}

/** Checks that everything in it is as it was saved. */
export function expectWhole(loaded: LoadedCheckpoint, training: Training): void {
  expect(digest(loaded.state)).toBe(digest(weights(loaded.step)));
  expect(loaded.json).toEqual({ step: loaded.step, random: [1, -2] });
  const buffer = smallReplay(60, 2);
  new ReplayStore(buffer).restore(loaded.replay!.state, loaded.replay!.read);
  expect(sampled(buffer)).toBe(training.saved.get(loaded.step));
}
