import { describe, expect, it } from "vitest";
import { z } from "zod";
import { BatonError } from "./errors.js";
import { checkSettings, formatPath, parseSettings } from "./validation.js";

const schema = z.object({
  limit: z.number().int().min(1).max(100).default(10).describe("steps after which an episode is cut off"),
  gamma: z.number().gt(0).lte(1).default(0.99),
  rule: z.enum(["both", "any"]).default("both"),
  optimiser: z.object({ rate: z.number().positive().default(1e-3) }).prefault({}),
  sizes: z.array(z.int().positive()).min(1).default([64]),
  penalty: z.union([z.number(), z.literal("none")]).default("none"),
});

function errorOf(value: unknown, using: z.ZodType = schema): BatonError {
  try {
    parseSettings(using, value, "env");
  } catch (error) {
    if (error instanceof BatonError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("parseSettings", () => {
  it("fills in defaults", () => {
    expect(parseSettings(schema, { rule: "any" }, "env")).toEqual({
      limit: 10,
      gamma: 0.99,
      rule: "any",
      optimiser: { rate: 1e-3 },
      sizes: [64],
      penalty: "none",
    });
  });

  it("names path, value, range and meaning", () => {
    const error = errorOf({ limit: 0 });
    expect(error.code).toBe("invalid-value");
    expect(error.message).toBe(
      "env.limit is 0, but must be a whole number, at least 1 and at most 100 (steps after which an episode is cut off)",
    );
    expect(errorOf({ limit: "many" }).message).toContain('env.limit is "many", but must be a whole number');
    expect(errorOf({ gamma: 2 }).message).toBe("env.gamma is 2, but must be a number, greater than 0 and at most 1");
    expect(errorOf({ gamma: Number.NaN }).message).toContain("env.gamma is NaN, but must be a number");
  });

  it("lists choices and the nearest one", () => {
    const error = errorOf({ rule: "bth" });
    expect(error.message).toBe('env.rule is "bth", but must be one of "both", "any"');
    expect(error.hint).toBe('did you mean "both"?');
  });

  it("refuses unknown keys, also nested ones, with the nearest key", () => {
    const error = errorOf({ limmit: 3 });
    expect(error.code).toBe("unknown-name");
    expect(error.message).toBe('unknown key "env.limmit" (value 3)');
    expect(error.hint).toContain('did you mean "limit"?');
    expect(errorOf({ optimiser: { raet: 1 } }).message).toContain('"env.optimiser.raet"');
    expect(errorOf({ "": 1, toString: 2 }).message).toContain('"env.toString"');
    expect(errorOf({ anything: 1 }, z.object({})).hint).toBe("there are no keys here");
    expect(errorOf({ limmit: 3 }, schema.strict()).message).toBe('unknown key "env.limmit" (value 3)');
  });

  it("lets open objects and records have further keys", () => {
    expect(parseSettings(z.looseObject({ a: z.number() }), { a: 1, b: 2 })).toEqual({ a: 1, b: 2 });
    expect(parseSettings(z.record(z.string(), z.number()), { b: 2 })).toEqual({ b: 2 });
    expect(errorOf({ b: "x" }, z.record(z.string(), z.number())).message).toBe('env.b is "x", but must be a number');
  });

  it("speaks of lists, unions, missing values and own words", () => {
    expect(errorOf({ sizes: [64, -1] }).message).toBe("env.sizes[1] is -1, but must be a whole number, greater than 0");
    expect(errorOf({ sizes: [] }).message).toContain("must be a list of at least 1 elements");
    expect(errorOf({ penalty: "lots" }).message).toBe('env.penalty is "lots", but must be a number, or "none"');
    expect(errorOf({}, z.object({ width: z.number() })).message).toBe("env.width is missing, but must be a number");
    const even = z.object({ n: z.number().refine((n) => n % 2 === 0, "must be even") });
    expect(errorOf({ n: 3 }, even).message).toBe("env.n is 3: must be even");
    expect(errorOf(7).message).toBe("env is 7, but must be a set of keys with values");
  });

  it("reports every mistake at once, with paths that callers can locate", () => {
    const { issues } = checkSettings(schema, { limit: 0, rle: 1 }, "env");
    expect(issues?.map((issue) => issue.path)).toEqual([["rle"], ["limit"]]);
    expect(errorOf({ limit: 0, gamma: 2 }).message.split("\n")).toHaveLength(2);
  });

  it("writes paths as people do", () => {
    expect(formatPath("env", ["units", 2, "x"])).toBe("env.units[2].x");
    expect(formatPath("", ["units"])).toBe("units");
  });
});
