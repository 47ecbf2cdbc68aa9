/** The fast ACE equals the slow float64 one: values to 1e-5, gradients to 1e-4, for both encoders, with targets and with held things. */
import type { Tensor } from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import { act, type Exploration } from "../../agents/ace/act.js";
import { seeHeld, seeHeldInBatch } from "../../agents/ace/held.js";
import { createAce } from "../../agents/ace/index.js";
import type { NetworkParameters } from "../../agents/ace/network.js";
import { priorValues } from "../../agents/ace/prior.js";
import { type AceSettings, aceSettings } from "../../agents/ace/settings.js";
import { type AceState, lossOf, storedByGap, targetsOf, update } from "../../agents/ace/update.js";
import type { BatchTensors, StepTensors } from "../../src/agent.js";
import { openDevice } from "../../src/tensor/devices.js";
import { valueAndGradTree } from "../../src/tensor/gradient.js";
import { RandomStream } from "../../src/tensor/random.js";
import { HostArray, type HostTree, leavesOf, mapTree, specOf } from "../../src/tensor/tree.js";
import { batchOf, greedyExploration, transitions, type World, worlds } from "./fixture.js";
import { parameters } from "./parameters.js";
import { ReferenceNetwork, referenceLoss, referenceTargets } from "./reference.js";

const relative = (a: number, b: number) => Math.abs(a - b) / Math.max(1, Math.abs(b));

const cases: { encoder: AceSettings["encoder"]; world: World; device: string; settings: Partial<AceSettings> }[] = [
  { encoder: "relational", world: "battle", device: "js", settings: { target: "sequential" } },
  { encoder: "relational", world: "battle", device: "cpu", settings: { target: "sequential" } },
  { encoder: "relational", world: "battle", device: "cpu", settings: { target: "environment", auxiliaryBalance: true } },
  { encoder: "transformer", world: "battle", device: "js", settings: { target: "sequential", auxiliaryBalance: true } },
  { encoder: "transformer", world: "battle", device: "cpu", settings: { target: "sequential", order: "gap" } },
  { encoder: "relational", world: "football", device: "cpu", settings: { target: "environment", auxiliaryGlobal: false } },
  { encoder: "relational", world: "football", device: "cpu", settings: { target: "sequential", order: "gap" } },
  { encoder: "transformer", world: "football", device: "cpu", settings: { target: "sequential" } },
  { encoder: "relational", world: "both", device: "js", settings: { target: "sequential" } },
  { encoder: "transformer", world: "both", device: "cpu", settings: { target: "environment" } },
];

