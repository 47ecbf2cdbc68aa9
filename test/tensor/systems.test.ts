/** The systems that Baton trains, whole, on every device: ACE's update and a masked transformer's, and a state that is saved and loaded. */
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { createAce } from "../../agents/ace/index.js";
import { aceSettings } from "../../agents/ace/settings.js";
import type { BatchTensors } from "../../src/agent.js";
import {
  type Autoencoder,
  initAutoencoder,
  type MaskedInputs,
  randomMasking,
  reconstruct,
  reconstructionLoss,
  sinCosLine,
  stackMaskings,
} from "../../src/masked/index.js";
import { decodeSafetensors, encodeSafetensors, matchTree, nest } from "../../src/runs/safetensors.js";
import type { Device } from "../../src/tensor/device.js";
import { openDevice } from "../../src/tensor/devices.js";
import { valueAndGradTree } from "../../src/tensor/gradient.js";
import { normal } from "../../src/tensor/initialise.js";
import { adamw } from "../../src/tensor/optimisers.js";
import { RandomStream } from "../../src/tensor/random.js";
import { type StateFunction, StatefulStep } from "../../src/tensor/step.js";
import { HostArray, type HostTree, mapTree, specOf, type TensorTree } from "../../src/tensor/tree.js";
import { batchOf, transitions, worlds } from "../ace/fixture.js";
import { available } from "./available.js";
import { difference } from "./conformance.js";

interface System {
  readonly name: string;
  readonly update: StateFunction;
  /** Fresh, from a fixed seed. */
  init(): HostTree;
  /** What the update of this number gets. */
  inputs(update: number): HostTree[];
}

const B = 4;

function aceSystem(): System {
  const agent = createAce(worlds.battle, aceSettings.parse({ hidden: 8, batchSize: B, order: "shuffle-sample" }));
  return {
    name: "ACE",
    init: () => agent.init(RandomStream.from(3, "init")),
    update: (state: TensorTree, batch: BatchTensors, random: TensorTree) => {
      const { state: next, metrics } = agent.update(state, batch, random);
      return { state: next, outputs: metrics };
    },
    inputs: (update) => [
      batchOf(transitions(update, B, worlds.battle), worlds.battle).batch as HostTree,
      agent.drawUpdate(RandomStream.from(update, "update")),
    ],
  };
}

type MaskedState = { params: Autoencoder; optimiser: TensorTree; step: tf.Tensor };
type MaskedBatch = MaskedInputs & { tokens: tf.Tensor; mask: tf.Tensor };

function transformerSystem(): System {
  const shape = {
    features: 6,
    encoder: { width: 16, depth: 2, heads: 2 },
    decoder: { width: 8, depth: 1, heads: 2 },
  };
  const [T, F] = [8, shape.features];
  // Adam's usual ε turns the rounding of gradients that are zero into whole steps.
  const optimiser = adamw({ beta2: 0.95, weightDecay: 0.05, epsilon: 1e-4 });
  return {
    name: "a masked transformer",
    init: () => {
      const params = initAutoencoder(RandomStream.from(4, "init"), shape) as HostTree;
      return { params, optimiser: optimiser.init(params), step: HostArray.scalar(0) };
    },
    update: ({ params, optimiser: moments, step }: MaskedState, { tokens, mask, ...inputs }: MaskedBatch) => {
      const { value, gradients } = valueAndGradTree(
        (p: Autoencoder) => ({ loss: reconstructionLoss(reconstruct(p, tokens, inputs), tokens, mask), auxiliary: {} }),
        params,
      );
      const next = optimiser.apply({ params, gradients, state: moments, learningRate: 5e-3, step });
      return { state: { params: next.params, optimiser: next.state, step: tf.add(step, 1) }, outputs: { loss: value } };
    },
    inputs: (update) => {
      const rng = RandomStream.from(update, "masked");
      const maskings = Array.from({ length: B }, () => randomMasking(rng, T, { ratio: 0.5 }));
      return [
        {
          tokens: normal(rng, [B, T, F], 1),
          ...stackMaskings(maskings),
          positions: sinCosLine(T, shape.encoder.width),
          decoderPositions: sinCosLine(T, shape.decoder.width),
        },
      ];
    },
  };
}

interface Trained {
  readonly state: HostTree;
  readonly losses: readonly number[];
}

const copied = (tree: HostTree): HostTree => mapTree<HostArray, HostArray>(tree, (leaf) => leaf.clone());

/** What `text` of a safetensors file says, in the shape of `like`. */
const saveAndLoad = (state: HostTree, like: HostTree): HostTree =>
  matchTree(like, nest(decodeSafetensors(Buffer.concat(encodeSafetensors(state)), "memory"), "memory"), "it");

/** `updates` steps; where `saved`, the state passes through a file and into a fresh step after the first. */
async function train(device: Device, system: System, updates: number, saved = false): Promise<Trained> {
  const start = () =>
    StatefulStep.create(
      device,
      system.update,
      system.init(),
      system.inputs(0).map((input) => specOf(input)),
      system.name,
    );
  let step = await start();
  const losses: number[] = [];
  for (let update = 0; update < updates; update++) {
    const { loss } = (await step.run(system.inputs(update))) as { loss: HostArray };
    losses.push(loss.data[0]!);
    if (!saved || update > 0) continue;
    const state = saveAndLoad(await step.read(), system.init());
    step.dispose();
    step = await start();
    step.load(state);
  }
  const state = copied(await step.read());
  step.dispose();
  return { state, losses };
}

const reference = await openDevice("js");

describe.each([aceSystem(), transformerSystem()])("$name", (system) => {
  let want: Trained;
  beforeAll(async () => {
    want = await train(reference, system, 3);
  });

  describe.each(available)("on %s", (name) => {
    it("trains to the reference's state", async () => {
      const got = await train(await openDevice(name, { threads: 1 }), system, 3);
      expect(difference(got.state, want.state, 1e-3, 1e-4)).toBeUndefined();
      for (const [i, loss] of got.losses.entries()) expect(Math.abs(loss / want.losses[i]! - 1)).toBeLessThan(1e-3);
    });

    it("goes on from a saved state as if nothing had happened", async () => {
      const device = await openDevice(name, { threads: 1 });
      expect(await train(device, system, 2, true)).toEqual(await train(device, system, 2));
    });
  });
});

it.each(["js", "wasm"])("ACE's updates on %s leave no tensor behind", async (name) => {
  const system = aceSystem();
  const signature = system.inputs(0).map((input) => specOf(input));
  const step = await StatefulStep.create(await openDevice(name), system.update, system.init(), signature, system.name);
  const inputs = system.inputs(0);
  await step.run(inputs);
  const { numTensors, numBytes } = tf.memory();
  for (let i = 0; i < 20; i++) await step.run(inputs);
  expect(tf.memory()).toMatchObject({ numTensors, numBytes });
  step.dispose();
});
