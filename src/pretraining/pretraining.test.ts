import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decode } from "fast-png";
import { afterAll, describe, expect, it } from "vitest";
import { dataOf, small } from "../../test/small-recipe.js";
import { listCheckpoints, loadCheckpoint, RunFolder, readMetrics } from "../runs/index.js";
import { openDevice } from "../tensor/devices.js";
import { RandomStream } from "../tensor/random.js";
import { HostArray, type HostTree, leavesOf, mapTree } from "../tensor/tree.js";
import { setLayer } from "../training/layers.js";
import { Model } from "./model.js";
import { readPixels } from "./optimise.js";
import { reconstructionPicture } from "./pictures.js";
import { attentionOf, Pretraining, rowOf } from "./pretrain.js";
import type { Recipe } from "./recipe.js";
import { beginPretraining, loadPretrained, pretrainRun, recipeLayer, recipeNames, resolveRecipe, writeOfficial } from "./run.js";

const folder = mkdtempSync(join(tmpdir(), "baton-pretrain-"));
afterAll(() => rmSync(folder, { recursive: true }));

const device = await openDevice("cpu", { threads: 1 });

const attention = { strategy: "attention", mask: 0.45, throw: 0.4 };

/** Begins a run, or goes on with it. */
const opening = (path: string, recipe: Recipe) => () =>
  RunFolder.inspect(path) === "run" ? RunFolder.open(path) : beginPretraining(path, recipe);

const copied = <T extends HostTree>(tree: T): T => mapTree<HostArray, HostArray>(tree, (leaf) => leaf.clone()) as T;

async function lossesOf(recipe: Recipe, updates: number): Promise<{ losses: number[]; weights: HostTree }> {
  const data = dataOf(recipe);
  const training = new Pretraining(device, new Model(recipe, data), data);
  const losses: number[] = [];
  for (let i = 0; i < updates; i++) losses.push(await training.update());
  const weights = copied(await training.weights());
  training.dispose();
  return { losses, weights };
}

const mean = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0) / numbers.length;

describe("pre-training", () => {
  it("learns to predict pictures", async () => {
    const { losses } = await lossesOf(small({ normalise: false }), 60);
    expect(mean(losses.slice(-10))).toBeLessThan(0.7 * mean(losses.slice(0, 5)));
  });

  it("learns to predict videos from a tenth of them", async () => {
    const recipe = small({
      data: { kind: "digits", size: 16, frames: 4, samples: 64, testSamples: 16 },
      tube: 2,
      masking: { strategy: "random", ratio: 0.9 },
      normalise: false,
    });
    const { losses, weights } = await lossesOf(recipe, 40);
    expect(mean(losses.slice(-10))).toBeLessThan(0.9 * mean(losses.slice(0, 5)));
    expect(leavesOf(weights).map(({ path }) => path)).toEqual(
      expect.arrayContaining(["places/encoder/time", "places/decoder/space"]),
    );
  });

  it("masks by attention after it has begun at random, and looks again", async () => {
    const recipe = small({ masking: attention, warmupMasking: { epochs: 1, refreshEpochs: 2 }, normalise: false });
    const data = dataOf(recipe);
    const model = new Model(recipe, data);
    const training = new Pretraining(device, model, data);
    type State = { params: HostTree; looks: { scores: HostArray; epoch: HostArray } };
    const state = async () => copied(await training.state()) as State;
    const epochs: number[] = [];
    let weights: HostTree = {};
    for (let i = 0; i < 25; i++) {
      if (i === 8 || i === 24) weights = copied(await training.weights());
      await training.update();
      const { looks } = await state();
      epochs.push(looks.epoch.data[0]!);
      if (i === 8 || i === 24) expect(looks.scores).toEqual(await attentionOf(device, model, weights, data));
    }
    // of 8 updates an epoch: none in the first, then every second
    expect(epochs).toEqual([...new Array(8).fill(-1), ...new Array(16).fill(1), 3]);
    const now = await state();
    const loss = await training.update();
    const ramp = (now.looks.scores.data as Float32Array).map((_, t) => 10 ** (t % 16));
    const other = { ...now, looks: { ...now.looks, scores: HostArray.float32(ramp, ...now.looks.scores.shape) } };
    training.restore(other, 25);
    expect(await training.update()).not.toBe(loss);
    training.restore(now, 25);
    expect(await training.update()).toBe(loss);
    training.dispose();
  });

  it("attention maps of a data set stand sample by sample, also in a last batch that is not whole", async () => {
    const recipe = small({ data: { kind: "digits", size: 16, samples: 70, testSamples: 16 } });
    const data = dataOf(recipe);
    const model = new Model(recipe, data);
    const weights = model.init(RandomStream.from(1));
    const maps = await attentionOf(device, model, weights, data);
    expect(maps.shape).toEqual([70, 16]);
    const alone = await attentionOf(device, model, weights, { ...data, size: 1, read: (_, out, at) => data.read(69, out, at) });
    for (const [t, value] of rowOf(alone, 0).entries()) expect(value).toBeCloseTo(rowOf(maps, 69)[t]!, 5);
  });
});

