import { describe, expect, it } from "vitest";
import { benchRow, median } from "./bench-report.js";

describe("benchRow", () => {
  it("leaves the peer's fields out when there is none", () => {
    expect(benchRow({ name: "a", unit: "ms", value: 3 })).toEqual({ name: "a", unit: "ms", value: 3 });
  });

  it("compares with the peer on the side that is better", () => {
    const peer = { name: "PyTorch", value: 4, target: 1 } as const;
    expect(benchRow({ name: "a", unit: "ms", value: 3, peer: { ...peer, better: "lower" } })).toEqual({
      name: "a",
      unit: "ms",
      value: 3,
      peer: "PyTorch",
      peerValue: 4,
      ratio: 0.75,
      target: 1,
      pass: true,
    });
    expect(benchRow({ name: "a", unit: "steps/s", value: 3, peer: { ...peer, better: "higher" } }).pass).toBe(false);
  });
});

describe("median", () => {
  it("takes the middle, or the mean of both middles", () => {
    expect([median([3, 1, 2]), median([4, 1, 3, 2]), median([7])]).toEqual([2, 2.5, 7]);
  });
});
