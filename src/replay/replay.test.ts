import { describe, expect, test } from "vitest";
import { type PlainStep, RandomPlay, smallReplay, spec, transition } from "../../test/random-play.js";
import { BatonError } from "../errors.js";
import { RandomStream } from "../tensor/random.js";
import { allocateBatch, type Batch } from "./batch.js";
import { ReplayBuffer } from "./buffer.js";
import { columnsOf, replayBytes, rowBytes } from "./layout.js";
import { UniformSampler } from "./sampler.js";

type PlainTransition = {
  now: PlainStep["fields"];
  next: PlainStep["fields"];
  actions: number[];
  returns: number;
  discount: number;
};

/** The definition: every row with actions whose next `nStep` steps, or the rest of its episode, are known. */
function referenceTransitions(rows: readonly PlainStep[]): PlainTransition[] {
  const { nStep, gamma } = transition;
  return rows.flatMap((row, t) => {
    if (!row.outcome) return [];
    let returns = 0;
    for (let k = 1; k <= nStep; k++) {
      const { reward, terminated, truncated } = rows[t + k - 1]!.outcome!;
      returns += gamma ** (k - 1) * reward;
      const next = rows[t + k];
      if (next === undefined) return [];
      const done = terminated || truncated;
      if (done || k === nStep) {
        return [{ now: row.fields, next: next.fields, actions: row.actions, returns, discount: terminated ? 0 : gamma ** k }];
      }
    }
    return [];
  });
}

const all = (play: RandomPlay) => play.history.flatMap((rows, copy) => referenceTransitions(rows.slice(play.oldest[copy])));

/** Observations are random, so two of their numbers tell transitions apart. */
const keyOf = (observations: ArrayLike<number>, offset = 0) => `${observations[offset]} ${observations[offset + 1]}`;

function readBatch(batch: Batch, b: number): PlainTransition {
  const fields = (side: Batch["now"]) =>
    Object.fromEntries(
      Object.entries(side).map(([name, { data, shape }]) => {
        const width = data.length / shape[0]!;
        return [name, [...data.slice(b * width, (b + 1) * width)]];
      }),
    );
  return {
    now: fields(batch.now),
    next: fields(batch.next),
    actions: [...batch.actions.data.slice(b * spec.agents, (b + 1) * spec.agents)],
    returns: batch.returns.data[b]!,
    discount: batch.discounts.data[b]!,
  };
}

describe("ReplayBuffer and UniformSampler against plain lists of episodes", () => {
  test.each([
    { capacity: 120, lanes: 3, steps: 25, breaks: false }, // before the ring is full
    { capacity: 120, lanes: 3, steps: 300, breaks: false },
    { capacity: 120, lanes: 3, steps: 300, breaks: true },
    { capacity: 10, lanes: 2, steps: 200, breaks: true }, // episodes longer than a lane
    { capacity: 4, lanes: 1, steps: 150, breaks: true },
  ])("%o", ({ capacity, lanes, steps, breaks }) => {
    const buffer = smallReplay(capacity, lanes);
    const play = new RandomPlay(buffer, capacity + steps);
    const rng = RandomStream.from(7, "test");
    const sampler = new UniformSampler(buffer);
    const batch = allocateBatch(spec, transition, 64);
    let sampled = 0;
    for (let t = 0; t < steps; t++) {
      play.play(breaks && rng.uniform() < 0.1 ? [rng.integer(lanes)] : []);
      const expected = new Map(all(play).map((each) => [keyOf(each.now.observations!), each]));
      expect(buffer.transitions).toBe(expected.size);
      if (expected.size === 0 || t % 5 !== 0) continue;
      sampler.sample(batch, rng);
      for (let b = 0; b < 64; b++) {
        const { returns, discount, ...found } = readBatch(batch, b);
        const { returns: expectedReturns, discount: expectedDiscount, ...rest } = expected.get(keyOf(found.now.observations!))!;
        expect(found).toEqual(rest);
        expect(returns).toBe(Math.fround(expectedReturns));
        expect(discount).toBeCloseTo(expectedDiscount, 6);
        sampled += 1;
      }
    }
    expect(sampled).toBeGreaterThan(64);
  });

  test("every transition is equally likely", () => {
    const buffer = smallReplay();
    const play = new RandomPlay(buffer, 3);
    for (let t = 0; t < 200; t++) play.play();
    const counts = new Map(all(play).map(({ now }) => [keyOf(now.observations!), 0]));
    const batch = allocateBatch(spec, transition, 100);
    const rng = RandomStream.from(1, "test");
    const draws = 400 * counts.size;
    for (let d = 0; d < draws; d += 100) {
      new UniformSampler(buffer).sample(batch, rng);
      for (let b = 0; b < 100; b++) {
        const key = keyOf(batch.now.observations!.data, b * 60);
        counts.set(key, counts.get(key)! + 1);
      }
    }
    const mean = [...counts.values()].reduce((a, b) => a + b, 0) / counts.size;
    const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - mean) ** 2 / mean, 0);
    // Mean and variance of χ² with f degrees of freedom are f and 2f; four standard deviations.
    const freedom = counts.size - 1;
    expect(freedom).toBeGreaterThan(70);
    expect(Math.abs(chiSquare - freedom)).toBeLessThan(4 * Math.sqrt(2 * freedom));
  });

  test("the same stream gives the same batch", () => {
    const buffer = smallReplay();
    const play = new RandomPlay(buffer, 4);
    for (let t = 0; t < 100; t++) play.play();
    const sample = (seed: number) => {
      const batch = allocateBatch(spec, transition, 16);
      new UniformSampler(buffer).sample(batch, RandomStream.from(seed));
      return batch;
    };
    expect(sample(5)).toEqual(sample(5));
    expect(sample(5)).not.toEqual(sample(6));
  });
});

