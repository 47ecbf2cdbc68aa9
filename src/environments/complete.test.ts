import { describe, expect, it } from "vitest";
import type { Environment, EnvironmentSpecInput, TimeStep } from "../environment.js";
import { completeEnvironment } from "./complete.js";
import { completeSpec } from "./spec.js";
import { allocateTimeStep } from "./timestep.js";

const minimal: EnvironmentSpecInput = { id: "toy", agents: 2, actions: 3, episodeLimit: 4, observationSize: 2 };

function environment(spec: EnvironmentSpecInput, write: (out: TimeStep) => void): Environment {
  return { spec, reset: (_seed, out) => write(out), step: (_actions, out) => write(out) };
}

describe("completeSpec", () => {
  it("derives entities, state, targets and names from a minimal spec", () => {
    expect(completeSpec(minimal)).toEqual({
      ...minimal,
      entities: 2,
      untargetedActions: 3,
      entityFeatures: 2,
      relationFeatures: 0,
      stateSize: 4,
      actionNames: ["action 0", "action 1", "action 2"],
      predictedFeatures: [],
    });
  });

  it("derives observations from entities", () => {
    const { observationSize, ...rest } = minimal;
    expect(observationSize).toBe(2);
    expect(completeSpec({ ...rest, entities: 3, entityFeatures: 5 })).toMatchObject({ observationSize: 15, stateSize: 15 });
  });

  it.each<[Partial<EnvironmentSpecInput>, string]>([
    [{ agents: 0 }, "toy: spec.agents is 0, but must be a whole number of at least 1"],
    [{ actions: 1.5 }, "toy: spec.actions is 1.5, but must be a whole number of at least 1"],
    [{ episodeLimit: Number.NaN }, "toy: spec.episodeLimit is null, but must be"],
    [{ untargetedActions: 4 }, "toy: spec.untargetedActions is 4, but must be a whole number from 0 to 3"],
    [{ entities: 1, entityFeatures: 2 }, "toy: spec.entities is 1, but must be a whole number of at least 2"],
    [{ entities: 3 }, "toy: its spec gives 3 entities but no entityFeatures"],
    [{ observationSize: 0 }, "toy: its spec gives neither observationSize nor entityFeatures"],
    [{ actionNames: ["stop"] }, 'toy: spec.actionNames is ["stop"], but must be a list of 3 names'],
    [{ predictedFeatures: [2] }, "toy: spec.predictedFeatures is 2, but must be a whole number from 0 to 1"],
    [{ predictedFeatures: 2 as never }, "toy: spec.predictedFeatures is 2, but must be a list"],
    [
      { episodeLimit: (2n ** 62n) as never },
      "spec.episodeLimit is 4611686018427388000, but must be a whole number from 1 to 9007",
    ],
    [{ stateSize: -1 }, "toy: spec.stateSize is -1"],
    [{ id: "" }, 'spec.id is ""'],
  ])("refuses %o", (change, message) => {
    expect(() => completeSpec({ ...minimal, ...change })).toThrow(message);
  });
});

describe("completeEnvironment", () => {
  it("makes entities and state of observations", () => {
    const env = completeEnvironment(environment(minimal, (out) => out.observations.set([1, 2, 3, 4])));
    const out = allocateTimeStep(env.spec);
    env.reset(0, out);
    expect([...out.entities]).toEqual([1, 2, 3, 4]);
    expect([...out.state]).toEqual([1, 2, 3, 4]);
  });

  it("makes observations of entities: the own row first, the others by id, the dead zero", () => {
    const spec = { id: "toy", agents: 2, actions: 1, episodeLimit: 4, entities: 3, entityFeatures: 2 };
    const env = completeEnvironment(
      environment(spec, (out) => {
        out.entities.set([1, 2, 3, 4, 5, 6]);
        out.alive[0] = 0;
      }),
    );
    const out = allocateTimeStep(env.spec);
    env.reset(0, out);
    expect([...out.observations]).toEqual([0, 0, 3, 4, 5, 6, 3, 4, 0, 0, 5, 6]);
    expect([...out.state]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("leaves alone what the author writes", () => {
    const spec = { ...minimal, entities: 3, entityFeatures: 1, stateSize: 1 };
    const env = completeEnvironment(
      environment(spec, (out) => {
        out.observations.fill(1);
        out.entities.fill(2);
        out.state.fill(3);
      }),
    );
    const out = allocateTimeStep(env.spec);
    env.reset(0, out);
    expect([[...out.observations], [...out.entities], [...out.state]]).toEqual([[1, 1, 1, 1], [2, 2, 2], [3]]);
  });

  it("gives reset a blank time step, and step one without reward and end", () => {
    const seen: unknown[] = [];
    const env = completeEnvironment({
      spec: minimal,
      reset: (_seed, out) => {
        seen.push([out.reward, out.terminated, out.truncated, { ...out.info }, [...out.actionMask], [...out.observations]]);
      },
      step: (_actions, out) => {
        seen.push([out.reward, out.terminated, out.truncated]);
        Object.assign(out, { reward: 1, terminated: true, truncated: true });
        out.info.won = true;
        out.actionMask.fill(0);
        out.observations.fill(1);
      },
    });
    const out = allocateTimeStep(env.spec);
    env.reset(0, out);
    env.step(Int32Array.of(0, 0), out);
    env.step(Int32Array.of(0, 0), out);
    env.reset(0, out);
    const blank = [0, false, false, {}, [1, 1, 1, 1, 1, 1], [0, 0, 0, 0]];
    expect(seen).toEqual([blank, [0, false, false], [0, false, false], blank]);
  });

  it("passes on frame and close only where there are any", () => {
    const bare = completeEnvironment(environment(minimal, () => {}));
    expect([bare.frame, bare.close]).toEqual([undefined, undefined]);
    let closed = 0;
    const frame = { width: 1, height: 1, units: [] };
    const full = completeEnvironment({ ...environment(minimal, () => {}), frame: () => frame, close: () => void closed++ });
    full.close?.();
    expect([full.frame?.(), closed]).toEqual([frame, 1]);
  });
});
