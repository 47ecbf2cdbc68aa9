/** Pre-training of pictures through the commands, from the first update to what it is worth. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { mistake } from "../../test/mistake.js";
import { loadCheckpoint, RunFolder, readMetrics } from "../runs/index.js";
import { finetuneCommand } from "./finetune.js";
import { pretrainCommand } from "./pretrain.js";
import { probeCommand } from "./probe.js";

const root = mkdtempSync(join(tmpdir(), "baton-pretrain-cli-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let [printed, said] = ["", ""];
const listen = () => {
  [printed, said] = ["", ""];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += text;
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    said += text;
    return true;
  });
};
beforeEach(listen);
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

/** A recipe that takes a second. */
const recipe = join(root, "tiny.yaml");
writeFileSync(
  recipe,
  [
    "data: { kind: digits, size: 16, samples: 64, testSamples: 16 }",
    "encoder: { width: 8, depth: 1, heads: 2 }",
    "decoder: { width: 8, depth: 1, heads: 2 }",
    "masking: { strategy: random, ratio: 0.75 }",
    "normalise: false",
    "device: cpu",
    "threads: 1",
    "batch: 8",
    "updates: 12",
    "reportEvery: 3",
    "checkpointEvery: 4",
  ].join("\n"),
);

const pretrain = (...args: string[]) => pretrainCommand().parseAsync(args, { from: "user" });
const stateOf = (path: string) => loadCheckpoint(RunFolder.open(path), "latest").state;
/** The last JSON object that was printed. */
const result = () => JSON.parse(printed.slice(printed.lastIndexOf("\n{\n") + 1)) as Record<string, unknown>;

const whole = join(root, "whole");
beforeAll(async () => {
  listen();
  await pretrain(recipe, "--run", whole);
});

