import * as tf from "@tensorflow/tfjs";
import { describe, expect, it, vi } from "vitest";
import { student } from "../../agents/student/index.js";
import { studentSettings } from "../../agents/student/settings.js";
import type { Agent } from "../agent.js";
import type { Environment, VectorEnvironment } from "../environment.js";
import { LostEpisodes } from "../environments/lost.js";
import { completeSpec } from "../environments/spec.js";
import { allocateVectorTimeStep } from "../environments/timestep.js";
import { vectorize } from "../environments/vectorize.js";
import { WindowStore } from "../replay/windows.js";
import { openDevice } from "../tensor/devices.js";
import { RandomStream } from "../tensor/random.js";
import { HostArray } from "../tensor/tree.js";
import { configSchema } from "./config.js";
import { Distillation } from "./distillation.js";
import type { Evaluation } from "./evaluator.js";

/** Each of two agents is told a number at the start, waits (0) and must name it at the end; the entities say what to do all the time. */
function remembering(): Environment {
  let told: number[] = [];
  let t = 0;
  let right = true;
  return {
    spec: { id: "remember", agents: 2, actions: 3, observationSize: 3, entityFeatures: 3, episodeLimit: 4 },
    reset(seed, out) {
      const rng = RandomStream.from(seed);
      told = [rng.integer(3), rng.integer(3)];
      [t, right] = [0, true];
      told.forEach((number, i) => {
        out.observations[i * 3 + number] = 1;
        out.entities[i * 3] = 1;
      });
    },
    step(actions, out) {
      right &&= told.every((number, i) => actions[i] === (t === 3 ? number : 0));
      t += 1;
      out.observations.fill(0);
      out.entities.fill(0);
      told.forEach((number, i) => {
        out.entities[i * 3 + (t === 3 ? number : 0)] = 1;
      });
      out.reward = right ? 1 : 0;
      out.terminated = t === 4;
      out.info = { won: right };
    },
  };
}

const spec = completeSpec(remembering().spec);

/** Does what it sees in the entities. */
const seer = {
  transition: { fields: ["entities", "actionMask"], nStep: 1, gamma: 1 },
  batchSize: 1,
  init: () => ({ none: HostArray.scalar(0) }),
  policy: (state) => state,
  explorationRate: () => 0,
  drawExploration: () => ({}),
  drawUpdate: () => ({}),
  act: (_policy, step) => ({
    actions: tf.cast(tf.argMax(step.entities, 2), "int32"),
    values: tf.clone(step.entities),
    order: tf.tile(tf.tensor2d([[0, 1]], [1, 2], "int32"), [step.entities.shape[0]!, 1]),
  }),
  update: () => {
    throw new Error("it knows all there is");
  },
} satisfies Agent;

async function distil(window: number): Promise<{ last: Evaluation; agreement: number }> {
  const training = { environmentSteps: 6000, copies: 8, updatesPerStep: 0.1, warmupSteps: 100, replayCapacity: 4000 };
  const evaluation = { everySteps: 6000, episodes: 32 };
  const distillation = await Distillation.create({
    config: configSchema.parse({ env: { id: "remember" }, training, evaluation }),
    spec,
    device: await openDevice("cpu", { threads: 1 }),
    teacher: { agent: seer, policy: seer.init() },
    student: student.create(spec, studentSettings.parse({ width: 16, heads: 2, window, learningRate: 0.01 })),
    environment: vectorize(remembering, training.copies),
    evaluationEnvironment: vectorize(remembering, evaluation.episodes),
  });
  let last: Evaluation | undefined;
  let agreement = 0;
  await distillation.run({
    onEvaluation(record, result) {
      last = result;
      agreement = record.agreement!;
    },
  });
  distillation.dispose();
  return { last: last!, agreement };
}

describe("distillation", () => {
  it("students learn to remember what their teacher sees", async () => {
    const { last, agreement } = await distil(4);
    expect(last.winRate).toBe(1);
    expect(agreement).toBeGreaterThan(0.9);
  });

  it("and cannot know it without memory", async () => {
    const { last } = await distil(1);
    expect(last.winRate).toBeLessThan(0.7);
  });
});

