import { describe, expect, it } from "vitest";
import { attentionMasking, randomMasking } from "../masked/index.js";
import { openDevice } from "../tensor/devices.js";
import { compare } from "./bench-engine/measure.js";
import { findPeer } from "./bench-engine/peer.js";
import { maskedStep } from "./bench-masked.js";

const sizes = {
  batch: 3,
  tokens: 16,
  features: 6,
  encoder: { width: 16, depth: 2, heads: 2 },
  decoder: { width: 8, depth: 1, heads: 2 },
};
const { python } = findPeer();

describe("the steps that are measured", () => {
  const random = maskedStep("random", sizes, (rng) => randomMasking(rng, 16, { ratio: 0.75 }), false, true);
  const options = { threads: 1, rounds: 1, python: undefined };

  it("run, with few tokens, with all, and with some thrown away", async () => {
    const device = await openDevice("cpu", { threads: 1 });
    const all = maskedStep("all", sizes, (rng) => randomMasking(rng, 16, { ratio: 0.75 }), true);
    const thrown = maskedStep("thrown", sizes, (rng) => attentionMasking(rng, 16, { mask: 0.45, throw: 0.3 }));
    for (const work of [random, all, thrown]) expect((await compare(device, work, options)).ours.wall).toBeGreaterThan(0);
  });

  it("are not measured beside a Python that was asked for and has no PyTorch", () => {
    expect(() => findPeer("no-such-python")).toThrow("--python no-such-python has no PyTorch");
  });

  // compare() refuses a peer whose loss is another.
  it.skipIf(python === undefined)("compute what PyTorch computes", { timeout: 60_000 }, async () => {
    const { peers } = await compare(await openDevice("cpu", { threads: 1 }), random, { ...options, python });
    expect(peers).toHaveLength(1);
  });
});
