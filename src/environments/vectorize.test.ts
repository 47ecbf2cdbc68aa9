import { describe, expect, it } from "vitest";
import type { Environment } from "../environment.js";
import { BatonError } from "../errors.js";
import { allocateVectorTimeStep, viewOf } from "./timestep.js";
import { vectorize } from "./vectorize.js";

/** Counts up from its seed; agent 1 may never take action 2. The observation of each agent is [count, sum of its actions]. */
function counter({ limit = 3, truncates = true } = {}): Environment {
  let count = 0;
  let t = 0;
  return {
    spec: {
      id: "counter",
      agents: 2,
      actions: 3,
      episodeLimit: limit,
      observationSize: 2,
      actionNames: ["stay", "left", "right"],
    },
    reset(seed, out) {
      count = seed;
      t = 0;
      out.observations.set([count, 0, count, 0]);
      out.actionMask[5] = 0;
    },
    step(actions, out) {
      t += 1;
      count += 1;
      for (const agent of [0, 1]) {
        out.observations[agent * 2] = count;
        out.observations[agent * 2 + 1]! += actions[agent]!;
      }
      out.reward = count;
      out.truncated = truncates && t === limit;
      out.info.t = t;
    },
    frame: () => ({ width: count, height: 1, units: [] }),
  };
}

function mistake(run: () => void): BatonError {
  try {
    run();
  } catch (error) {
    if (error instanceof BatonError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("vectorize", () => {
  it("plays each copy in its own rows", () => {
    const env = vectorize(() => counter(), 3);
    const out = allocateVectorTimeStep(env.spec, 3);
    env.reset([2, 0, 1], [30, 10, 20], out);
    expect([...out.observations]).toEqual([10, 0, 10, 0, 20, 0, 20, 0, 30, 0, 30, 0]);
    env.step(Int32Array.of(0, 1, 1, 0, 2, 1), out);
    expect([...out.observations]).toEqual([11, 0, 11, 1, 21, 1, 21, 0, 31, 2, 31, 1]);
    expect([...out.state]).toEqual([...out.observations]);
    expect([...out.reward]).toEqual([11, 21, 31]);
    expect(out.infos.map((info) => info.t)).toEqual([1, 1, 1]);
    expect(env.frame?.(2)?.width).toBe(31);
  });

  it("resets only the copies named and marks the ended", () => {
    const env = vectorize(() => counter(), 2);
    const out = allocateVectorTimeStep(env.spec, 2);
    const actions = new Int32Array(4);
    env.reset([0, 1], [0, 100], out);
    env.step(actions, out);
    env.reset([0], [50], out);
    env.step(actions, out);
    env.step(actions, out);
    expect([...out.truncated]).toEqual([0, 1]);
    env.reset([1], [7], out);
    expect([...out.truncated]).toEqual([0, 0]);
    expect([...out.reward]).toEqual([52, 0]);
    expect(out.observations[0]).toBe(52);
  });

  it("writes into the same memory at every step", () => {
    const env = vectorize(() => counter(), 2);
    const out = allocateVectorTimeStep(env.spec, 2);
    const arrays = Object.values(out);
    env.reset([0, 1], [0, 0], out);
    env.step(new Int32Array(4), out);
    expect(Object.values(out).every((array, k) => array === arrays[k])).toBe(true);
  });

  it("goes on from one time step to another", () => {
    const [a, b] = [vectorize(() => counter(), 1), vectorize(() => counter(), 1)];
    const one = allocateVectorTimeStep(a.spec, 1);
    const [even, odd] = [allocateVectorTimeStep(a.spec, 1), allocateVectorTimeStep(a.spec, 1)];
    a.reset([0], [5], one);
    b.reset([0], [5], even);
    for (const [t, actions] of [Int32Array.of(2, 1), Int32Array.of(1, 1), Int32Array.of(1, 0)].entries()) {
      a.step(actions, one);
      b.step(actions, t % 2 === 0 ? odd : even);
      expect(t % 2 === 0 ? odd : even).toEqual(one);
    }
  });

  it("names copy, agent and action of an illegal choice", () => {
    const env = vectorize(() => counter(), 2);
    const out = allocateVectorTimeStep(env.spec, 2);
    env.reset([0, 1], [0, 0], out);
    const error = mistake(() => env.step(Int32Array.of(0, 0, 0, 2), out));
    expect(error.message).toBe("copy 1 of counter: agent 1 may not choose action 2 (right)");
    expect(error.hint).toBe("allowed now: 0 stay, 1 left");
    expect(mistake(() => env.step(Int32Array.of(0, 0, 3, 0), out)).message).toContain("agent 0 may not choose action 3");
    expect(mistake(() => env.step(Int32Array.of(-1, 0, 0, 0), out)).message).toContain("agent 0 may not choose action -1");
    expect([...out.reward]).toEqual([0, 0]);
  });

  it("refuses to step copies that are not being played, and an endless episode", () => {
    const env = vectorize(() => counter({ limit: 1 }), 2);
    const out = allocateVectorTimeStep(env.spec, 2);
    env.reset([0], [0], out);
    expect(mistake(() => env.step(new Int32Array(4), out)).message).toContain(
      "copy 1 of counter cannot be stepped: it has not been",
    );
    env.reset([1], [0], out);
    env.step(new Int32Array(4), out);
    expect(mistake(() => env.step(new Int32Array(4), out)).message).toContain(
      "copy 0 of counter cannot be stepped: its episode has",
    );
    const endless = vectorize(() => counter({ truncates: false }), 1);
    const step = allocateVectorTimeStep(endless.spec, 1);
    endless.reset([0], [0], step);
    endless.step(new Int32Array(2), step);
    endless.step(new Int32Array(2), step);
    expect(mistake(() => endless.step(new Int32Array(2), step)).message).toContain("goes on after its limit of 3 steps");
  });

  it("refuses sizes that do not match", () => {
    expect(mistake(() => vectorize(() => counter(), 0)).message).toContain("copies is 0");
    const env = vectorize(() => counter(), 2);
    const out = allocateVectorTimeStep(env.spec, 2);
    expect(mistake(() => env.reset([2], [0], out)).message).toContain("no copy 2 of counter");
    expect(mistake(() => env.reset([0, 1], [0], out)).message).toContain("copy 1 is reset without a seed");
    expect(mistake(() => env.reset([0], [0], allocateVectorTimeStep(env.spec, 3))).message).toContain("time step of 3 copies");
    expect(mistake(() => env.step(new Int32Array(2), out)).message).toContain("2 actions are given to 2 copies of 2 agents");
    let made = 0;
    expect(mistake(() => vectorize(() => counter({ limit: ++made }), 2)).message).toContain("copy 1 has another spec");
  });
});

describe("viewOf", () => {
  it("shares the memory of one copy's rows", () => {
    const { spec } = vectorize(() => counter(), 1);
    const out = allocateVectorTimeStep(spec, 2);
    const view = viewOf(out, 1);
    view.observations.fill(9);
    expect([...out.observations]).toEqual([0, 0, 0, 0, 9, 9, 9, 9]);
    expect([...view.actionMask]).toEqual([1, 1, 1, 1, 1, 1]);
    expect(mistake(() => viewOf(out, 2)).message).toContain("copy 2 of a time step of 2 copies");
  });
});