/** Repeats what its agent is said to have done before: its label at each step is `previous`. */
const echo = {
  ...seer,
  memory: (copies: number) => ({ previous: HostArray.zeros({ shape: [copies, 2], dtype: "int32" }) }),
  act: (_policy, step, _exploration, memory) => ({
    ...seer.act(_policy, step),
    actions: tf.mod((memory as { previous: tf.Tensor }).previous, tf.scalar(3, "int32")),
    // what it would do itself is not what is done
    memory: { previous: tf.zerosLike((memory as { previous: tf.Tensor }).previous) },
  }),
} satisfies Agent;

describe("whoever teaches", () => {
  const small = { environmentSteps: 400, copies: 4, updatesPerStep: 0.1, warmupSteps: 8, replayCapacity: 400 };
  const parts = async (environment: VectorEnvironment, agent: Agent) => ({
    config: configSchema.parse({ env: { id: "remember" }, training: small, evaluation: { everySteps: 400, episodes: 4 } }),
    spec,
    device: await openDevice("cpu", { threads: 1 }),
    teacher: { agent, policy: seer.init() },
    student: student.create(spec, studentSettings.parse({ width: 8, heads: 2, window: 2 })),
    environment,
    evaluationEnvironment: vectorize(remembering, 4),
  });

  it("remembers what was done, not what it would have done", async () => {
    const record = vi.spyOn(WindowStore.prototype, "record");
    const distillation = await Distillation.create(await parts(vectorize(remembering, 4), echo));
    const seen = new Set<number>();
    record.mockImplementation((_step, _steps, previous, labels) => {
      expect([...labels]).toEqual([...previous].map((action) => action % 3));
      for (const action of previous) seen.add(action);
    });
    vi.spyOn(WindowStore.prototype, "sample").mockImplementation(() => {});
    await distillation.run();
    distillation.dispose();
    vi.restoreAllMocks();
    expect(seen.size).toBeGreaterThan(2);
  });

  it("goes on with new episodes where simulators broke", async () => {
    const inner = vectorize(remembering, 4);
    let [steps, resets] = [0, 0];
    const breaking: VectorEnvironment = {
      ...inner,
      spec,
      copies: 4,
      reset(copies, seeds, out) {
        resets += 1;
        if (resets === 5) throw new LostEpisodes("kill -9");
        return inner.reset(copies, seeds, out);
      },
      step(actions, out) {
        steps += 1;
        if (steps === 10) throw new LostEpisodes("kill -9");
        return inner.step(actions, out);
      },
    };
    const distillation = await Distillation.create(await parts(breaking, seer));
    await distillation.run();
    distillation.dispose();
    expect(distillation.environmentSteps).toBe(400);
    expect(steps).toBe(101); // one was lost
  });
});

describe("WindowStore", () => {
  it("gives windows of whole episodes' steps, in the order of time", () => {
    const store = new WindowStore(spec, { lanes: 2, capacity: 60 });
    const step = allocateVectorTimeStep(spec, 2);
    const rng = RandomStream.from(2);
    const ages = [0, 0];
    for (let t = 0; t < 100; t++) {
      // every number tells time, copy and agent
      step.observations.forEach((_, k) => {
        step.observations[k] = t * 100 + k;
      });
      const own = (offset: number) => Int32Array.from({ length: 4 }, (_, k) => t * 10 + k + offset);
      store.record(step, ages, own(0), own(1));
      for (const copy of [0, 1]) ages[copy] = rng.uniform() < 0.2 ? 0 : ages[copy]! + 1;
    }
    expect(store.rows).toBe(60);
    const [B, W] = [200, 5];
    const batch = store.allocate(B, W);
    store.sample(batch, rng);
    let partial = 0;
    for (let b = 0; b < B; b++) {
      const firstOf = (w: number) => batch.observations.data[(b * W + w) * 6]!;
      const last = Math.floor(firstOf(W - 1) / 100);
      expect(last).toBeGreaterThanOrEqual(70);
      const copy = (firstOf(W - 1) - last * 100) / 6;
      for (let w = 0; w < W; w++) {
        const t = last - (W - 1 - w);
        const valid = batch.valid.data[b * W + w] === 1;
        expect(firstOf(w)).toBe(valid ? t * 100 + copy * 6 : 0);
        expect(batch.labels.data[(b * W + w) * 2]).toBe(valid ? t * 10 + copy * 2 + 1 : 0);
        if (!valid) partial += 1;
        // once valid, valid to the end
        if (w > 0 && batch.valid.data[b * W + w - 1] === 1) expect(valid).toBe(true);
      }
    }
    expect(partial).toBeGreaterThan(20);
  });
});
