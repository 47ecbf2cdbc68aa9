import { describe, expect, it } from "vitest";
import { assertConforms } from "../../src/environments/check.js";
import { completeEnvironment } from "../../src/environments/complete.js";
import { allocateTimeStep } from "../../src/environments/timestep.js";
import { RandomStream } from "../../src/tensor/random.js";
import { climbingPayoff, matrix, matrixMembers, matrixOptions, optimalReturn, penaltyPayoff, solvePursuit } from "./index.js";
import { cellDistance, type FlyBehaviour, mayChoose, type Pursuit, pounce, pursue } from "./pursuit.js";
import { spidersAndFly, startingCells } from "./spiders.js";

const defaults = matrixOptions.parse({});
const rules = (fly: FlyBehaviour, size = 4) => ({ size, fly, episodeLimit: 20 });

describe.each(matrixMembers)("matrix/%s", (member) => {
  it("keeps the environment contract", () => {
    assertConforms(() => matrix.make(member, defaults), { episodes: 20 });
  });

  it("bears the family's id", () => {
    expect(matrix.make(member, defaults).spec.id).toBe(`matrix/${member}`);
  });
});

describe("matrix games", () => {
  it("pay what the matrix says, and are won at the best entry", () => {
    const games = [
      { env: completeEnvironment(matrix.make("climbing", defaults)), payoff: climbingPayoff, best: 11 },
      { env: completeEnvironment(matrix.make("penalty", { ...defaults, penalty: -7 })), payoff: penaltyPayoff(-7), best: 10 },
    ];
    for (const { env, payoff, best } of games) {
      const out = allocateTimeStep(env.spec);
      for (const a of [0, 1, 2]) {
        for (const b of [0, 1, 2]) {
          env.reset(0, out);
          env.step(Int32Array.of(a, b), out);
          expect([out.reward, out.terminated, out.truncated, out.info.won]).toEqual([
            payoff[a]![b],
            true,
            false,
            payoff[a]![b] === best,
          ]);
        }
      }
    }
  });

  it("have the published payoffs", () => {
    expect(climbingPayoff).toEqual([
      [11, -30, 0],
      [-30, 7, 6],
      [0, 0, 5],
    ]);
    expect(penaltyPayoff(-100)).toEqual([
      [10, 0, -100],
      [0, 2, 0],
      [-100, 0, 10],
    ]);
    expect([optimalReturn("climbing"), optimalReturn("penalty")]).toEqual([11, 10]);
  });
});

describe("the rules of spiders-and-fly", () => {
  // On a grid of 4: cell 5 is (1, 1), cell 6 is (2, 1), cell 9 is (1, 2), cell 4 is (0, 1).
  const state: Pursuit = [4, 6, 5];

  it("lets spiders pounce only from a neighbouring cell and never walk onto the fly or off the grid", () => {
    const legal = (s: Pursuit, spider: 0 | 1) => [0, 1, 2, 3, 4, 5].filter((action) => mayChoose(s, spider, action, 4));
    expect(legal(state, 0)).toEqual([0, 1, 2, pounce]);
    expect(legal(state, 1)).toEqual([0, 1, 2, 3, pounce]);
    expect(legal([0, 15, 5], 0)).toEqual([0, 1, 3]);
    expect(legal([0, 15, 5], 1)).toEqual([0, 2, 4]);
    expect(cellDistance(0, 15, 4)).toBe(6);
  });

  it("catches the fly when both pounce and shakes off one alone", () => {
    expect(pursue(state, [pounce, pounce], rules("still"))).toMatchObject({ reward: 9.9, caught: true, spiders: [4, 6] });
    expect(pursue(state, [pounce, 0], rules("still"))).toEqual({ reward: -2.1, caught: false, spiders: [4, 6], flyCells: [5] });
    expect(pursue(state, [2, 3], rules("still"))).toEqual({ reward: -0.1, caught: false, spiders: [0, 7], flyCells: [5] });
  });

  it("moves the fly as it is told, never onto a spider", () => {
    expect(pursue(state, [0, 0], rules("random")).flyCells).toEqual([5, 9, 1]);
    expect(pursue([8, 1, 5], [0, 0], rules("away")).flyCells).toEqual([6]);
    // North and south are equally safe: north comes first.
    expect(pursue(state, [0, 0], rules("away")).flyCells).toEqual([9]);
    // In a corner between two spiders it has nowhere to go.
    expect(pursue([1, 4, 0], [0, 0], rules("random")).flyCells).toEqual([0]);
  });

  it("starts anywhere, in three different cells", () => {
    const random = RandomStream.from(1);
    const seen = new Set<string>();
    for (let k = 0; k < 10_000; k++) {
      const cells = startingCells(random, 3);
      expect(new Set(cells).size).toBe(3);
      seen.add(cells.join());
    }
    expect(seen.size).toBe(9 * 8 * 7);
  });
});

