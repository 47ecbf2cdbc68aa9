/** `baton export`: plain ONNX Runtime decides as the agent does, step after step, with nothing of Baton between. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import protobuf from "protobufjs";
import { afterAll, describe, expect, it, vi } from "vitest";
import { exportCommand } from "../src/cli/export.js";
import { allocateVectorTimeStep } from "../src/environments/timestep.js";
import { BatonError } from "../src/errors.js";
import { openDevice } from "../src/tensor/devices.js";
import { RandomStream } from "../src/tensor/random.js";
import { type HostTree, mapTree, type HostArray as Numbers } from "../src/tensor/tree.js";
import { type Experiment, resolveExperiment } from "../src/training/experiment.js";
import { type ExportedPolicy, exportPolicy } from "../src/training/export.js";
import { Actor } from "../src/training/policy.js";
import { beginRun, trainRun } from "../src/training/session.js";

const folder = mkdtempSync(join(tmpdir(), "baton-export-"));
afterAll(() => rmSync(folder, { recursive: true }));

const experimentOf = (settings: Record<string, unknown>) => resolveExperiment({ settings, origin: () => undefined });

/** Weights away from their start, where biases are zero and values are close to one another. */
function perturbed(experiment: Experiment): HostTree {
  const { agent } = experiment;
  const rng = RandomStream.from(9, "weights");
  const policy = agent.policy(agent.init(RandomStream.from(8, "init")));
  return mapTree<Numbers, Numbers>(policy, (leaf) => {
    const copy = leaf.clone();
    if (copy.dtype === "float32") for (let i = 0; i < copy.data.length; i++) copy.data[i]! += 0.3 * rng.normal();
    return copy;
  });
}

/** What ONNX's own schema says of a model's outside. */
const outside = protobuf
  .parse(`
    syntax = "proto3";
    message Model {
      int64 ir_version = 1; string producer_name = 2; string producer_version = 3; string doc_string = 6; Graph graph = 7;
      repeated OperatorSet opset_import = 8; repeated Property metadata_props = 14;
    }
    message OperatorSet { string domain = 1; int64 version = 2; }
    message Property { string key = 1; string value = 2; }
    message Graph { repeated Node node = 1; }
    message Node { string op_type = 4; string domain = 7; }
  `)
  .root.lookupType("Model");

interface Outside {
  readonly docString: string;
  readonly producerName: string;
  readonly graph: { readonly node: readonly { readonly opType: string; readonly domain?: string }[] };
  readonly opsetImport: readonly { readonly domain?: string; readonly version: string }[];
  readonly metadataProps: readonly { readonly key: string; readonly value: string }[];
}

const describeModel = (bytes: Uint8Array) => outside.toObject(outside.decode(bytes), { longs: String }) as Outside;

type Fields = Record<string, Float32Array | Int32Array | Uint8Array>;

/** Plays `steps` steps of E copies with the exported model alone; at each step the agent is asked, too. */
async function playBoth(experiment: Experiment, policy: HostTree, exported: ExportedPolicy, copies: number, steps: number) {
  const { agent, spec, environment } = experiment;
  const session = await ort.InferenceSession.create(exported.bytes);
  const played = await environment.vectorize(copies, { ...experiment.config, envThreads: 0 });
  const step = allocateVectorTimeStep(spec, copies);
  const actor = await Actor.create(await openDevice("cpu", { threads: 1 }), agent, spec, policy, step);
  const exploration = agent.drawExploration(RandomStream.from(0), 0, copies);
  const everybody = Array.from({ length: copies }, (_, i) => i);
  await played.reset(everybody, everybody, step);
  const chosen = new Set<number>();
  /** As whoever uses the model keeps it. */
  const memories: Fields = {};
  for (const [name, { shape, dtype }] of Object.entries(exported.inputs)) {
    const size = shape.reduce((product, length) => product * length, 1);
    if (name.startsWith("memory_")) memories[name] = dtype === "float32" ? new Float32Array(size) : new Int32Array(size);
  }
  for (let t = 0; t < steps; t++) {
    const feeds = Object.entries(exported.inputs).map(([name, { dtype, shape }]) => {
      const data = (memories[name] ?? (step as unknown as Fields)[name]!) as Float32Array;
      return [name, new ort.Tensor(dtype, data, shape as number[])] as const;
    });
    const results = await session.run(Object.fromEntries(feeds));
    const mine = await actor.act(policy, exploration);
    expect([...(results.actions!.data as Int32Array)]).toEqual([...mine.actions.data]);
    expect([...(results.order!.data as Int32Array)]).toEqual([...mine.order.data]);
    const values = results.values!.data as Float32Array;
    for (let i = 0; i < values.length; i++) expect(values[i]).toBeCloseTo(mine.values!.data[i]!, 4);
    const actions = Int32Array.from(results.actions!.data as Int32Array);
    for (const action of actions) chosen.add(action);
    await played.step(actions, step);
    const over = everybody.filter((copy) => step.terminated[copy] || step.truncated[copy]);
    if (over.length > 0) await played.reset(over, over, step);
    actor.forget(over);
    for (const [name, memory] of Object.entries(memories)) {
      memory.set(results[`next_${name}`]!.data as Float32Array);
      for (const copy of over) memory.fill(0, (copy * memory.length) / copies, ((copy + 1) * memory.length) / copies);
    }
  }
  actor.dispose();
  await session.release();
  await played.close?.();
  return chosen;
}

