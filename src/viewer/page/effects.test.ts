import { expect, it } from "vitest";
import type { FrameEvent } from "../../environment.js";
import { effectsAt } from "./effects.js";

const shot = (at: number): FrameEvent => ({ kind: "shot", at, from: 0, to: 1, amount: 6 });
const [before, now] = [[shot(0.9)], [shot(0.25), { kind: "death", at: 1, unit: 1 } as const]];

it("shows what has just happened, and fades it over the next step", () => {
  expect(effectsAt(before, now, 0.2).map(({ event }) => event)).toEqual([before[0]]);
  expect(effectsAt(before, now, 0.24)).toEqual([]);
  const [first] = effectsAt(before, now, 0.25);
  expect(first).toEqual({ event: now[0], strength: 1 });
  expect(effectsAt(before, now, 0.4)[0]!.strength).toBeCloseTo(0.5);
  expect(effectsAt(now, [], 0.5).map(({ event }) => event.kind)).toEqual(["death"]);
});

it("shows all that led to a step when the picture stands still", () => {
  expect(effectsAt(now, before, 0).map(({ event }) => event)).toEqual(now);
});