describe.each(cases)("ACE, $encoder, $world, on $device, $settings", ({ encoder, world, device: name, settings: changed }) => {
  const spec = worlds[world];
  const B = 8;
  const settings = aceSettings.parse({ hidden: 8, heads: 2, depth: 2, encoder, ...changed });
  const byGap = settings.order === "gap";
  /** Norms divide by small spreads, which makes float32's rounding larger. */
  const tolerance = encoder === "transformer" ? 5e-5 : 1e-5;
  const online = parameters(1, spec, settings);
  const target = parameters(2, spec, settings);
  const reference = {
    online: new ReferenceNetwork(online, spec.agents),
    target: new ReferenceNetwork(target, spec.agents),
  };
  const random = transitions(1, B, spec);
  // with learned orders the stored actions are decided by gap too
  if (byGap) for (const t of random) t.order = reference.online.greedy(t.now, "gap", t.actions).order;
  const { batch, order } = batchOf(random, spec);

  it("values every agent before anybody chose as when it decides first", async () => {
    const device = await openDevice(name);
    const fn = (p: NetworkParameters, step: StepTensors) => ({ prior: priorValues(p, seeHeld(step, spec)) });
    const compiled = await device.compile(fn, [specOf(online), specOf(batch.now as HostTree)], "prior");
    const { prior } = (await compiled.run([online, batch.now])) as Record<"prior", HostArray>;
    const { agents: n, actions: A } = spec;
    random.forEach(({ now }, b) => {
      for (let i = 0; i < n; i++) {
        const first = [i, ...Array.from({ length: n }, (_, j) => j).filter((j) => j !== i)];
        const expected = reference.online.greedy(now, first).values[i]!;
        for (let a = 0; a < A; a++) {
          const got = prior.data[(b * n + i) * A + a]!;
          if (now.actionMask[i]![a] === 0) expect(got).toBeCloseTo(-1e9, -2);
          else expect(relative(got, expected[a]!)).toBeLessThan(tolerance);
        }
      }
    });
  });

  it("rolls out the same decisions with the same values in the same order", async () => {
    const device = await openDevice(name);
    const exploration = greedyExploration(B, spec, order);
    const fn = (p: NetworkParameters, step: StepTensors, e: Exploration) =>
      act(p, seeHeld(step, spec), e, settings.order) as unknown as Record<string, Tensor>;
    const signature = [specOf(online), specOf(batch.now as HostTree), specOf(exploration as HostTree)];
    const compiled = await device.compile(fn, signature, "act");
    const out = (await compiled.run([online, batch.now, exploration])) as Record<"actions" | "values" | "order", HostArray>;
    let worst = 0;
    random.forEach((t, b) => {
      const expected = reference.online.greedy(t.now, byGap ? "gap" : t.order);
      for (let i = 0; i < spec.agents; i++) {
        expect(out.actions.data[b * spec.agents + i]).toBe(expected.actions[i]);
        expect(out.order.data[b * spec.agents + i]).toBe(expected.order[i]);
        expected.values[i]!.forEach((q, a) => {
          const got = out.values.data[(b * spec.agents + i) * spec.actions + a]!;
          if (q === Number.NEGATIVE_INFINITY) expect(got).toBeCloseTo(-1e9, -3);
          else worst = Math.max(worst, relative(got, q));
        });
      }
    });
    expect(worst).toBeLessThan(tolerance);
    compiled.dispose();
  });

  it("has the same targets, loss and gradients", async () => {
    const device = await openDevice(name);
    const fn = (o: NetworkParameters, t: NetworkParameters, plain: BatchTensors, r: Tensor) => {
      const b = seeHeldInBatch(plain, spec);
      const found = byGap ? storedByGap(o, b) : r;
      const y = targetsOf({ online: o, target: t } as AceState, b, found, settings);
      const { value, gradients, auxiliary } = valueAndGradTree((p: NetworkParameters) => {
        const { loss, parts } = lossOf(p, b, y, found, spec, settings);
        return { loss, auxiliary: parts };
      }, o);
      return { y, loss: value, gradients, q: auxiliary.values, order: found.clone() };
    };
    const signature = [specOf(online), specOf(target), specOf(batch as HostTree), specOf(order as HostTree)];
    const compiled = await device.compile(fn, signature as never, "loss");
    const out = (await compiled.run([online, target, batch as HostTree, order])) as {
      y: HostArray;
      loss: HostArray;
      q: HostArray;
      order: HostArray;
      gradients: HostTree;
    };
    expect(out.order.data).toEqual(order.data);
    const referenceSettings = { ...settings, byGap };
    const y = random.map((t) => referenceTargets(reference.online, reference.target, t, referenceSettings));
    y.flat().forEach((value, k) => {
      expect(relative(out.y.data[k]!, value)).toBeLessThan(tolerance);
    });
    const q = random.map((t) => reference.online.follow(t.now, t.actions, t.order).values);
    q.flat().forEach((value, k) => {
      expect(relative(out.q.data[k]!, value)).toBeLessThan(tolerance);
    });
    const lossAt = (p: HostTree) =>
      referenceLoss(new ReferenceNetwork(p, spec.agents), random, y, spec.predictedFeatures, referenceSettings);
    expect(relative(out.loss.data[0]!, lossAt(online))).toBeLessThan(tolerance);

    // central differences of the float64 loss, a few entries of every parameter
    const rng = RandomStream.from(3, "entries");
    const double = mapTree(online, (leaf) => ({ ...leaf, data: Float64Array.from(leaf.data) }) as unknown as HostArray);
    const gradients = leavesOf(out.gradients);
    let compared = 0;
    leavesOf(double).forEach(({ path, leaf }, k) => {
      const gradient = gradients[k]!.leaf.data;
      const scale = Math.max(...Array.from(gradient, Math.abs), 1e-3);
      for (let trial = 0; trial < 2; trial++) {
        const at = rng.integer(leaf.data.length);
        const value = leaf.data[at]!;
        const h = 1e-6;
        leaf.data[at] = value + h;
        const above = lossAt(double);
        leaf.data[at] = value - h;
        const below = lossAt(double);
        leaf.data[at] = value;
        const expected = (above - below) / (2 * h);
        expect(Math.abs(gradient[at]! - expected) / scale, `${path}[${at}]: ${gradient[at]} and ${expected}`).toBeLessThan(1e-4);
        compared += 1;
      }
    });
    expect(compared).toBeGreaterThan(40);
    compiled.dispose();
  });
});