describe.each([
  { name: "ace", settings: { agent: { name: "ace", hidden: 16 }, env: { id: "skirmish/2s3z" } } },
  {
    name: "ace's transformer",
    settings: { agent: { name: "ace", hidden: 16, encoder: "transformer" }, env: { id: "skirmish/3m" } },
  },
  { name: "iql", settings: { agent: { name: "iql" }, env: { id: "matrix/climbing" } } },
  { name: "student", settings: { agent: { name: "student", width: 16, window: 4 }, env: { id: "skirmish/3m" } } },
])("$name", ({ settings }) => {
  it("plays alike as an exported model", async () => {
    const experiment = await experimentOf(settings);
    const policy = perturbed(experiment);
    const exported = await exportPolicy(experiment, policy, 0, 3);
    const chosen = await playBoth(experiment, policy, exported, 3, 25);
    if (experiment.spec.id.startsWith("skirmish")) expect(chosen.size).toBeGreaterThan(2);
  });

  it("is made of standard operators, and says what it is", async () => {
    const experiment = await experimentOf(settings);
    const exported = await exportPolicy(experiment, perturbed(experiment), 1234);
    const model = describeModel(exported.bytes);
    expect(model.opsetImport).toEqual([{ version: "18" }]);
    expect(model.graph.node.filter(({ domain }) => domain)).toEqual([]);
    const metadata = Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value]));
    expect(metadata).toMatchObject({
      "baton.env": experiment.config.env.id,
      "baton.agent": experiment.config.agent.name,
      "baton.checkpoint": "1234",
      "baton.agents": String(experiment.spec.agents),
      "baton.batch": "1",
    });
    expect(JSON.parse(metadata["baton.action_names"]!)).toEqual(experiment.spec.actionNames);
    expect(model.producerName).toBe("baton");
    expect(model.docString).toContain(experiment.config.env.id);
    const session = await ort.InferenceSession.create(exported.bytes);
    expect([...session.inputNames].sort()).toEqual(Object.keys(exported.inputs).sort());
    expect([...session.outputNames].slice(0, 3)).toEqual(["actions", "values", "order"]);
    const kept = [...session.inputNames].filter((name) => name.startsWith("memory_")).map((name) => `next_${name}`);
    expect([...session.outputNames].slice(3).sort()).toEqual(kept.sort());
    expect(kept.length).toBe(experiment.agent.memory ? 3 : 0);
    await session.release();
  });
});

describe("baton export", () => {
  const settings = {
    env: { id: "matrix/climbing" },
    agent: { name: "ace", hidden: 8, batchSize: 8 },
    training: { environmentSteps: 64, warmupSteps: 16 },
    evaluation: { everySteps: 32, episodes: 4 },
  };

  it("writes the policy of a trained run", async () => {
    const experiment = await experimentOf(settings);
    const path = join(folder, "run");
    await trainRun(beginRun(path, experiment), experiment, await openDevice("cpu", { threads: 1 }));
    const file = join(folder, "policy.onnx");
    const print = vi.spyOn(process.stdout, "write").mockReturnValue(true);
    await exportCommand().parseAsync([path, "--onnx", file, "--batch", "2"], { from: "user" });
    const printed = print.mock.calls.map(([text]) => String(text)).join("");
    print.mockRestore();
    expect(printed).toContain(`wrote ${file}`);
    expect(printed).toMatch(/actions +int32 \[2, 2\]/);
    const { graph } = describeModel(readFileSync(file));
    expect(graph.node.length).toBeGreaterThan(5);
  });

  it.each([
    ["a run that is not there", [join(folder, "nowhere"), "--onnx", join(folder, "a.onnx")]],
    ["a folder that is not there", [join(folder, "run"), "--onnx", join(folder, "no/such/folder/a.onnx")]],
    ["no checkpoint of that step", [join(folder, "run"), "--onnx", join(folder, "a.onnx"), "--checkpoint", "77"]],
    ["a batch of none", [join(folder, "run"), "--onnx", join(folder, "a.onnx"), "--batch", "0"]],
  ])("refuses %s in a sentence and writes nothing", async (_, given) => {
    const error = await exportCommand()
      .parseAsync(given, { from: "user" })
      .catch((reason) => reason);
    expect(error).toBeInstanceOf(BatonError);
    expect(existsSync(join(folder, "a.onnx"))).toBe(false);
  });
});
