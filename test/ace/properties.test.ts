/** What must hold of ACE whatever its weights: who is numbered how does not matter, who is absent does not either, greedy is best. */
import { describe, expect, it } from "vitest";
import { aceSettings } from "../../agents/ace/settings.js";
import type { EnvironmentSpec } from "../../src/environment.js";
import { RandomStream } from "../../src/tensor/random.js";
import { HostArray, type HostTree } from "../../src/tensor/tree.js";
import { randomSample, worlds } from "./fixture.js";
import { parameters } from "./parameters.js";
import * as play from "./play.js";
import type { Sample } from "./reference.js";

const spec = worlds.battle;
const { agents: n } = spec;
const rng = RandomStream.from(5, "properties");
const samples = Array.from({ length: 6 }, () => randomSample(rng, spec));
const permutation = (size: number): number[] => {
  const out = new Int32Array(size);
  rng.permutation(out, 0, size);
  return [...out];
};

/** The world in which entity k is what was entity `entityAt[k]`, and agent i what was agent `entityAt[i]`. */
function renumbered(sample: Sample, entityAt: readonly number[]): Sample {
  const numberOf = entityAt.map((_, old) => entityAt.indexOf(old));
  return {
    entities: entityAt.map((old) => sample.entities[old]!),
    relations: entityAt.map((i) => entityAt.map((j) => sample.relations[i]![j]!)),
    alive: entityAt.map((old) => sample.alive[old]!),
    actionMask: entityAt.slice(0, n).map((old) => sample.actionMask[old]!),
    actionTargets: entityAt.slice(0, n).map((old) => sample.actionTargets[old]!.map((e) => numberOf[e]!)),
  };
}

