import { expect, it } from "vitest";
import { scoreOf } from "./evaluator.js";

it("more wins are better, whatever the return; where nobody wins, more return is", () => {
  const order = [
    { winRate: 0, meanReturn: -3 },
    { winRate: 0, meanReturn: 19 },
    { winRate: 1 / 32, meanReturn: 5 },
    { winRate: 1, meanReturn: 20 },
  ].map(scoreOf);
  expect(order).toEqual([...order].sort((a, b) => a - b));
  expect(new Set(order).size).toBe(4);
  // as good: the trainer keeps the later
  expect(scoreOf({ winRate: 0.5, meanReturn: 14 })).toBe(scoreOf({ winRate: 0.5, meanReturn: 15 }));
});
