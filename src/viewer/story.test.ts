import { describe, expect, it } from "vitest";
import { matrixEpisode, syntheticEpisode } from "../../test/synthetic-episode.js";
import type { Frame } from "../environment.js";
import type { RecordedEpisode } from "../runs/episodes.js";
import { actionName, boundsOf, choicesAt, hasPriors, intentsAt, optionsAt, returnsOf, spanOf } from "./story.js";

const episode = syntheticEpisode();
const { agents, actions: A, untargetedActions: U } = episode.spec;

describe("choicesAt", () => {
  it("lists the agents in the order in which they decided", () => {
    for (const [t, step] of episode.steps.entries()) {
      expect(choicesAt(episode, t).map((choice) => choice.agent)).toEqual([...(step.decision?.order ?? [])]);
    }
  });

  it("gives the margin over the best other available action, and none where there is no other", () => {
    const [first, second] = choicesAt(matrixEpisode(), 0);
    expect(first).toMatchObject({ agent: 1, name: "a", value: 11, margin: 4 }); // c would be 6, but is not available
    expect(second).toMatchObject({ agent: 0, name: "a", value: 11, margin: 11 });
    const dead = episode.steps.findIndex((step) => step.decision && step.alive.subarray(0, agents).includes(0));
    expect(dead).toBeGreaterThan(0);
    expect(choicesAt(episode, dead).find((choice) => !choice.alive)).toMatchObject({ name: "no-op", margin: null });
  });

  it("is negative when the agent explored", () => {
    const game = matrixEpisode();
    const decision = { ...game.steps[0]!.decision!, actions: Int32Array.of(1, 0) };
    const explored = { ...game, steps: [{ ...game.steps[0]!, decision }, game.steps[1]!] };
    expect(choicesAt(explored, 0)[1]).toMatchObject({ agent: 0, name: "b", margin: -41 });
  });
});

describe("what agents valued before anybody chose", () => {
  it("is unknown where it was not recorded, and tells whose mind was changed", () => {
    expect(hasPriors(episode)).toBe(false);
    expect(choicesAt(episode, 0)[0]!.prior).toBeNull();
    const game = matrixEpisode();
    const decision = { ...game.steps[0]!.decision!, priorValues: Float32Array.of(-5, 3, 2, 11, 7, 20) };
    const told = { ...game, steps: [{ ...game.steps[0]!, decision }, game.steps[1]!] };
    expect(hasPriors(told)).toBe(true);
    const [first, second] = choicesAt(told, 0);
    expect(first).toMatchObject({ agent: 1, prior: { value: 11, name: "a", changed: false } }); // c is not available
    expect(second).toMatchObject({ agent: 0, prior: { value: -5, name: "b", changed: true } });
    expect(optionsAt(told, 0, 1).map((option) => option.prior)).toEqual([11, 7, null]);
  });
});

describe("actionName", () => {
  const t = episode.steps.findIndex(({ decision }) => decision?.targets.some((target) => target >= 0));
  const step = episode.steps[t]!;
  const slot = step.decision!.targets.findIndex((target) => target >= 0);
  const [agent, k] = [Math.floor(slot / (A - U)), slot % (A - U)];
  const target = step.decision!.targets[slot]!;

  it("resolves the target of an attack", () => {
    expect(actionName(episode, step, agent, U + k)).toBe(`attack ${step.frame!.units[target]!.type} ${target}`);
    expect(actionName(episode, step, agent, 2)).toBe("north");
  });

  it("says heal for a team-mate, and keeps an environment's own verb", () => {
    const units = step.frame!.units.map((unit) => ({ ...unit, team: 0 }));
    expect(actionName(episode, { ...step, frame: { ...step.frame!, units } }, agent, U + k)).toMatch(/^heal /);
    const actionNames = episode.spec.actionNames.map((name) => name.replace("target", "pass to"));
    const football = { ...episode, spec: { ...episode.spec, actionNames } };
    expect(actionName(football, step, agent, U + k)).toMatch(/^pass to \w+ \d+$/);
    expect(actionName(football, { ...step, frame: null }, agent, U + k)).toBe(`pass to entity ${target}`);
  });

  it("keeps the plain name of an action without a target", () => {
    expect(actionName(episode, episode.steps[0]!, 0, U + 1)).toBe("target 1");
  });
});

describe("intentsAt", () => {
  it("shows where living agents walk and whom they act on, nothing for the dead", () => {
    for (const [t, step] of episode.steps.entries()) {
      const intents = intentsAt(episode, t);
      for (const { agent } of intents) expect(step.alive[agent]).toBe(1);
      for (const choice of choicesAt(episode, t).filter((each) => each.alive)) {
        const intent = intents.find(({ agent }) => agent === choice.agent);
        if (choice.action >= U) expect(intent?.kind).toBe("target");
        else if (choice.name === "north") expect(intent).toEqual({ agent: choice.agent, kind: "move", dx: 0, dy: 1 });
        else if (choice.name === "stop") expect(intent).toBeUndefined();
      }
    }
  });
});

it("optionsAt gives all A actions, with what was available and what was chosen", () => {
  const options = optionsAt(matrixEpisode(), 0, 1);
  expect(options.map(({ available }) => available)).toEqual([true, true, false]);
  expect(options.map(({ chosen }) => chosen)).toEqual([true, false, false]);
  expect(optionsAt(matrixEpisode(), 1, 1)).toEqual([]);
});

it("returnsOf ends at the return of the episode", () => {
  expect(returnsOf(episode)).toHaveLength(episode.steps.length);
  expect(returnsOf(episode).at(-1)).toBeCloseTo(episode.episodeReturn, 10);
});

describe("boundsOf", () => {
  const unit = (x: number, y: number, alive: boolean) => ({
    ...{ x, y, alive, radius: 1, team: 0, type: "marine", health: 1, healthMax: 1, shield: 0, shieldMax: 0 },
  });
  const of = (...units: Frame["units"]): RecordedEpisode => {
    const steps = [{ frame: { width: 32, height: 32, units }, alive: Uint8Array.of(1), reward: 0, decision: null }];
    return { ...matrixEpisode(), steps };
  };

  it("holds the living with a margin and passes over the dead", () => {
    const bounds = boundsOf(of(unit(0, 0, true), unit(20, 10, true), unit(-90, 0, false)));
    expect(bounds).toEqual({ left: -2.5, bottom: -2.5, right: 22.5, top: 12.5 });
  });

  it("does not come too near", () => {
    const { left, right, bottom, top } = boundsOf(of(unit(4, 6, true)), 12)!;
    expect([right - left, top - bottom, (left + right) / 2, (top + bottom) / 2]).toEqual([12, 12, 4, 6]);
  });

  it("is null where nothing is drawn", () => {
    expect(boundsOf(matrixEpisode())).toBeNull();
  });
});

describe("spanOf", () => {
  it("holds every value and 0, of however many", () => {
    expect(spanOf([])).toEqual([0, 0]);
    expect(spanOf([3, 5, 4])).toEqual([0, 5]);
    expect(spanOf(Array.from({ length: 200_000 }, (_, k) => k - 150_000))).toEqual([-150_000, 49_999]);
  });
});
