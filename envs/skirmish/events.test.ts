import { describe, expect, it } from "vitest";
import type { Frame } from "../../src/environment.js";
import { vectorize } from "../../src/environments/vectorize.js";
import { playScripted } from "../../src/training/scripted.js";
import { openEmbedded } from "../index.js";
import { EventLog } from "./events.js";
import { scriptedPolicies } from "./scripted.js";

/** The frames of one scripted episode. */
async function framesOf(map: string, policy: keyof typeof scriptedPolicies): Promise<Frame[]> {
  const { make } = await openEmbedded(`skirmish/${map}`);
  const { recorded } = await playScripted(vectorize(make, 1), scriptedPolicies[policy], {
    episodes: 1,
    seed: 5,
    record: () => true,
  });
  return recorded.get(0)!.map((step) => step.frame!);
}

const points = (frame: Frame, u: number) => frame.units[u]!.health + frame.units[u]!.shield;

describe("events of a frame", () => {
  it("account for every hit point of marines, who regain none", async () => {
    const frames = await framesOf("3m", "focus-fire");
    for (const [t, frame] of frames.entries()) {
      if (t === 0) expect(frame.events).toEqual([]);
      const before = frames[t - 1];
      if (!before) continue;
      for (const u of frame.units.keys()) {
        const shot = frame.events!.reduce((sum, e) => (e.kind === "shot" && e.to === u ? sum + e.amount : sum), 0);
        expect(points(before, u) - points(frame, u)).toBeCloseTo(shot, 4);
        const died = frame.events!.some((e) => e.kind === "death" && e.unit === u);
        expect(died).toBe(before.units[u]!.alive && !frame.units[u]!.alive);
      }
      for (const event of frame.events!) expect(event.at).toBeGreaterThan(0);
      expect(frame.events!.map((e) => e.at)).toEqual(frame.events!.map((e) => e.at).sort((a, b) => a - b));
    }
    expect(frames.flatMap((frame) => frame.events!).some((e) => e.kind === "death")).toBe(true);
  });

  it("tell of healing, with what it cost, and of splash", async () => {
    const frames = await framesOf("MMM", "closest");
    const heals = frames.flatMap((frame) => frame.events!.flatMap((e) => (e.kind === "heal" ? [e] : [])));
    expect(heals.length).toBeGreaterThan(0);
    for (const heal of heals) expect(heal.amount).toBeGreaterThan(0);
    const energies = frames.flatMap((frame) => frame.units.flatMap((unit) => (unit.energyMax ? [unit.energy!] : [])));
    expect(Math.min(...energies)).toBeLessThan(50);

    const bursts = (await framesOf("bane_vs_bane", "closest")).flatMap((f) =>
      f.events!.flatMap((e) => (e.kind === "splash" ? [e] : [])),
    );
    expect(bursts.length).toBeGreaterThan(0);
    for (const burst of bursts) expect(burst.radius).toBeCloseTo(2.2, 5);
  });

  it("a healer's ticks on one patient are one event; a log that is full stays as it is", () => {
    const log = new EventLog();
    for (let k = 0; k < 8; k++) {
      log.tick();
      log.heal(0, 1, 0.5);
      log.heal(2, 3, 1);
    }
    log.heal(0, 2, 1);
    expect(log.list(8)).toEqual([
      { kind: "heal", at: 1 / 8, from: 0, to: 1, amount: 4 },
      { kind: "heal", at: 1 / 8, from: 2, to: 3, amount: 8 },
      { kind: "heal", at: 1, from: 0, to: 2, amount: 1 },
    ]);
    log.clear();
    expect(log.list(8)).toEqual([]);
    for (let k = 0; k < 5000; k++) log.shot(0, 1, 1);
    log.splash(0, 1, 2, 3);
    expect(log.list(8)).toHaveLength(4096);
  });
});
