import { describe, expect, it, vi } from "vitest";
import type { EnvironmentSpecInput } from "../environment.js";
import { LostEpisodes } from "../environments/lost.js";
import { allocateVectorTimeStep } from "../environments/timestep.js";
import { vectorize } from "../environments/vectorize.js";
import { BatonError } from "../errors.js";
import { openSession, type Session } from "./session.js";
import { defaultSimulators } from "./settings.js";
import { SupervisedHost } from "./supervisor.js";

vi.mock("./session.js", () => ({ openSession: vi.fn() }));

const spec: EnvironmentSpecInput = { id: "none", agents: 1, actions: 2, observationSize: 1, episodeLimit: 5 };

/** A session of one copy, whose steps fail with `error`. */
function sessionOf(error: BatonError) {
  const group = vectorize(() => ({ spec, reset() {}, step() {} }), 1);
  const step = () => Promise.reject(error);
  return { groups: [{ spec: group.spec, copies: 1, reset: group.reset.bind(group), step }], close: vi.fn(async () => {}) };
}

/** A host whose first session breaks in its first step. `next` opens its replacement. */
async function broken(next: () => Promise<Session>) {
  const first = sessionOf(new BatonError("io", "it broke"));
  vi.mocked(openSession).mockReset().mockResolvedValueOnce(first).mockImplementation(next);
  const warnings: string[] = [];
  const launch = () => {
    throw new Error("nothing is launched here");
  };
  const settings = { ...defaultSimulators, backoffSeconds: 0 };
  const host = await SupervisedHost.start({ id: "none", launch, copies: 1 }, settings, (sentence) => warnings.push(sentence));
  const env = host.groups[0]!;
  const out = allocateVectorTimeStep(env.spec, 1);
  await env.reset([0], [1], out);
  return { host, first, warnings, strike: async () => env.step(new Int32Array(1), out) };
}

describe("a host that is closed while it is being replaced", () => {
  it("ends the replacement that was ready before it heard of it", async () => {
    const replacement = sessionOf(new BatonError("io", "unused"));
    let ready: (session: Session) => void = () => {};
    const { host, first, strike } = await broken(
      () =>
        new Promise((resolve) => {
          ready = resolve;
        }),
    );
    await expect(strike()).rejects.toThrow(LostEpisodes);
    await vi.waitFor(() => expect(openSession).toHaveBeenCalledTimes(2));
    ready(replacement);
    await host.close();
    expect(first.close).toHaveBeenCalled();
    expect(replacement.close).toHaveBeenCalledTimes(1);
    await expect(host.session()).rejects.toThrow("aborted");
  });

  it("starts none for what breaks because of its end", async () => {
    const { host, warnings, strike } = await broken(() => Promise.reject(new Error("started anew")));
    await host.close();
    await expect(strike()).rejects.toThrow(LostEpisodes);
    expect(warnings).toEqual([]);
    expect(openSession).toHaveBeenCalledTimes(1);
  });
});