describe.each(["relational", "transformer"] as const)("ACE, %s", (encoder) => {
  const settings = aceSettings.parse({ hidden: 8, heads: 2, encoder });
  const weights = parameters(7, spec, settings);

  const rollOut = (world: EnvironmentSpec, of: readonly Sample[], orders: readonly (readonly number[])[]) =>
    play.rollOut(weights, world, of, orders);
  const valuesAlong = (of: readonly Sample[], actions: readonly number[][], orders: readonly (readonly number[])[]) =>
    play.valuesAlong(weights, spec, of, actions, orders);

  const close = (got: readonly number[][], wanted: readonly number[][]) => {
    got.flat().forEach((value, k) => {
      expect(value).toBeCloseTo(wanted.flat()[k]!, 4);
    });
  };
  const indexOrder = samples.map(() => Array.from({ length: n }, (_, i) => i));

  it("does not care how enemies are numbered", async () => {
    const plain = await rollOut(spec, samples, indexOrder);
    const numberings = samples.map(() => [0, 1, 2, 3, ...permutation(3).map((e) => n + e)]);
    const moved = await rollOut(
      spec,
      samples.map((sample, b) => renumbered(sample, numberings[b]!)),
      indexOrder,
    );
    for (const [b, { actions, values }] of moved.entries()) {
      expect(actions).toEqual(plain[b]!.actions);
      close(values, plain[b]!.values);
    }
  });

  it("of how allies are numbered, only the order of deciding matters", async () => {
    const numberings = samples.map(() => [...permutation(n), 4, 5, 6]);
    const moved = await rollOut(
      spec,
      samples.map((sample, b) => renumbered(sample, numberings[b]!)),
      indexOrder,
    );
    // the same agents decide one after another: who is now number p was number numbering[p]
    const plain = await rollOut(
      spec,
      samples,
      numberings.map((numbering) => numbering.slice(0, n)),
    );
    for (const [b, { actions, values }] of moved.entries()) {
      const old = numberings[b]!.slice(0, n);
      expect(actions).toEqual(old.map((i) => plain[b]!.actions[i]));
      close(
        values,
        old.map((i) => plain[b]!.values[i]!),
      );
    }
  });

  it("what is dead does not matter, whatever its features say", async () => {
    const changed = samples.map((sample): Sample => {
      const noise = (row: readonly number[], dead: boolean) => row.map((v) => (dead ? Math.fround(rng.uniform() * 2 - 1) : v));
      const dead = sample.alive.map((alive) => alive === 0);
      return {
        ...sample,
        entities: sample.entities.map((row, e) => noise(row, dead[e]!)),
        relations: sample.relations.map((rows, i) => rows.map((row, j) => noise(row, dead[i]! || dead[j]!))),
      };
    });
    const [plain, moved] = [await rollOut(spec, samples, indexOrder), await rollOut(spec, changed, indexOrder)];
    for (const [b, { actions, values }] of moved.entries()) {
      expect(actions).toEqual(plain[b]!.actions);
      close(values, plain[b]!.values);
    }
  });

  it("padding entities scale the mean over all entities (as the paper divides by N) and change nothing else", async () => {
    const padding = 3;
    const padded = samples.map(
      (sample): Sample => ({
        ...sample,
        entities: [...sample.entities, ...Array.from({ length: padding }, () => [1, 2, 3, 4, 5])],
        relations: [
          ...sample.relations.map((row) => [...row, ...Array.from({ length: padding }, () => [1, 2])]),
          ...Array.from({ length: padding }, () => Array.from({ length: spec.entities + padding }, () => [3, 4])),
        ],
        alive: [...sample.alive, ...Array.from({ length: padding }, () => 0)],
      }),
    );
    const wide = { ...spec, entities: spec.entities + padding };
    const meanScale = wide.entities / spec.entities;
    // weights of everything that reads a mean over N are scaled up by as much as the mean shrinks
    const compensated = structuredCloneTree(weights, (path, leaf) => {
      if (path === "value/hidden/w") scaleRows(leaf, 0, 8, meanScale);
      if (path === "encoder/aggregate/mean") scaleRows(leaf, 0, 8, meanScale);
    });
    const plain = await rollOut(spec, samples, indexOrder);
    const moved = await withWeights(compensated, () => rollOut(wide, padded, indexOrder));
    for (const [b, { actions, values }] of moved.entries()) {
      expect(actions).toEqual(plain[b]!.actions);
      close(values, plain[b]!.values);
    }
  });

  it("the step of a dead agent leaves V as it was", async () => {
    const legal = samples.map((sample) => sample.actionMask.map((mask) => mask.lastIndexOf(1)));
    const orders = samples.map(() => permutation(n));
    const values = await valuesAlong(samples, legal, orders);
    let dead = 0;
    for (const [b, order] of orders.entries()) {
      for (let p = 1; p < n; p++) {
        if (samples[b]!.alive[order[p]!] === 1) continue;
        expect(values[b]![p]).toBeCloseTo(values[b]![p - 1]!, 6);
        dead += 1;
      }
    }
    expect(dead).toBeGreaterThan(2);
  });

  it("equals brute force: every joint action is played and valued, and the best is taken decision by decision", async () => {
    for (const sample of samples.slice(0, 2)) await play.expectBruteForce(weights, spec, sample, permutation(n));
  });

  it("equals brute force in a battle of skirmish", async () => {
    const battle = play.duringBattle();
    const ofBattle = parameters(8, battle.spec, settings);
    const joint = await play.expectBruteForce(ofBattle, battle.spec, battle.sample, [2, 0, 1]);
    expect(joint).toBeGreaterThanOrEqual(7 ** 3); // five moves and two targets or more, each
  });

  /** Runs with other weights in place of {@link weights}. */
  async function withWeights<T>(other: HostTree, run: () => Promise<T>): Promise<T> {
    const kept = structuredCloneTree(weights, () => {});
    copyTree(other, weights);
    try {
      return await run();
    } finally {
      copyTree(kept, weights);
    }
  }
});

type Tree = { [key: string]: Tree } | HostArray;
function structuredCloneTree(tree: HostTree, change: (path: string, leaf: HostArray) => void, path = ""): HostTree {
  if (tree instanceof HostArray) {
    const copy = tree.clone();
    change(path, copy);
    return copy;
  }
  const entries = Object.entries(tree as Record<string, Tree>);
  return Object.fromEntries(
    entries.map(([key, child]) => [key, structuredCloneTree(child as HostTree, change, path ? `${path}/${key}` : key)]),
  ) as HostTree;
}
function copyTree(from: HostTree, to: HostTree): void {
  if (from instanceof HostArray) (to as HostArray).data.set(from.data as Float32Array);
  else for (const key of Object.keys(from)) copyTree((from as never)[key], (to as never)[key]);
}
function scaleRows(leaf: HostArray, from: number, rows: number, factor: number): void {
  const width = leaf.shape[1]!;
  for (let k = from * width; k < (from + rows) * width; k++) leaf.data[k]! *= factor;
}