describe("the optimum of spiders-and-fly", () => {
  it("is 9.5658 on average, and never less than a catch in six steps", () => {
    const optimum = solvePursuit(rules("away"));
    expect(optimum.mean).toBeCloseTo(9.565833, 6);
    expect(optimalReturn("spiders-and-fly")).toBe(optimum.mean);
    const random = RandomStream.from(2);
    const values = Array.from({ length: 500 }, () => optimum.value(startingCells(random, 4)));
    expect(Math.min(...values)).toBeCloseTo(9.4, 9);
  });

  it("is found by hand in small cases", () => {
    const { value } = solvePursuit(rules("still"));
    expect(value([4, 6, 5])).toBeCloseTo(9.9, 9);
    expect(value([0, 6, 5])).toBeCloseTo(9.8, 9);
    expect(value([4, 6, 5], 0)).toBe(0);
    // Too far away for the time left: the best is to save the penalty.
    expect(value([0, 3, 15], 2)).toBeCloseTo(-0.2, 9);
  });

  it.each(["away", "random"] as const)("is what the best actions bring in play against a fly that moves %s", (fly) => {
    const optimum = solvePursuit(rules(fly, 3));
    const env = completeEnvironment(spidersAndFly("hunt", rules(fly, 3)));
    const out = allocateTimeStep(env.spec);
    const differences: number[] = [];
    for (let seed = 0; seed < 300; seed++) {
      env.reset(seed, out);
      const expected = optimum.value(cellsOf(out.entities, 3));
      let sum = 0;
      for (let left = 20; !out.terminated; left--) {
        env.step(Int32Array.from(optimum.bestActions(cellsOf(out.entities, 3), left)), out);
        sum += out.reward;
      }
      expect(out.info.won).toBe(true);
      differences.push(sum - expected);
    }
    const mean = differences.reduce((a, b) => a + b) / differences.length;
    // Against a deterministic fly every episode brings exactly its value; else their mean does, within the play of chance.
    if (fly === "away") expect(Math.max(...differences.map(Math.abs))).toBeLessThan(1e-9);
    else expect(Math.abs(mean)).toBeLessThan(0.03);
  });
});

/** Reads the cells back out of the entity features. */
function cellsOf(entities: Float32Array, size: number): Pursuit {
  const S = 3 + 2 * size;
  const cell = (i: number) => {
    const row = entities.subarray(i * S + 3, (i + 1) * S);
    return row.subarray(size).indexOf(1) * size + row.subarray(0, size).indexOf(1);
  };
  return [cell(0), cell(1), cell(2)];
}

describe("spiders-and-fly, the environment", () => {
  it("is truncated at its limit and draws itself", () => {
    const env = completeEnvironment(spidersAndFly("hunt", { ...rules("still"), episodeLimit: 2 }));
    const out = allocateTimeStep(env.spec);
    env.reset(3, out);
    env.step(Int32Array.of(0, 0), out);
    expect([out.terminated, out.truncated, out.info.won]).toEqual([false, false, undefined]);
    env.step(Int32Array.of(0, 0), out);
    expect([out.terminated, out.truncated, out.info.won]).toEqual([false, true, false]);
    expect(env.frame?.()).toMatchObject({
      width: 4,
      height: 4,
      units: [{ type: "spider" }, { type: "spider" }, { type: "fly", team: 1 }],
    });
  });

  it("aims pounce at the fly and says who is near whom", () => {
    const env = completeEnvironment(spidersAndFly("hunt", rules("still")));
    const out = allocateTimeStep(env.spec);
    env.reset(0, out);
    expect([...out.actionTargets]).toEqual([2, 2]);
    const [a, , fly] = cellsOf(out.entities, 4);
    const relation = [...out.relations.subarray(2 * 3, 3 * 3)];
    expect(relation[0]).toBeCloseTo(((fly % 4) - (a % 4)) / 3, 6);
    expect(relation[1]).toBeCloseTo((Math.floor(fly / 4) - Math.floor(a / 4)) / 3, 6);
    expect(relation[2]).toBe(cellDistance(a, fly, 4) === 1 ? 1 : 0);
    expect(out.actionMask[pounce]).toBe(relation[2]);
  });
});
