import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { matrixEpisode, syntheticEpisode } from "../../test/synthetic-episode.js";
import { BatonError } from "../errors.js";
import { writeEpisode } from "../runs/index.js";
import { replayCommand } from "./replay.js";

let run: string;
let printed: string;

beforeEach(() => {
  run = mkdtempSync(join(tmpdir(), "baton-replay-"));
  mkdirSync(join(run, "episodes"));
  record("second", 2000);
  record("first", 1000);
  printed = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += text;
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(run, { recursive: true });
});

/** Records an episode as of `seconds` after 1970; the name goes into its agent. */
function record(name: string, seconds: number): void {
  const file = join(run, "episodes", `${name}.episode`);
  writeEpisode(file, { ...syntheticEpisode(3), agent: name });
  utimesSync(file, seconds, seconds);
}

async function replay(...args: string[]): Promise<string> {
  printed = "";
  await replayCommand().parseAsync(args, { from: "user" });
  return printed;
}

async function mistake(...args: string[]): Promise<BatonError> {
  const error = await replay(...args).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(BatonError);
  return error as BatonError;
}

it("summarises the newest episode where there is no terminal", async () => {
  expect(await replay(run)).toMatch(
    /second\.episode: second on skirmish\/synthetic, trained for 40,000 steps, seed 0: won in 3 steps/,
  );
});

it("plays the named episode as plain blocks with --terminal", async () => {
  const text = await replay(run, "--terminal", "--episode", "first.episode");
  expect(text).toContain("skirmish/synthetic   first   seed 0");
  expect(text.match(/^step \d\/3/gm)).toHaveLength(4);
  expect(text).not.toContain("\x1b");
});

it("writes the page into the run, or where it is told, and may write it again", async () => {
  expect(await replay(run, "--html")).toContain(`replay page: ${join(run, "replay.html")}`);
  expect(readFileSync(join(run, "replay.html"), "utf8")).toMatch(/^<!doctype html>/);
  await replay(run, "--html");
  await replay(join(run, "episodes", "first.episode"), "--html");
  expect(readFileSync(join(run, "episodes", "first.html"), "utf8")).toContain("first, seed 0");
});

it("prints one JSON object with --json", async () => {
  const page = join(run, "page.html");
  const episode = join(run, "episodes", "game.episode");
  writeEpisode(episode, matrixEpisode());
  const summary = { env: "matrix/climbing", agent: "ace", seed: 3, checkpoint: 2000, won: true, return: 11, steps: 1, episode };
  expect(JSON.parse(await replay(episode, "--json"))).toEqual(summary);
  expect(JSON.parse(await replay(episode, "--json", "--html", page))).toEqual({ ...summary, html: page });
});

it("leaves a file alone that is not a replay page", async () => {
  const precious = join(run, "precious.html");
  writeFileSync(precious, "<p>mine</p>");
  const error = await mistake(run, "--html", precious);
  expect(error.message).toContain("precious.html exists and is not a replay page");
  expect((await mistake(run, "--html", run)).code).toBe("invalid-value");
  expect(readFileSync(precious, "utf8")).toBe("<p>mine</p>");
});

it("says what is wrong with the path", async () => {
  expect((await mistake(join(run, "nowhere"))).message).toContain("no run folder or recorded episode at");
  const file = join(run, "notes.txt");
  writeFileSync(file, "notes");
  expect((await mistake(file)).code).toBe("invalid-file");
  rmSync(join(run, "episodes"), { recursive: true });
  const empty = await mistake(run);
  expect(empty.message).toContain("has no recorded episode");
  expect(empty.hint).toBe(`record one with: baton evaluate ${run} --record`);
});

it("says what is wrong with an option", async () => {
  expect((await mistake(run, "--episode", "secnd")).hint).toContain('did you mean "second"?');
  expect((await mistake(join(run, "episodes", "first.episode"), "--episode", "second")).message).toContain("is one file");
  for (const speed of ["fast", "0", "-1", "1000", ""]) {
    expect((await mistake(run, "--speed", speed)).message).toContain(`--speed is "${speed}"`);
  }
  expect((await mistake(run, "--terminal", "--json")).message).toContain("--terminal and --json");
  const missing = await mistake(run, "--html", join(run, "no", "folder.html"));
  expect(missing.code).toBe("io");
});

it("has a sentence for every option", () => {
  for (const option of replayCommand().options) expect(option.description).toMatch(/^[A-Z].*\.$/);
});

it("writes a picture strip of the named steps, over nothing but a picture", async () => {
  const strip = join(run, "strip.svg");
  expect(await replay(run, "--strip", strip, "--steps", "0-1,3")).toContain(`picture strip: ${strip}`);
  const svg = readFileSync(strip, "utf8");
  expect([...svg.matchAll(/>step (\d)</g)].map(([, t]) => t)).toEqual(["0", "1", "3"]);
  await replay(run, "--strip", strip);
  writeFileSync(strip, "mine");
  expect((await mistake(run, "--strip", strip)).message).toContain("is no SVG picture");
  expect(readFileSync(strip, "utf8")).toBe("mine");
  expect((await mistake(run, "--strip", run)).message).toContain("is no SVG picture");
  expect((await mistake(run, "--strip", join(run, "s.svg"), "--steps", "3-1")).message).toContain('--steps is "3-1"');
  expect((await mistake(run, "--steps", "1")).hint).toBe("add --strip FILE.svg");
});
