import { describe, expect, it } from "vitest";
import { openDevice } from "../../tensor/devices.js";
import { aceAct, aceUpdate } from "./ace.js";
import { explain, profile } from "./explain.js";
import { mlpForward } from "./forward.js";
import { compare } from "./measure.js";
import { memoryOver } from "./memory.js";
import { findPeer } from "./peer.js";

describe("explain", () => {
  it("counts the arithmetic of products", () => {
    expect(explain(mlpForward()).flops).toBe(2 * (42 * 64 + 64 * 64 + 64 * 9));
  });

  it("lists the passes of a training step, which leave fewer operators, and where their time goes", async () => {
    const explained = explain(aceUpdate("3m", 8, 4, { lean: 1 }));
    const { sizes } = explained;
    expect(sizes[0]!.after).toBe("trace");
    expect(sizes.at(-1)!.nodes).toBeLessThan(0.6 * sizes[0]!.nodes);
    const times = await profile(explained, 1, 3);
    expect(times.reduce((sum, { nodes }) => sum + nodes, 0)).toBeLessThan(sizes.at(-1)!.nodes);
    expect(times.map(({ op }) => op)).toContain("FusedGemm");
  });
});

it("updates leave nothing behind", { timeout: 60_000 }, async () => {
  const device = await openDevice("cpu", { threads: 1 });
  const [early, late] = await memoryOver(device, aceUpdate("3m", 8, 4, { lean: 1 }), [100, 800]);
  expect(late!.updates).toBe(800);
  expect(late!.javascript - early!.javascript).toBeLessThan(1e6);
  // A leak of one batch or state per update would be more.
  expect(late!.rss - early!.rss).toBeLessThan(20e6);
});

const { python } = findPeer();

describe("compare", () => {
  it("measures without a peer", async () => {
    const { ours, peers } = await compare(await openDevice("cpu", { threads: 1 }), mlpForward(), {
      threads: 1,
      rounds: 2,
      python: undefined,
    });
    expect(ours.wall).toBeGreaterThan(0);
    expect(peers).toEqual([]);
  });

  // compare() refuses peers that compute something else.
  it.skipIf(python === undefined)("the peers compute the same", { timeout: 240_000 }, async () => {
    const device = await openDevice("cpu", { threads: 1 });
    const works = [
      aceUpdate("3m", 8, 4, { lean: 1 }),
      aceUpdate("5m_vs_6m", 8, 4, { target: "environment", authors: 1 }),
      aceAct("MMM2", 8, 3),
    ];
    for (const work of works) {
      const { peers } = await compare(device, { ...work, runs: 1 }, { threads: 1, rounds: 1, python });
      expect(peers.map(({ peer }) => peer)).toEqual(work.peers);
    }
  });
});