describe("baton pretrain", () => {
  it("can be stopped, says so, and goes on as if it had not been", async () => {
    const path = join(root, "stopped");
    const write = process.stderr.write as unknown as ReturnType<typeof vi.fn>;
    write.mockImplementation((text: string) => {
      if (text.startsWith("update 6 ")) process.emit("SIGINT");
      return true;
    });
    await pretrain(recipe, "--run", path);
    expect(printed).toBe(`stopped at update 6; go on with: baton pretrain --run ${path}\n`);
    expect(process.exitCode).toBe(130);
    await pretrain("--run", path);
    expect(printed).toContain("done: 12 updates");
    expect(stateOf(path)).toEqual(stateOf(whole));
    expect(existsSync(join(path, "reconstructions.png"))).toBe(true);
  });

  it("says when nothing is left to do, and goes on for longer when it is told to", async () => {
    const path = join(root, "longer");
    await pretrain(recipe, "--run", path, "--set", "updates=2");
    await pretrain(recipe, "--run", path, "--set", "updates=2");
    expect(printed).toContain(`nothing was left to do: ${path} has 2 updates already`);
    await pretrain("--run", path, "--set", "updates=5", "--set", "reportEvery=1", "--json");
    expect(result()).toMatchObject({ run: path, updates: 5, finished: true });
    expect(readFileSync(join(path, "config.yaml"), "utf8")).toMatch(/\nupdates: 5\n(.*\n)*reportEvery: 1\n/);
  });

  it("refuses to make another training of a run, by name", async () => {
    const config = readFileSync(join(whole, "config.yaml"), "utf8");
    const refused = async (...args: string[]) => mistake(pretrain(...args, "--run", whole));
    expect(await refused("--seed", "5")).toContain("holds another training: seed is 0 there, but 5 here");
    expect(await refused("--set", "masking.ratio=0.9")).toContain("masking.ratio is 0.75 there, but 0.9 here");
    expect(await refused("amt")).toContain('masking.strategy is "random" there, but "attention" here');
    expect(await refused("mae")).toContain("pixels.mean is 0.5 there, but 0.16 here");
    expect(await refused("mae-mnist")).toContain('data.kind is "digits" there, but "mnist" here');
    expect(await refused("trajectory")).toContain("is a run of masked-autoencoder on digits, not of baton pretrain on recorded");
    expect(await refused("--set", "maskign.ratio=0.9")).toContain('unknown key "maskign"');
    expect(await refused("--weights", "w.safetensors")).toContain("goes on with its own");
    expect(await refused("--recording", "r")).toContain(
      "--recording has no meaning for this recipe or run; it is for recipes of",
    );
    expect(await mistake(pretrain("trajectory", "--save-weights", "w"))).toContain("--save-weights has no meaning");
    expect(await mistake(pretrain("--run", whole, "--fresh"))).toContain("no recipe is named");
    expect(await mistake(pretrain(recipe, "--run", whole, "--fresh"))).toContain("add --yes");
    expect(readFileSync(join(whole, "config.yaml"), "utf8")).toBe(config);
  });

  it("starts over when it is told to, but not with a recipe that is no good", async () => {
    const path = join(root, "anew");
    await pretrain(recipe, "--run", path, "--set", "updates=2");
    const bad = ["--set", "masking.ratio=0.99", "--fresh", "--yes"];
    expect(await mistake(pretrain(recipe, "--run", path, ...bad))).toContain("keeps none of 16 tokens");
    expect(loadCheckpoint(RunFolder.open(path), "latest").step).toBe(2);
    await pretrain(recipe, "--run", path, "--fresh", "--yes", "--seed", "7", "--set", "updates=3");
    expect([RunFolder.open(path).info.seed, readMetrics(RunFolder.open(path)).length]).toEqual([7, 1]);
  });

  it("ends in a sentence when it diverges, and the checkpoint from before is left", async () => {
    const path = join(root, "diverged");
    await pretrain(recipe, "--run", path, "--set", "updates=2");
    const [before, config] = [stateOf(path), join(path, "config.yaml")];
    // somebody tampers with the scale of the pixels: their squares overflow
    writeFileSync(config, readFileSync(config, "utf8").replace("spread: 0.5", "spread: 1e-30"));
    const sentence = await mistake(pretrain("--run", path, "--set", "updates=9"));
    expect(sentence).toMatch(
      /^training diverged: loss is (NaN|Infinity) after update 3; lower learningRate \(--fresh --set learningRate=…\)/,
    );
    expect(stateOf(path)).toEqual(before);
    expect(existsSync(join(path, "lock"))).toBe(false);
  });
});

describe("what it is worth", () => {
  it("baton probe and baton finetune say, and of how many samples", async () => {
    await probeCommand().parseAsync([whole, "--labels", "40", "--test", "100", "--json"], { from: "user" });
    expect(result()).toMatchObject({ run: whole, updates: 12, labels: 40, test: 16, linear: expect.any(Number) });
    const few = ["--labels", "500", "--test", "500", "--updates", "2", "--batch", "100"];
    await finetuneCommand().parseAsync([whole, ...few, "--json"], { from: "user" });
    expect(result()).toMatchObject({ pretrainedFor: 12, labels: 64, batch: 64, test: 16, accuracy: expect.any(Number) });
    await finetuneCommand().parseAsync([whole, ...few, "--untrained"], { from: "user" });
    expect(printed).toContain("of 16 right, from scratch, 64 labels");
  });

  it("is not asked of runs of another kind", async () => {
    const path = join(root, "team");
    RunFolder.create(path, { baton: "0.0.0", env: "skirmish/3m", agent: "ace", seed: 0 }, "seed: 0\n");
    const refused = await mistake(probeCommand().parseAsync([path], { from: "user" }));
    expect(refused).toContain("is a run of ace on skirmish/3m, not of baton pretrain on pictures or videos");
    expect(refused).toContain(`--init-encoder ${path}`);
    expect(said).toBe("");
  });
});