describe("ReplayBuffer", () => {
  test("a truncated episode is bootstrapped from its last time step, a terminated one is not", () => {
    const buffer = smallReplay(40, 1);
    const play = new RandomPlay(buffer, 1);
    const { step, actions } = play;
    const end = (terminated: number, truncated: number) => {
      buffer.lanes[0]!.decide(step, 0, actions);
      step.observations.fill(step.observations[0]! + 1);
      step.reward[0] = 2;
      step.terminated[0] = terminated;
      step.truncated[0] = truncated;
      buffer.lanes[0]!.conclude(step, 0);
    };
    const batch = allocateBatch(spec, transition, 1);
    const sampler = new UniformSampler(buffer);
    step.observations.fill(5);
    end(0, 1);
    sampler.sample(batch, RandomStream.from(0));
    expect(batch.next.observations!.data[0]).toBe(6);
    expect(batch.discounts.data[0]).toBeCloseTo(0.9, 6);
    expect(batch.returns.data[0]).toBe(2);
    buffer.lanes[0]!.restore(0, 0, 0); // empty
    end(1, 1); // Both: the rules of the episode say that nothing follows.
    sampler.sample(batch, RandomStream.from(0));
    expect(batch.discounts.data[0]).toBe(0);
  });

  test("stores only what was asked for, as narrow as it fits", () => {
    const columns = columnsOf(spec, transition.fields);
    expect(columns.map(({ name, type, width }) => `${name} ${type} ${width}`)).toEqual([
      "entities f32 15",
      "alive u8 3",
      "actionMask u8 8",
      "actionTargets i8 4",
      "observations f32 60",
      "actions u8 2",
      "reward f32 1",
      "kind u8 1",
    ]);
    expect(rowBytes(columns)).toBe(15 * 4 + 3 + 8 + 4 + 60 * 4 + 2 + 4 + 1);
    expect(replayBytes(spec, transition.fields, 1000)).toBe(322_000);
    const wide = columnsOf({ ...spec, entities: 200, actions: 300 }, ["actionTargets"]);
    expect(wide.map(({ type }) => type)).toEqual(["i16", "u16", "f32", "u8"]);
  });

  test("the batch has the types that tensors get", () => {
    const batch = allocateBatch(spec, transition, 2);
    expect(batch.now.alive!.dtype).toBe("bool");
    expect(batch.now.actionTargets!.dtype).toBe("int32");
    expect(batch.next.entities!.shape).toEqual([2, 3, 5]);
    expect(batch.actions.shape).toEqual([2, 2]);
    expect(Object.keys(batch.now)).toEqual([...transition.fields]);
  });

  test("says how much memory is missing, and what would fit", () => {
    const make = () => new ReplayBuffer(spec, transition, { lanes: 2, capacity: 1e6, memoryLimit: 2 ** 20 });
    expect(make).toThrow(BatonError);
    expect(make).toThrow("replay capacity 1000000 needs 0.30 GiB of memory for test/small, 0.00 GiB may be used");
    try {
      make();
    } catch (error) {
      const fits = Number(/at most (\d+)/.exec((error as BatonError).hint!)![1]);
      expect(new ReplayBuffer(spec, transition, { lanes: 2, capacity: fits, memoryLimit: 2 ** 20 }).rows).toBe(0);
    }
  });

  test("refuses a capacity that holds no window", () => {
    expect(() => new ReplayBuffer(spec, transition, { lanes: 4, capacity: 15 })).toThrow("3-step returns need 4");
    expect(() => new ReplayBuffer(spec, transition, { lanes: 4, capacity: Number.NaN })).toThrow(BatonError);
  });

  test("refuses calls out of order", () => {
    const buffer = smallReplay();
    const { step, actions } = new RandomPlay(buffer, 1);
    const [lane] = buffer.lanes;
    expect(() => lane!.conclude(step, 0)).toThrow("needs a decision");
    lane!.decide(step, 0, actions);
    expect(() => lane!.decide(step, 0, actions)).toThrow("was not recorded");
    const empty = new UniformSampler(buffer);
    expect(() => empty.sample(allocateBatch(spec, transition, 1), RandomStream.from(0))).toThrow("no transition yet");
  });
});
