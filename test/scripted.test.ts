/** What must hold of any believable simulator of these battles, seen by scripted policies. Few episodes: wide margins. */
import { describe, expect, it } from "vitest";
import { listEnvironments, openEmbedded } from "../envs/index.js";
import { scriptedPolicies } from "../envs/skirmish/scripted.js";
import { vectorize } from "../src/environments/vectorize.js";
import { playScripted } from "../src/training/scripted.js";

async function play(map: string, policy: keyof typeof scriptedPolicies, episodes = 32, options = {}) {
  const { make } = await openEmbedded(`skirmish/${map}`, options);
  return playScripted(vectorize(make, 16), scriptedPolicies[policy], { episodes, seed: 11 });
}

const has = (map: string) => listEnvironments().some(({ id }) => id === `skirmish/${map}`);

describe("scripted policies on skirmish", () => {
  it.each(["3m", "8m", "2s3z", "5m_vs_6m"])("random play wins nearly nothing on %s", async (map) => {
    expect((await play(map, "random")).winRate).toBeLessThan(0.1);
  });

  it("focus fire wins 3m nearly always", async () => {
    expect((await play("3m", "focus-fire", 64)).winRate).toBeGreaterThan(0.85);
  });

  it.each(["5m_vs_6m", "27m_vs_30m", "MMM2"].filter(has))("attacking the closest loses %s nearly always", async (map) => {
    expect((await play(map, "closest", 16)).winRate).toBeLessThan(0.15);
  });

  it.each(["3s_vs_3z", "3s_vs_5z"].filter(has))("kiting wins %s far more often than standing", async (map) => {
    const [kiting, standing] = [await play(map, "kite"), await play(map, "focus-fire")];
    expect(kiting.winRate).toBeGreaterThan(standing.winRate + 0.4);
  });

  // As in the game: SMAC calls the map's trick alternating fire.
  it("two marines that fire in turns beat a zealot, which comes for whoever fires", async () => {
    expect((await play("2m_vs_1z", "alternate")).winRate).toBeGreaterThan(0.9);
    expect((await play("2m_vs_1z", "focus-fire")).winRate).toBe(0);
    expect((await play("2m_vs_1z", "alternate", 32, { targeting: "nearest" })).winRate).toBe(0);
  });

  it.each(["3m", "2s3z", "3s_vs_5z"])("who only flees on %s gets no win and no reward", async (map) => {
    const { winRate, meanReturn } = await play(map, "flee");
    expect(winRate).toBe(0);
    expect(meanReturn).toBe(0);
  });

  it("episodes differ by chance, and a seed repeats them", async () => {
    const [one, same] = [await play("3m", "closest"), await play("3m", "closest")];
    expect(same).toEqual(one);
    expect(new Set(one.episodes.map((episode) => episode.return)).size).toBeGreaterThan(4);
  });
});
