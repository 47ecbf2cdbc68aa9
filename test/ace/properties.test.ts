/** What must hold of ACE whatever its weights: who is numbered how does not matter, who is absent does not either, greedy is best. */
import type { Tensor } from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import { act, type Exploration } from "../../agents/ace/act.js";
import { encode, type NetworkParameters } from "../../agents/ace/network.js";
import { decisionsOf, follow } from "../../agents/ace/sequence.js";
import { aceSettings } from "../../agents/ace/settings.js";
import type { StepTensors } from "../../src/agent.js";
import type { EnvironmentSpec } from "../../src/environment.js";
import { openDevice } from "../../src/tensor/devices.js";
import { RandomStream } from "../../src/tensor/random.js";
import { HostArray, type HostTree, specOf } from "../../src/tensor/tree.js";
import { greedyExploration, randomSample, stepOf, worlds } from "./fixture.js";
import { parameters } from "./parameters.js";
import type { Sample } from "./reference.js";

const spec = worlds.battle;
const { agents: n, untargetedActions: U } = spec;
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

  /** Greedy roll-out. */
  async function rollOut(world: EnvironmentSpec, of: readonly Sample[], orders: readonly (readonly number[])[]) {
    const device = await openDevice("js");
    const B = of.length;
    const order = HostArray.int32(Int32Array.from(orders.flat()), B, world.agents);
    const args = [weights, stepOf(of, world) as HostTree, greedyExploration(B, world, order) as HostTree];
    const fn = (p: NetworkParameters, step: StepTensors, e: Exploration) =>
      act(p, step, e, "fixed") as unknown as Record<string, Tensor>;
    const compiled = await device.compile(fn, args.map(specOf) as never, "act");
    const out = (await compiled.run(args)) as Record<"actions" | "values", HostArray>;
    const A = world.actions;
    return of.map((_, b) => ({
      actions: Array.from(out.actions.data.subarray(b * world.agents, (b + 1) * world.agents)),
      values: Array.from({ length: world.agents }, (_, i) =>
        Array.from(out.values.data.subarray((b * world.agents + i) * A, (b * world.agents + i + 1) * A)),
      ),
    }));
  }

  /** V after each position along given joint actions. */
  async function valuesAlong(of: readonly Sample[], actions: readonly number[][], orders: readonly (readonly number[])[]) {
    const device = await openDevice("js");
    const B = of.length;
    const ints = (rows: readonly (readonly number[])[]) => HostArray.int32(Int32Array.from(rows.flat()), B, n);
    const args = [weights, stepOf(of, spec) as HostTree, ints(actions), ints(orders)] as HostTree[];
    const fn = (p: NetworkParameters, step: StepTensors, a: Tensor, order: Tensor) =>
      follow(p, encode(p, step), decisionsOf(a, order, step, U)).values;
    const compiled = await device.compile(fn, args.map(specOf) as never, "follow");
    const { data } = (await compiled.run(args)) as HostArray;
    return of.map((_, b) => Array.from(data.subarray(b * n, (b + 1) * n)));
  }

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
    for (const sample of samples.slice(0, 2)) {
      const legal = sample.actionMask.map((mask) => mask.flatMap((available, a) => (available ? [a] : [])));
      const joint = legal.reduce<number[][]>((all, own) => all.flatMap((chosen) => own.map((a) => [...chosen, a])), [[]]);
      const every = <T>(x: T): T[] => joint.map(() => x);
      const order = permutation(n);
      const valued = await valuesAlong(every(sample), joint, every(order));
      const [greedy] = await rollOut(spec, [sample], [order]);
      let left = joint.map((_, k) => k);
      for (const [p, agent] of order.entries()) {
        const best = Math.max(...left.map((k) => valued[k]![p]!));
        for (const k of left) expect(greedy!.values[agent]![joint[k]![agent]!]).toBeCloseTo(valued[k]![p]!, 4);
        expect(greedy!.values[agent]![greedy!.actions[agent]!]).toBeCloseTo(best, 4);
        left = left.filter((k) => joint[k]![agent] === greedy!.actions[agent]);
      }
      expect(left.length).toBe(1);
    }
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
