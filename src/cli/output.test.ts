import { describe, expect, it } from "vitest";
import { formatNumber, formatTable } from "./output.js";

describe("formatTable", () => {
  it("lines columns up, numbers flush right, with one rule", () => {
    const table = formatTable(
      ["id", "n", "note"],
      [
        ["skirmish/3m", 3, "small"],
        ["x", 120, undefined],
      ],
    );
    expect(table.split("\n")).toEqual(["id             n  note", "─".repeat(23), "skirmish/3m    3  small", "x            120"]);
  });
});

describe("formatNumber", () => {
  it("shows the digits that people read", () => {
    expect([1234567.8, 999.6, 12.345, 1.2345, 0.012345, -45000, Number.NaN].map(formatNumber)).toEqual([
      "1 234 568",
      "1 000",
      "12.3",
      "1.23",
      "0.0123",
      "-45 000",
      "NaN",
    ]);
  });
});
