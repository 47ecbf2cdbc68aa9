import { describe, expect, it } from "vitest";
import { matrixEpisode, syntheticEpisode, vividEpisode } from "../../test/synthetic-episode.js";
import type { Frame } from "../environment.js";
import { choicesAt } from "./story.js";
import { renderStrip } from "./strip.js";

const vivid = vividEpisode();
const count = (svg: string, pattern: RegExp) => [...svg.matchAll(pattern)].length;

describe("renderStrip", () => {
  it("draws one panel a step, with every living unit, what happened and what is chosen", () => {
    const svg = renderStrip(vivid, { steps: [3, 4] });
    expect(svg).toMatch(/^<svg xmlns/);
    expect(svg).toMatch(/<title>ace on skirmish\/synthetic, steps 3, 4<\/title>/);
    const units = [3, 4].flatMap((t) => vivid.steps[t]!.frame!.units.filter((unit) => unit.alive));
    expect(count(svg, /<polyline /g)).toBe(units.length);
    expect(count(svg, /stroke-linecap="round"/g)).toBe(4); // a shot and a healing in each
    expect(count(svg, /<circle /g)).toBe(2);
    const verbs = choicesAt(vivid, 3).filter((choice) => choice.alive && choice.name.startsWith("attack")).length;
    if (verbs > 1) expect(svg).toContain(`attack ×${verbs}`);
  });

  it("is well-formed and holds only finite numbers", () => {
    for (const episode of [vivid, syntheticEpisode(3)]) {
      const svg = renderStrip(episode);
      expect(svg).not.toMatch(/NaN|undefined|Infinity/);
      expect(count(svg, /<(svg|g|text|title)[ >]/g)).toBe(count(svg, /<\/(svg|g|text|title)>/g));
    }
  });

  it("breaks what was chosen into lines where panels are narrow", () => {
    const lines = (width: number) =>
      [...renderStrip(vivid, { steps: [3, 4], width }).matchAll(/<tspan[^>]*>([^<]*)</g)].map(([, line]) => line);
    expect(lines(1200)).toHaveLength(2);
    expect(lines(60).length).toBeGreaterThan(2);
    expect(lines(60).every((line) => !line!.includes(","))).toBe(true);
  });

  it("shares six steps out over the fight, to the very end", () => {
    const shown = [...renderStrip(vivid).matchAll(/>step (\d+)</g)].map(([, t]) => Number(t));
    expect(shown).toHaveLength(6);
    expect([shown[0], shown.at(-1)]).toEqual([1, 24]);
  });

  it("shows an end that nobody lived to see", () => {
    const dead = (frame: Frame): Frame => ({ ...frame, units: frame.units.map((unit) => ({ ...unit, alive: false })) });
    const steps = vivid.steps.map((step, t) => (t < 24 ? step : { ...step, frame: dead(step.frame!) }));
    for (const shown of [undefined, [24]]) {
      const svg = renderStrip({ ...vivid, steps }, shown ? { steps: shown } : {});
      expect(svg).toContain(">step 24<");
      expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    }
  });

  it("refuses steps that there are not, and episodes without pictures", () => {
    expect(() => renderStrip(vivid, { steps: [3, 99] })).toThrow("step 99 cannot be shown: the episode has steps 0 to 24");
    expect(() => renderStrip(vivid, { steps: [] })).toThrow("step none cannot be shown");
    expect(() => renderStrip(matrixEpisode(), { steps: [0] })).toThrow("matrix/climbing draws no pictures");
  });
});
