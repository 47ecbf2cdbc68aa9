import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { RandomPlay, smallReplay, spec, transition } from "../../test/random-play.js";
import { BatonError } from "../errors.js";
import { RandomStream } from "../tensor/random.js";
import { type HostArray, leavesOf } from "../tensor/tree.js";
import { allocateBatch } from "./batch.js";
import { ReplayBuffer } from "./buffer.js";
import { UniformSampler } from "./sampler.js";
import { type ReplaySnapshot, ReplayStore } from "./store.js";

/** A disk: names and contents, as a checkpoint writer would keep them. */
class Shelf {
  readonly files = new Map<string, Buffer>();
  #next = 0;

  save(store: ReplayStore): ReplaySnapshot {
    const name = `${this.#next++}.bin`;
    const snapshot = store.prepare(name);
    if (snapshot.segment) this.files.set(name, Buffer.concat(snapshot.segment));
    store.committed();
    for (const old of this.files.keys()) if (old !== name && !snapshot.needed.includes(old)) this.files.delete(old);
    return snapshot;
  }

  /** The replay that a new process would read, through JSON as it goes to disk. */
  load(snapshot: ReplaySnapshot, buffer: ReplayBuffer): ReplayStore {
    const store = new ReplayStore(buffer);
    store.restore(JSON.parse(JSON.stringify(snapshot.state)), (name) => this.files.get(name)!);
    return store;
  }
}

/** Digest of every byte of a sampled batch (deep equality of long arrays is slow). */
function sampledDigest(buffer: ReplayBuffer, seed: number): string {
  const batch = allocateBatch(spec, transition, 200);
  new UniformSampler(buffer).sample(batch, RandomStream.from(seed));
  const sha = createHash("sha256");
  for (const { leaf } of leavesOf<HostArray>(batch)) sha.update(leaf.data);
  return sha.digest("hex");
}

test.each([
  { capacity: 120, lanes: 3, steps: 200, every: 7, breaks: false },
  { capacity: 120, lanes: 3, steps: 200, every: 7, breaks: true },
  { capacity: 120, lanes: 3, steps: 200, every: 90, breaks: true }, // the whole ring between two snapshots
  { capacity: 12, lanes: 2, steps: 200, every: 1, breaks: true },
  { capacity: 600, lanes: 2, steps: 240, every: 1, breaks: true }, // more segments than are kept apart
])("a restored replay goes on as the original: %o", ({ capacity, lanes, steps, every, breaks }) => {
  const play = new RandomPlay(smallReplay(capacity, lanes), steps + every);
  const rng = RandomStream.from(every, "breaks");
  let store = new ReplayStore(play.buffer);
  const shelf = new Shelf();
  let compared = 0;
  for (let t = 1; t <= steps; t++) {
    play.play(breaks && rng.uniform() < 0.15 ? [rng.integer(lanes)] : []);
    if (t % every !== 0) continue;
    const snapshot = shelf.save(store);
    const copy = smallReplay(capacity, lanes);
    const restored = shelf.load(snapshot, copy);
    expect([copy.rows, copy.transitions]).toEqual([play.buffer.rows, play.buffer.transitions]);
    if (copy.transitions > 0) {
      expect(sampledDigest(copy, t)).toBe(sampledDigest(play.buffer, t));
      compared += 1;
    }
    // Nothing is written twice: the restored replay builds on the same segments.
    if (snapshot.state.segments.length < 64) expect(restored.prepare("x").segment).toBeNull();
    // Now and then the process "restarts": play goes on into the restored replay.
    if (t % (2 * every) === 0) [play.buffer, store] = [copy, restored];
  }
  expect(compared).toBeGreaterThan(1);
  expect(shelf.files.size).toBeLessThanOrEqual(64);
});

test("a snapshot holds only the rows that are new", () => {
  const play = new RandomPlay(smallReplay(1200, 1), 5);
  const store = new ReplayStore(play.buffer);
  const shelf = new Shelf();
  for (let t = 0; t < 50; t++) play.play();
  const before = play.buffer.rows;
  const bytes = (snapshot: ReplaySnapshot) => snapshot.segment!.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  expect(bytes(shelf.save(store))).toBe(8 + before * 322);
  play.play();
  const added = play.buffer.rows - before;
  const failed = store.prepare("failed"); // Never committed, e.g. because the disk was full: its rows come again.
  expect(bytes(failed)).toBe(8 + added * 322);
  play.play();
  expect(bytes(store.prepare("again"))).toBe(8 + (play.buffer.rows - before) * 322);
});

test("segments whose rows were all overwritten are no longer needed", () => {
  const play = new RandomPlay(smallReplay(20, 1), 5);
  const store = new ReplayStore(play.buffer);
  const shelf = new Shelf();
  for (let t = 0; t < 100; t++) {
    play.play();
    if (t % 5 === 4) shelf.save(store);
  }
  // A segment has 5 to 10 rows, so 20 rows never need more than 5 of them.
  expect(shelf.files.size).toBeLessThanOrEqual(5);
});

test("refuses a replay of another shape, and torn segments", () => {
  const play = new RandomPlay(smallReplay(120, 3), 5);
  for (let t = 0; t < 20; t++) play.play();
  const shelf = new Shelf();
  const snapshot = shelf.save(new ReplayStore(play.buffer));
  expect(() => shelf.load(snapshot, smallReplay(150, 3))).toThrow('another rowsPerLane: "40", this run has "50"');
  expect(() => shelf.load(snapshot, smallReplay(80, 2))).toThrow("another lanes");
  const fewer = new ReplayBuffer(spec, { ...transition, fields: ["state"] }, { lanes: 3, capacity: 120 });
  expect(() => shelf.load(snapshot, fewer)).toThrow("another layout");
  const whole = shelf.files.get("0.bin")!;
  for (const torn of [whole.subarray(0, 3), whole.subarray(0, -1), Buffer.concat([whole, whole]), Buffer.alloc(whole.length)]) {
    shelf.files.set("0.bin", torn);
    expect(() => shelf.load(snapshot, smallReplay(120, 3))).toThrow(BatonError);
  }
});
