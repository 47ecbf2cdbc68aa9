import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { activities, sharesOf, TimeBudget } from "./time-budget.js";

it("every second belongs to one activity, and shares add up to 1", async () => {
  const budget = new TimeBudget();
  expect(await budget.spend("learn", () => sleep(30, "done"))).toBe("done");
  await budget.spend("idle", () => sleep(10));
  await expect(budget.spend("act", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  const wait = (ms: number) => {
    const until = performance.now() + ms;
    while (performance.now() < until);
    return ms;
  };
  // within another one: taken off that one
  await budget.spend("evaluate", async () => expect(budget.book("collect", () => wait(20))).toBe(20));
  const seconds = budget.take();
  expect(seconds.collect).toBeGreaterThan(0.019);
  expect(seconds.evaluate).toBeLessThan(seconds.collect);
  expect(seconds.learn).toBeGreaterThan(0.025);
  const shares = sharesOf(seconds);
  expect(Object.keys(shares)).toEqual(["timeAct", "timeCollect", "timeLearn", "timeEvaluate", "timeIdle", "timeOther"]);
  expect(Object.values(shares).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 6);
  // taken once, gone
  expect(activities.reduce((sum, activity) => sum + budget.take()[activity], 0)).toBeLessThan(seconds.learn);
});
