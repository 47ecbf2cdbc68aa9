import { describe, expect, it } from "vitest";
import type { LastingChoice } from "../src/agent.js";
import { RandomStream } from "../src/tensor/random.js";
import { explorationOf, explorationRate } from "./exploration.js";

const settings = { explorationStart: 1, explorationEnd: 0.1, explorationSteps: 100, explorationDuration: 8 };
const copies = 16;
const n = 3;
const A = 5;

const fresh = (): LastingChoice[][] =>
  Array.from({ length: copies }, () => Array.from({ length: n }, () => ({ seed: 0, left: 0 })));

/** Share of all steps that are random, over `steps` calls. */
function share(duration: number, rate: number, steps: number): number {
  const draw = explorationOf({ ...settings, explorationDuration: duration }, n, A);
  const rng = RandomStream.from(5);
  const lasting = fresh();
  let random = 0;
  for (let t = 0; t < steps; t++) for (const explores of draw(rng, rate, copies, lasting).explore.data) random += explores;
  return random / (steps * copies * n);
}

/** Lengths of the choices that one agent made, from how its choices' steps count down. */
function lengths(duration: number, rate: number, steps: number): number[] {
  const draw = explorationOf({ ...settings, explorationDuration: duration }, n, A);
  const rng = RandomStream.from(7);
  const lasting = fresh();
  const found: number[] = [];
  for (let t = 0; t < steps; t++) {
    const before = lasting.flat().map(({ left }) => left);
    const { explore } = draw(rng, rate, copies, lasting);
    lasting.flat().forEach(({ left }, i) => {
      if (explore.data[i] && before[i] === 0) found.push(left + 1);
    });
  }
  return found;
}

describe("ε-greedy exploration", () => {
  it("decays in a straight line, then stays", () => {
    expect([0, 50, 100, 1000].map((steps) => explorationRate(settings, steps).toFixed(6))).toEqual([
      "1.000000",
      "0.550000",
      "0.100000",
      "0.100000",
    ]);
  });

  it.each([1, 8, 40])("explores a share ε of all steps, whatever its choices last (at most %i steps)", (duration) => {
    for (const rate of [0.05, 0.4, 1]) {
      const found = share(duration, rate, 10_000);
      expect(found / rate).toBeGreaterThan(0.9);
      expect(found / rate).toBeLessThan(1.1);
    }
  });

  it("makes choices that last d steps in proportion to 1/d", () => {
    const found = lengths(4, 0.5, 3000);
    const share = [1, 2, 3, 4].map((d) => found.filter((length) => length === d).length / found.length);
    const sum = 1 + 1 / 2 + 1 / 3 + 1 / 4;
    share.forEach((of, k) => {
      expect(Math.abs(of - 1 / ((k + 1) * sum))).toBeLessThan(0.015);
    });
    expect(new Set(lengths(1, 0.5, 50))).toEqual(new Set([1]));
  });

  it("keeps to the same action while a choice lasts", () => {
    const draw = explorationOf(settings, n, A);
    const rng = RandomStream.from(11);
    const lasting = fresh();
    let before: number[] = [];
    let kept = 0;
    for (let t = 0; t < 200; t++) {
      const lasts = lasting.flat().map(({ left }) => left > 0);
      const { explore, scores } = draw(rng, 0.3, copies, lasting);
      lasts.forEach((stays, i) => {
        if (!stays) return;
        kept += 1;
        expect(explore.data[i]).toBe(1);
        expect([...scores.data.subarray(i * A, (i + 1) * A)]).toEqual(before.slice(i * A, (i + 1) * A));
      });
      before = [...scores.data];
    }
    expect(kept).toBeGreaterThan(500);
  });

  it("goes on from what was written down", () => {
    const lasting = fresh();
    const draw = explorationOf(settings, n, A);
    const rng = RandomStream.from(2);
    for (let t = 0; t < 10; t++) draw(rng, 0.5, copies, lasting);
    const [again, at] = [structuredClone(lasting), RandomStream.restore(rng.state())];
    for (let t = 0; t < 10; t++) expect(draw(at, 0.5, copies, again)).toEqual(draw(rng, 0.5, copies, lasting));
  });

  it("explores nowhere at rate 0, and draws nothing for it", () => {
    const rng = RandomStream.from(3);
    const before = rng.state();
    const { explore, scores } = explorationOf(settings, n, A)(rng, 0, copies);
    expect([...explore.data, ...scores.data].every((x) => x === 0)).toBe(true);
    expect(rng.state()).toEqual(before);
  });

  it("makes choices of a step each where nothing is kept between them", () => {
    const draw = explorationOf(settings, n, A);
    const single = explorationOf({ ...settings, explorationDuration: 1 }, n, A);
    expect(draw(RandomStream.from(4), 0.5, copies)).toEqual(single(RandomStream.from(4), 0.5, copies, fresh()));
  });
});
