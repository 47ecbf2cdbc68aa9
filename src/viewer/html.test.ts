import { beforeAll, describe, expect, it } from "vitest";
import { matrixEpisode, syntheticEpisode } from "../../test/synthetic-episode.js";
import { renderReplayPage, replayPageMark } from "./html.js";
import { decodePayload, encodePayload } from "./payload.js";

const episode = syntheticEpisode(120);
let page: string;
beforeAll(async () => {
  page = await renderReplayPage(episode);
});

function payloadOf(html: string): string {
  return /<script type="text\/plain" id="episode">([^<]*)<\/script>/.exec(html)![1]!;
}

describe("renderReplayPage", () => {
  it("carries the episode, which decodes to exactly the same", async () => {
    expect(await decodePayload(payloadOf(page))).toEqual(episode);
  });

  it("is self-contained: loads nothing, and its policy forbids that anything is loaded", () => {
    const urls = page.match(/(?:https?:)?\/\/[\w.-]+\.\w+[^"'\s)]*/g) ?? [];
    expect(urls).toEqual(["http://www.w3.org/2000/svg"]); // a name space, not an address
    expect(page).not.toMatch(/<link[^>]+href="(?!data:)|\ssrc=|@import|url\(|\bfetch\(|XMLHttpRequest|import\(/);
    expect(page).toContain("default-src 'none'");
  });

  it("is small", () => {
    expect(page.length).toBeLessThan(300_000);
  });

  it("has its mark in the first kilobyte", () => {
    expect(page.slice(0, 1024)).toContain(replayPageMark);
  });

  it("gives the same bytes for the same episode", async () => {
    expect(await renderReplayPage(syntheticEpisode(120))).toBe(page);
  });

  it("keeps markup in names from becoming markup", async () => {
    const evil = '</script><img src=x onerror="alert(1)">';
    const html = await renderReplayPage({ ...matrixEpisode(), env: evil, agent: evil });
    expect(html).not.toContain("<img");
    expect((await decodePayload(payloadOf(html))).env).toBe(evil);
  });
});

describe("payload", () => {
  it("carries empty arrays, no frames and views into larger buffers", async () => {
    const shared = Float32Array.of(9, 9, 11, -30, 0, 11, 7, 6);
    const game = matrixEpisode();
    const decision = { ...game.steps[0]!.decision!, values: shared.subarray(2) };
    const odd = { ...game, steps: [{ ...game.steps[0]!, decision }, game.steps[1]!] };
    expect(await decodePayload(await encodePayload(odd))).toEqual(game);
  });

  it("refuses what is not a payload", async () => {
    await expect(decodePayload(btoa("not gzip"))).rejects.toThrow();
  });
});
