import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { brokenDisk } from "../../test/broken-disk.js";
import { spec } from "../../test/random-play.js";
import { temporaryFolder } from "../../test/temporary-folder.js";
import { BatonError } from "../errors.js";
import { type RecordedEpisode, readEpisode, writeEpisode } from "./episodes.js";

const unit = {
  ...{ x: 1.5, y: -2, radius: 0.375, team: 0, type: "marine", alive: true },
  ...{ health: 45, healthMax: 45, shield: 0, shieldMax: 0 },
};

const episode: RecordedEpisode = {
  env: "test/small",
  agent: "ace",
  seed: 2 ** 40,
  checkpoint: 12_000,
  spec: { ...spec, entityTypes: { first: 0, names: ["marine"] }, heldEntity: { entity: 2, holderFeature: 0 } },
  won: true,
  episodeReturn: 19.25,
  steps: [
    {
      frame: { width: 32, height: 32, units: [unit, { ...unit, team: 1, alive: false }] },
      alive: Uint8Array.of(1, 0, 1),
      reward: 0,
      decision: {
        actions: Int32Array.of(3, 0),
        order: Int32Array.of(1, 0),
        values: Float32Array.of(0.1, -1e9, 2, 3, 4, 5, 6, Number.NaN),
        mask: Uint8Array.of(1, 0, 1, 1, 1, 1, 1, 1),
        targets: Int32Array.of(2, -1, 1, 0),
      },
    },
    { frame: null, alive: Uint8Array.of(0, 0, 1), reward: 0.1, decision: null },
  ],
};

function written(): { path: string; bytes: Buffer } {
  const path = join(temporaryFolder(), "a.episode");
  writeEpisode(path, episode);
  return { path, bytes: readFileSync(path) };
}

test("comes back as it was, typed arrays included", () => {
  const { path } = written();
  expect(readEpisode(path)).toStrictEqual(episode);
});

test("ground, events, energy and sight come back, and decisions of those who value nothing", () => {
  const path = join(temporaryFolder(), "a.episode");
  const rich: RecordedEpisode = {
    ...episode,
    steps: [
      {
        ...episode.steps[0]!,
        frame: {
          ...{ width: 2, height: 2, ground: ["#.", "^/"] },
          units: [{ ...unit, energy: 50, energyMax: 200, sight: 9, flying: true }, unit],
          events: [
            { kind: "shot", at: 0.25, from: 0, to: 1, amount: 6 },
            { kind: "splash", at: 0.5, x: 1, y: 1, radius: 2.2 },
            { kind: "death", at: 1, unit: 1 },
          ],
        },
        decision: { ...episode.steps[0]!.decision!, values: null, priorValues: new Float32Array(8).fill(0.5) },
      },
    ],
  };
  writeEpisode(path, rich);
  expect(readEpisode(path)).toStrictEqual(rich);
});

test("recordings of version 1, which had none of that, are read", () => {
  const { path, bytes } = written();
  bytes.writeUInt32LE(1, 8);
  writeFileSync(path, bytes);
  expect(readEpisode(path)).toStrictEqual(episode);
});

test("arrays that are views of larger ones are written as they look", () => {
  const path = join(temporaryFolder(), "a.episode");
  const actions = Int32Array.of(9, 3, 0, 9).subarray(1, 3);
  const [first, last] = episode.steps;
  writeEpisode(path, { ...episode, steps: [{ ...first!, decision: { ...first!.decision!, actions } }, last!] });
  expect(readEpisode(path)).toStrictEqual(episode);
});

test("a file that is missing, something else, torn or of another version is refused in a sentence", () => {
  const { path, bytes } = written();
  const becomes = (contents: Buffer) => {
    writeFileSync(path, contents);
    return () => readEpisode(path);
  };
  expect(() => readEpisode(`${path}.no`)).toThrow(
    expect.objectContaining({ code: "io", message: expect.stringContaining("a.episode.no") }),
  );
  expect(becomes(Buffer.from("hello"))).toThrow(`${path} is not a recorded episode`);
  expect(becomes(Buffer.alloc(0))).toThrow("is not a recorded episode");
  const newer = Buffer.from(bytes);
  newer.writeUInt32LE(7, 8);
  expect(becomes(newer)).toThrow(
    expect.objectContaining({ code: "incompatible", message: expect.stringContaining("version 7, this Baton reads 1 to 2") }),
  );
  for (let size = 8; size < bytes.length; size += 7)
    expect(becomes(bytes.subarray(0, size)), `${size}`).toThrow("is torn or damaged");
});

test("a flipped byte is noticed", () => {
  const { path, bytes } = written();
  // Bytes 12 … 21 are gzip's own header, in which time and operating system do not matter.
  for (let i = 22; i < bytes.length; i++) {
    const flipped = Buffer.from(bytes);
    flipped[i]! ^= 1 << (i % 8);
    writeFileSync(path, flipped);
    expect(() => readEpisode(path), `byte ${i}`).toThrow(BatonError);
  }
});

test("what an environment's pictures hold besides does not make the file unreadable", () => {
  const path = join(temporaryFolder(), "a.episode");
  const more = {
    width: 2,
    height: 2,
    score: 3,
    units: [{ ...unit, mood: "good" }],
    events: [{ kind: "death" as const, at: 0, unit: 0, by: 1 }],
  };
  writeEpisode(path, { ...episode, steps: [{ ...episode.steps[0]!, frame: more }] });
  expect(readEpisode(path).steps[0]!.frame).toEqual({
    width: 2,
    height: 2,
    units: [unit],
    events: [{ kind: "death", at: 0, unit: 0 }],
  });
});

test("arrays of a wrong size are refused", () => {
  const path = join(temporaryFolder(), "a.episode");
  writeEpisode(path, { ...episode, steps: [{ ...episode.steps[1]!, alive: Uint8Array.of(1) }] });
  expect(() => readEpisode(path)).toThrow('"alive" has 1 elements instead of 3');
});

test("numbers that are none are refused before anything is written, with their step", () => {
  const path = join(temporaryFolder(), "a.episode");
  const [first, last] = episode.steps;
  const refused = (changed: Partial<RecordedEpisode>, where: string) => {
    expect(() => writeEpisode(path, { ...episode, ...changed })).toThrow(
      expect.objectContaining({
        code: "environment",
        message: `an episode of test/small (seed ${2 ** 40}) cannot be recorded: ${where}, but must be a finite number`,
        hint: "check the environment: baton envs check test/small",
      }),
    );
    expect(existsSync(path)).toBe(false);
  };
  const steps = [first!, { ...last!, reward: Number.NaN }];
  refused({ steps, episodeReturn: Number.NaN }, "at step 1, reward is NaN");
  refused({ episodeReturn: Number.POSITIVE_INFINITY }, "episodeReturn is Infinity");
  const frame = { ...first!.frame!, units: [unit, { ...unit, health: Number.NEGATIVE_INFINITY }] };
  refused({ steps: [{ ...first!, frame }, last!] }, "at step 0, frame.units.1.health is -Infinity");
});

test("a full disk leaves what was there", () => {
  const { path, bytes } = written();
  const { disk } = brokenDisk(1, "ENOSPC");
  expect(() => writeEpisode(path, { ...episode, won: false }, disk)).toThrow("the disk is full");
  expect(readFileSync(path)).toEqual(bytes);
});