it("what acts follows what learns at its own rate", async () => {
  const spec = worlds.battle;
  const settings = aceSettings.parse({ hidden: 8, averageRate: 0.25 });
  const agent = createAce(spec, settings);
  const { batch, order } = batchOf(transitions(4, 6, spec), spec);
  const state = agent.init(RandomStream.from(1)) as { average: HostTree };
  const device = await openDevice("cpu");
  const fn = (s: AceState, b: BatchTensors, r: Tensor) => update(s, b, r, spec, settings).state;
  const compiled = await device.compile(
    fn as never,
    [state as HostTree, batch as HostTree, order].map((x) => specOf(x)) as never,
    "update",
  );
  const after = (await compiled.run([state as HostTree, batch as HostTree, order])) as { online: HostTree; average: HostTree };
  const flat = (tree: HostTree) => leavesOf<HostArray>(tree).flatMap(({ leaf }) => [...leaf.data]);
  const [before, learnt, acts] = [flat(state.average), flat(after.online), flat(after.average)];
  expect(acts.length).toBe(before.length);
  acts.forEach((x, k) => {
    expect(x).toBeCloseTo(0.75 * before[k]! + 0.25 * learnt[k]!, 5);
  });
  expect(learnt).not.toEqual(before);
  expect(agent.policy(after as never)).toBe(after.average);
  expect(createAce(spec, aceSettings.parse({ hidden: 8 })).init(RandomStream.from(1))).not.toHaveProperty("average");
});

it("an update tells the mean error of each transition", async () => {
  const spec = worlds.battle;
  const settings = aceSettings.parse({ hidden: 8 });
  const random = transitions(4, 6, spec);
  const { batch, order } = batchOf(random, spec);
  const online = parameters(1, spec, settings);
  const target = parameters(2, spec, settings);
  const zeros = mapTree<HostArray, HostArray>(online, ({ shape, dtype }) => HostArray.zeros({ shape, dtype }));
  const state = { online, target, optimiser: { square: zeros }, step: HostArray.scalar(0) };
  const device = await openDevice("cpu");
  const fn = (s: AceState, b: BatchTensors, r: Tensor) => ({ errors: update(s, b, r, spec, settings).errors! });
  const signature = [specOf(state as HostTree), specOf(batch as HostTree), specOf(order as HostTree)];
  const compiled = await device.compile(fn, signature as never, "update");
  const { errors } = (await compiled.run([state, batch as HostTree, order])) as { errors: HostArray };
  const [slow, slowTarget] = [new ReferenceNetwork(online, spec.agents), new ReferenceNetwork(target, spec.agents)];
  random.forEach((t, b) => {
    const y = referenceTargets(slow, slowTarget, t, settings);
    const q = slow.follow(t.now, t.actions, t.order).values;
    const expected = y.reduce((sum, value, p) => sum + Math.abs(value - q[p]!), 0) / y.length;
    expect(relative(errors.data[b]!, expected)).toBeLessThan(1e-5);
  });
});
