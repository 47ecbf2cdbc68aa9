/** The fast ACE equals the slow float64 one: values to 1e-5, gradients to 1e-4, on the reference device and compiled. */
import type { Tensor } from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { act, type Exploration } from "../../agents/ace/act.js";
import { initNetwork, type NetworkParameters } from "../../agents/ace/network.js";
import { type AceSettings, aceSettings } from "../../agents/ace/settings.js";
import { type AceState, lossOf, targetsOf } from "../../agents/ace/update.js";
import type { BatchTensors, StepTensors } from "../../src/agent.js";
import type { Device } from "../../src/tensor/device.js";
import { openDevice } from "../../src/tensor/devices.js";
import { valueAndGradTree } from "../../src/tensor/gradient.js";
import { RandomStream } from "../../src/tensor/random.js";
import { HostArray, type HostTree, leavesOf, mapTree, specOf } from "../../src/tensor/tree.js";
import { batchOf, spec, transitions } from "./fixture.js";
import { ReferenceNetwork, referenceLoss, referenceTargets } from "./reference.js";

const H = 8;
const B = 16;
const relative = (a: number, b: number) => Math.abs(a - b) / Math.max(1, Math.abs(b));
const parameters = (seed: number) =>
  initNetwork(RandomStream.from(seed, "weights"), spec, aceSettings.parse({ hidden: H })) as HostTree;
const random = transitions(1, B);
const { batch, order } = batchOf(random);
const online = parameters(1);
const target = parameters(2);
const reference = { online: new ReferenceNetwork(online), target: new ReferenceNetwork(target) };

const variants = (["sequential", "environment"] as const).flatMap((kind) =>
  [false, true].map((auxiliaryBalance) => ({ kind, auxiliaryBalance })),
);

describe.each(["js", "cpu"])("ACE on %s", (name) => {
  let device: Device;
  beforeAll(async () => {
    device = await openDevice(name);
  });

  it("rolls out the same decisions with the same values", async () => {
    const exploration = {
      explore: HostArray.zeros({ shape: [B, spec.agents], dtype: "bool" }),
      scores: HostArray.zeros({ shape: [B, spec.agents, spec.actions], dtype: "float32" }),
      order,
    };
    const fn = (p: NetworkParameters, step: StepTensors, e: Exploration) =>
      act(p, step, e, "fixed") as unknown as Record<string, Tensor>;
    const compiled = await device.compile(
      fn,
      [specOf(online), specOf(batch.now as HostTree), specOf(exploration as HostTree)],
      "act",
    );
    const out = (await compiled.run([online, batch.now, exploration])) as { actions: HostArray; values: HostArray };
    let worst = 0;
    random.forEach((t, b) => {
      const expected = reference.online.greedy(t.now, t.order);
      for (let i = 0; i < spec.agents; i++) {
        expect(out.actions.data[b * spec.agents + i]).toBe(expected.actions[i]);
        expected.values[i]!.forEach((q, a) => {
          const got = out.values.data[(b * spec.agents + i) * spec.actions + a]!;
          if (q === Number.NEGATIVE_INFINITY) expect(got).toBeCloseTo(-1e9, -3);
          else worst = Math.max(worst, relative(got, q));
        });
      }
    });
    expect(worst).toBeLessThan(1e-5);
    compiled.dispose();
  });

  it.each(variants)(
    "has the same targets, loss and gradients ($kind, balance $auxiliaryBalance)",
    async ({ kind, auxiliaryBalance }) => {
      const settings: AceSettings = aceSettings.parse({ target: kind, auxiliaryBalance, hidden: H });
      const fn = (o: NetworkParameters, t: NetworkParameters, b: BatchTensors, r: Tensor) => {
        const y = targetsOf({ online: o, target: t } as AceState, b, r, settings);
        const { value, gradients, auxiliary } = valueAndGradTree((p: NetworkParameters) => {
          const { loss, parts } = lossOf(p, b, y, r, spec, settings);
          return { loss, auxiliary: parts };
        }, o);
        return { y, loss: value, gradients, q: auxiliary.values };
      };
      const compiled = await device.compile(
        fn,
        [specOf(online), specOf(target), specOf(batch as HostTree), specOf(order as HostTree)] as never,
        kind,
      );
      const out = (await compiled.run([online, target, batch as HostTree, order])) as {
        y: HostArray;
        loss: HostArray;
        q: HostArray;
        gradients: HostTree;
      };
      const referenceSettings = { target: kind, auxiliaryWeight: settings.auxiliaryWeight, auxiliaryBalance };
      const y = random.map((t) => referenceTargets(reference.online, reference.target, t, referenceSettings));
      y.flat().forEach((value, k) => {
        expect(relative(out.y.data[k]!, value)).toBeLessThan(1e-5);
      });
      const q = random.map((t) => reference.online.follow(t.now, t.actions, t.order).values);
      q.flat().forEach((value, k) => {
        expect(relative(out.q.data[k]!, value)).toBeLessThan(1e-5);
      });
      const lossAt = (p: HostTree) =>
        referenceLoss(new ReferenceNetwork(p), random, y, spec.predictedFeatures, referenceSettings);
      expect(relative(out.loss.data[0]!, lossAt(online))).toBeLessThan(1e-5);

      // central differences of the float64 loss, a few entries of every parameter
      const rng = RandomStream.from(3, "entries");
      const double = mapTree(online, (leaf) => ({ ...leaf, data: Float64Array.from(leaf.data) }) as unknown as HostArray);
      const gradients = leavesOf(out.gradients);
      let compared = 0;
      leavesOf(double).forEach(({ path, leaf }, k) => {
        const gradient = gradients[k]!.leaf.data;
        const scale = Math.max(...Array.from(gradient, Math.abs), 1e-3);
        for (let trial = 0; trial < 4; trial++) {
          const at = rng.integer(leaf.data.length);
          const value = leaf.data[at]!;
          const h = 1e-6;
          leaf.data[at] = value + h;
          const above = lossAt(double);
          leaf.data[at] = value - h;
          const below = lossAt(double);
          leaf.data[at] = value;
          const expected = (above - below) / (2 * h);
          expect(Math.abs(gradient[at]! - expected) / scale, `${path}[${at}]: ${gradient[at]} and ${expected}`).toBeLessThan(
            1e-4,
          );
          compared += 1;
        }
      });
      expect(compared).toBeGreaterThan(80);
      compiled.dispose();
    },
  );
});