describe("a pre-training on disk", () => {
  it.each([
    ["", {}],
    // stopped between two looks
    ["attentive", { masking: attention, warmupMasking: { epochs: 1, refreshEpochs: 2 } }],
  ])("that is stopped and resumed ends as one that is not %s", async (name, more) => {
    const recipe = small({ updates: 30, reportEvery: 10, ...more });
    const whole = await pretrainRun(opening(join(folder, `whole${name}`), recipe), recipe, device);
    const stop = new AbortController();
    const onReport = (update: number) => update === 10 && stop.abort();
    const path = join(folder, `stopped${name}`);
    const first = await pretrainRun(opening(path, recipe), recipe, device, { onReport }, stop.signal);
    expect([first.updates, first.made]).toEqual([10, 10]);
    const { wallSeconds } = readMetrics(RunFolder.open(path)).at(-1)!;
    const second = await pretrainRun(opening(path, recipe), recipe, device);
    expect([second.updates, second.made]).toEqual([30, 20]);
    expect(second.weights).toEqual(whole.weights);
    const curve = (of: string) => readMetrics(RunFolder.open(join(folder, `${of}${name}`)));
    const losses = (of: string) => curve(of).map(({ updates, loss }) => [updates, loss]);
    expect(losses("stopped")).toEqual(losses("whole"));
    expect(curve("stopped")[1]!.wallSeconds).toBeGreaterThan(wallSeconds);
    const loaded = await loadPretrained(path);
    expect([loaded.updates, loaded.recipe]).toEqual([30, recipe]);
    expect(loaded.weights).toEqual(whole.weights);
    expect((await loadPretrained(path, { fresh: true })).weights).not.toEqual(whole.weights);
  });

  it("hands its weights on under the authors' names, and a run begins with them", async () => {
    const recipe = small({ updates: 1 });
    const file = join(folder, "mae.safetensors");
    const first = await pretrainRun(opening(join(folder, "gives"), recipe), recipe, device);
    writeOfficial(file, first);
    // a learning rate this small moves only what is zero, and hardly
    const still = small({ updates: 1, learningRate: 1e-30 });
    const second = await pretrainRun(opening(join(folder, "takes"), still), still, device, {}, undefined, file);
    const [given, taken] = [leavesOf<HostArray>(first.weights), leavesOf<HostArray>(second.weights)];
    expect(taken.map(({ path }) => path)).toEqual(given.map(({ path }) => path));
    for (const [k, { leaf }] of taken.entries()) {
      for (const [i, value] of leaf.data.entries()) expect(Math.abs(value - given[k]!.leaf.data[i]!)).toBeLessThan(1e-20);
    }
    const other = small({ updates: 1, encoder: { width: 32, depth: 2, heads: 2 } });
    const refused = pretrainRun(opening(join(folder, "other"), other), other, device, {}, undefined, file);
    await expect(refused).rejects.toThrow('"pos_embed" is float32 [1,17,16], expected float32 [1,17,32]');
  });

  it("leaves no folder behind where data or weights are bad", async () => {
    const path = join(folder, "never");
    const noData = small({ data: { kind: "mnist", folder: join(folder, "nothing") } });
    await expect(pretrainRun(opening(path, noData), noData, device)).rejects.toThrow("has no train-images-idx3-ubyte");
    const bad = join(folder, "bad.safetensors");
    writeFileSync(bad, "hello");
    const recipe = small();
    await expect(pretrainRun(opening(path, recipe), recipe, device, {}, undefined, bad)).rejects.toThrow("bad.safetensors");
    const hiding = small({ masking: { strategy: "random", ratio: 0.99 } });
    await expect(pretrainRun(opening(path, hiding), hiding, device)).rejects.toThrow("0.99 keeps none of 16 tokens");
    const frames = small({ data: { kind: "digits", size: 16, frames: 2 }, masking: { strategy: "frame", ratio: 0.75 } });
    await expect(pretrainRun(opening(path, frames), frames, device)).rejects.toThrow("0.75 keeps none of 2 frames");
    const dots = small({ patch: 1, normalise: true });
    await expect(pretrainRun(opening(path, dots), dots, device)).rejects.toThrow("normalise is true, but a patch");
    expect(existsSync(path)).toBe(false);
    expect(() => resolveRecipe([setLayer(["encoder.heads=5"])])).toThrow("width must be a multiple of 4 and of heads");
    expect(() => resolveRecipe([setLayer(["masking.strategy=random", "masking.ratio=0"])])).toThrow("masking.ratio is 0");
    expect(() => resolveRecipe([setLayer(["warmupMasking.ratio=0"])])).toThrow("warmupMasking.ratio is 0");
  });

  it.each([
    [1e30, /loss is \S+ after update 2/, 1],
    [1e39, /is NaN after update 1/, 0], // which the loss does not know yet
  ])("that diverges at a learning rate of %f is not saved: %s", async (learningRate, why, last) => {
    const recipe = { ...small({ warmupUpdates: 0 }), learningRate, checkpointEvery: 1 };
    const path = join(folder, `diverges-${last}`);
    const error = await pretrainRun(opening(path, recipe), recipe, device).catch((reason) => reason);
    expect([error.code, error.message]).toEqual(["diverged", expect.stringMatching(why)]);
    const run = RunFolder.open(path);
    expect(listCheckpoints(run).steps[0] ?? 0).toBe(last);
    const state = last > 0 ? loadCheckpoint(run, "latest").state : {};
    for (const { leaf } of leavesOf<HostArray>(state)) expect(leaf.data.every((value) => Number.isFinite(value))).toBe(true);
  });

  it("begins with the weights that it was given, even when it was killed before its first checkpoint", async () => {
    const recipe = small({ updates: 2, learningRate: 1e-30 });
    const file = join(folder, "given.safetensors");
    const given = await pretrainRun(opening(join(folder, "giver"), recipe), recipe, device);
    const other = small({ updates: 2, learningRate: 1e-30, seed: 1 });
    writeOfficial(file, given);
    const path = join(folder, "killed");
    const killed = new AbortController();
    killed.abort();
    await pretrainRun(opening(path, other), other, device, {}, killed.signal, file);
    const { updates, weights } = await loadPretrained(path);
    expect(updates).toBe(0);
    expect(leavesOf<HostArray>(weights).map(({ leaf }) => leaf.data[0])).toEqual(
      leavesOf<HostArray>(given.weights).map(({ leaf }) => expect.closeTo(leaf.data[0]!, 6)),
    );
  });

  it.each([true, false])("shows what it sees and predicts, normalised: %s", async (normalise) => {
    const recipe = small({ normalise });
    const data = dataOf(recipe);
    const model = new Model(recipe, data);
    const weights = model.init(RandomStream.from(1));
    const { width, height, channels, data: shown } = decode(await reconstructionPicture(device, model, weights, data, 3));
    expect([width, height, channels]).toEqual([4 * 52 - 4, 3 * 52 - 4, 3]);
    const at = (x: number, y: number) => shown[(y * width + x) * 3]!;
    const sample = readPixels(data, [0]).data;
    let [kept, grey] = [0, 0];
    for (let k = 0; k < 256; k++) {
      const [x, y] = [3 * (k % 16), 3 * Math.floor(k / 16)];
      expect(at(x, y)).toBe(Math.round(255 * sample[k]!));
      if (at(52 + x, y) === at(x, y) && at(104 + x, y) === at(x, y)) kept += 1;
      else if (at(52 + x, y) === 128) grey += 1;
    }
    // 4 of 16 patches of 16 pixels are kept and shown alike in all columns, the others are grey in the second.
    expect([kept, grey].map((count) => Math.round(count / 16))).toEqual([4, 12]);
  });

  it("shows all frames of videos, and black what is thrown away", async () => {
    const recipe = small({
      data: { kind: "digits", size: 16, frames: 4, samples: 64, testSamples: 16 },
      ...{ tube: 2, predictedFrames: 2, masking: attention },
    });
    const data = dataOf(recipe);
    const model = new Model(recipe, data);
    const png = decode(await reconstructionPicture(device, model, model.init(RandomStream.from(1)), data, 2));
    expect([png.width, png.height]).toEqual([2 * 52 - 4, 8 * 52 - 4]);
    const reds = (row: number) =>
      Array.from({ length: 2 * 256 }, (_, k) => {
        const [x, y] = [52 * Math.floor(k / 256) + 3 * (k % 16), 52 * row + 3 * Math.floor((k % 256) / 16)];
        return png.data[(y * png.width + x) * 3]!;
      });
    const [original, seen] = [reds(0), reds(1)];
    const share = (test: (k: number) => boolean) => original.filter((_, k) => test(k)).length / original.length;
    // of 32 tokens ⌊14.4⌋ are hidden, those up to ⌊27.2⌋ thrown away; the ground is noise, hardly ever black or grey itself
    expect(share((k) => seen[k] === 128)).toBeCloseTo(14 / 32, 1);
    expect(share((k) => seen[k] === 0)).toBeCloseTo(13 / 32, 1);
    expect(share((k) => seen[k] === original[k])).toBeGreaterThan(0.9 * (5 / 32));
  });

  it("recipes that come with Baton are whole", () => {
    expect(recipeNames()).toEqual(expect.arrayContaining(["amt", "mae", "mae-mnist", "mae-st"]));
    for (const name of recipeNames()) expect(() => resolveRecipe([recipeLayer(name)])).not.toThrow();
    expect(() => recipeLayer("may")).toThrow('unknown recipe "may"');
  });
});
