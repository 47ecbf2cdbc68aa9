import { describe, expect, it } from "vitest";
import { RandomPlay, spec, transition } from "../../test/random-play.js";
import { RandomStream } from "../tensor/random.js";
import { type HostArray, type HostTree, mapTree } from "../tensor/tree.js";
import { allocateBatch, type Batch } from "./batch.js";
import { ReplayBuffer } from "./buffer.js";
import { PrioritisedSampler } from "./prioritised.js";
import { ReplayStore } from "./store.js";
import { SumTree } from "./sum-tree.js";

const priority = { exponent: 0.6, correction: 0.4, correctionUpdates: 100 };
const prioritised = { ...transition, priority };
const WIDTH = 60;

const replay = (capacity = 120, lanes = 3) => new ReplayBuffer(spec, prioritised, { lanes, capacity });
/** Observations are random, so one of their numbers tells transitions apart. */
const keys = (batch: Batch) => Array.from(batch.returns.data, (_, b) => batch.now.observations!.data[b * WIDTH]!);

/** First observations of every transition that exists. */
function existing({ history, oldest }: RandomPlay): Set<number> {
  const found = new Set<number>();
  history.forEach((rows, copy) => {
    rows.forEach((row, t) => {
      if (t < oldest[copy]! || !row.outcome) return;
      for (let k = 0; ; k++) {
        const outcome = rows[t + k]?.outcome;
        if (!outcome) return;
        if (outcome.terminated || outcome.truncated || (k + 1 === transition.nStep && rows[t + k + 1])) break;
      }
      found.add(row.fields.observations![0]!);
    });
  });
  return found;
}

describe("SumTree", () => {
  it.each([1, 2, 7, 64, 100])("of %i leaves finds what a running sum finds", (size) => {
    const rng = RandomStream.from(size);
    const tree = new SumTree(size);
    const weights = new Float64Array(size);
    for (let trial = 0; trial < 300; trial++) {
      const at = rng.integer(size);
      weights[at] = rng.uniform() < 0.4 ? 0 : rng.integer(16) / 16; // exact sums
      tree.set(at, weights[at]!);
      const total = weights.reduce((a, b) => a + b, 0);
      expect(tree.total).toBe(total);
      if (total === 0) continue;
      const mass = rng.uniform() * total;
      let sum = 0;
      const expected = weights.findIndex((weight) => {
        sum += weight;
        return sum > mass;
      });
      expect(tree.find(mass)).toBe(expected);
    }
    const filled = new SumTree(size);
    filled.fill(weights);
    expect(filled).toEqual(tree);
  });

  it("never finds a weight of 0, even at the very end", () => {
    const tree = new SumTree(5);
    tree.fill([0, 0.1, 0, 0.2, 0]);
    expect(tree.find(tree.total)).toBe(3);
    expect(tree.find(0)).toBe(1);
  });
});

describe("PrioritisedSampler", () => {
  it.each([
    { capacity: 120, lanes: 3, steps: 200, breaks: false },
    { capacity: 120, lanes: 3, steps: 300, breaks: true },
    { capacity: 10, lanes: 2, steps: 300, breaks: true }, // episodes longer than a lane
    { capacity: 4, lanes: 1, steps: 200, breaks: true },
  ])("draws from exactly the transitions that exist (%o)", ({ capacity, lanes, steps, breaks }) => {
    const buffer = replay(capacity, lanes);
    const play = new RandomPlay(buffer, capacity);
    const rng = RandomStream.from(3, "test");
    const sampler = new PrioritisedSampler(buffer, priority);
    const batch = allocateBatch(spec, prioritised, 32);
    let drawn = 0;
    for (let t = 0; t < steps; t++) {
      play.play(breaks && rng.uniform() < 0.1 ? [rng.integer(lanes)] : []);
      const transitions = existing(play);
      expect(buffer.transitions).toBe(transitions.size);
      if (transitions.size === 0 || rng.uniform() < 0.5) continue;
      sampler.sample(batch, rng, t);
      for (const key of keys(batch)) expect(transitions.has(key)).toBe(true);
      const positive = (sampler.arrays() as { weights: HostArray }).weights.data.filter((weight) => weight > 0).length;
      expect(positive).toBe(transitions.size);
      sampler.feedback(Float32Array.from({ length: 32 }, () => rng.normal()));
      drawn += 32;
    }
    expect(drawn).toBeGreaterThan(500);
  });

  it("draws in proportion to |error|^α and weighs by probability^−β", () => {
    const buffer = replay();
    const play = new RandomPlay(buffer, 3);
    for (let t = 0; t < 60; t++) play.play();
    const sampler = new PrioritisedSampler(buffer, priority);
    const rng = RandomStream.from(1, "test");
    const batch = allocateBatch(spec, prioritised, 64);
    /** An error of its own for each transition. */
    const errorOf = (key: number) => Math.abs(key) * 3;
    for (let round = 0; round < 200; round++) {
      sampler.sample(batch, rng, 0);
      sampler.feedback(keys(batch).map(errorOf));
    }
    const transitions = [...existing(play)];
    const power = (key: number) => (errorOf(key) + 1e-3) ** priority.exponent;
    const total = transitions.reduce((sum, key) => sum + power(key), 0);
    const counts = new Map(transitions.map((key) => [key, 0]));
    const rounds = 500;
    for (let round = 0; round < rounds; round++) {
      sampler.sample(batch, rng, 50); // half of the way: β = 0.7
      for (const key of keys(batch)) counts.set(key, counts.get(key)! + 1);
      if (round > 0) continue;
      const raw = keys(batch).map((key) => (transitions.length * (power(key) / total)) ** -0.7);
      const largest = Math.max(...raw);
      raw.forEach((weight, b) => {
        expect(batch.weights!.data[b]).toBeCloseTo(weight / largest, 5);
      });
    }
    for (const [key, count] of counts) {
      const expected = (rounds * 64 * power(key)) / total;
      // drawing from equal shares varies less than independent draws; five of their standard deviations
      expect(Math.abs(count - expected)).toBeLessThan(5 * Math.sqrt(expected) + 1);
    }
  });

  it("goes on from a checkpoint as if nothing had happened", () => {
    const buffer = replay(40, 2);
    const play = new RandomPlay(buffer, 5);
    const sampler = new PrioritisedSampler(buffer, priority);
    const batch = allocateBatch(spec, prioritised, 16);
    const rng = RandomStream.from(2, "test");
    const learn = (s: PrioritisedSampler, into: Batch, stream: RandomStream) => {
      s.sample(into, stream, 7);
      s.feedback(keys(into).map((key) => key * 2));
    };
    for (let t = 0; t < 90; t++) {
      play.play(t % 20 === 19 ? [0] : []);
      if (t > 5 && t % 3 === 0) learn(sampler, batch, rng);
    }
    const store = new ReplayStore(buffer);
    const { state, segment } = store.prepare("1.bin");
    const bytes = Buffer.concat(segment!);
    const saved = mapTree<HostArray, HostArray>(sampler.arrays(), (leaf) => leaf.clone()) as HostTree;
    const stream = RandomStream.restore(rng.state());

    const again = replay(40, 2);
    new ReplayStore(again).restore(structuredClone(state), () => bytes);
    const restored = new PrioritisedSampler(again, priority);
    restored.restore(saved);
    const other = allocateBatch(spec, prioritised, 16);
    for (let round = 0; round < 5; round++) {
      learn(sampler, batch, rng);
      learn(restored, other, stream);
      expect(other).toEqual(batch);
      expect(restored.arrays()).toEqual(sampler.arrays());
    }
  });
});
