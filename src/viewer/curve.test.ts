import { describe, expect, it } from "vitest";
import { BatonError } from "../errors.js";
import { type Curve, renderCurveSvg } from "./curve.js";

const curve = (name: string, shift: number): Curve => ({
  name,
  points: Array.from({ length: 12 }, (_, k) => ({ environmentSteps: 1000 * (k + 1), winRate: Math.min(1, (k + shift) / 12) })),
});

/** How many dots the picture has: unit circles, moved and scaled. */
const dots = (svg: string) => svg.match(/<path d="M1 0A1 1 0 1 1 [^"]*"/g)?.length ?? 0;

describe("renderCurveSvg", () => {
  it("draws every point of every run against environment steps", () => {
    const svg = renderCurveSvg([curve("seed 0", 0), curve("seed 1", 3)], { title: "ACE on skirmish/3m" });
    for (const text of ["ACE on skirmish/3m", "environment steps", "win rate (%)", "seed 0", "seed 1", "12k", "100"]) {
      expect(svg).toContain(`>${text}</text>`);
    }
    expect(dots(svg)).toBe(24);
  });

  it("needs no legend for one run", () => {
    expect(renderCurveSvg([curve("seed 0", 0)], { title: "one" })).not.toContain("seed 0");
  });

  it("shows the mean return where nothing is won, and skips records without it", () => {
    const points = [
      { environmentSteps: 0, meanReturn: -30, winRate: 0 },
      { environmentSteps: 500 },
      { environmentSteps: 1000, meanReturn: 11 },
    ];
    const svg = renderCurveSvg([{ name: "climbing", points }], { title: "Climbing game" });
    expect(svg).toContain(">mean return</text>");
    expect(dots(svg)).toBe(2);
  });

  it("shows the loss against updates where nothing was evaluated", () => {
    const points = [50, 100, 150].map((updates) => ({ environmentSteps: 64 * updates, updates, loss: 10 / updates }));
    const svg = renderCurveSvg([{ name: "seed 0", points }], { title: "pre-training" });
    for (const text of ["updates", "loss", "150"]) expect(svg).toContain(`>${text}</text>`);
    expect(svg).not.toContain("environment steps");
    expect(dots(svg)).toBe(3);
    const played = points.map((point) => ({ ...point, meanReturn: 1 }));
    expect(renderCurveSvg([{ name: "seed 0", points: played }], { title: "played" })).not.toContain(">loss</text>");
  });

  it("gives the same text every time", () => {
    const draw = () => renderCurveSvg([curve("a", 0), curve("b", 2)], { title: "twice" });
    expect(draw()).toBe(draw());
  });

  it("is a whole SVG of the size asked for that loads nothing", () => {
    const svg = renderCurveSvg([curve("a", 0)], { title: "a < b & c", width: 300, height: 200 });
    expect(svg).toMatch(/^<svg width="300" height="200" .*<\/svg>$/s);
    expect(svg).toContain("a &lt; b &amp; c");
    expect(svg.replaceAll(/xmlns(:\w+)?="[^"]*"/g, "")).not.toMatch(/https?:/);
  });

  it("says when there is nothing to draw yet", () => {
    const draw = () => renderCurveSvg([{ name: "a", points: [{ environmentSteps: 5 }] }], { title: "empty" });
    expect(draw).toThrow(BatonError);
    expect(draw).toThrow(/no evaluation to draw in "empty"/);
  });
});
