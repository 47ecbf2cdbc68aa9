import { createAce } from "../../../agents/ace/index.js";
import { aceSettings } from "../../../agents/ace/settings.js";
import { skirmish } from "../../../envs/skirmish/index.js";
import { skirmishOptions } from "../../../envs/skirmish/options.js";
import type { BatchTensors, StepTensors } from "../../agent.js";
import type { EnvironmentSpec } from "../../environment.js";
import { completeEnvironment } from "../../environments/complete.js";
import { RandomStream } from "../../tensor/random.js";
import type { HostArray, HostTree, TensorTree } from "../../tensor/tree.js";
import { randomBatch, randomSteps } from "./batches.js";
import { named, type PeerOf, sumOf, type Work } from "./work.js";

/** The sizes of a map of skirmish. */
const sizesOf = (map: string): EnvironmentSpec => completeEnvironment(skirmish.make(map, skirmishOptions.parse({}))).spec;

/** The peers know one encoder, and its parameters by name without it. */
const flatNames = (arrays: ReturnType<typeof named>) =>
  arrays.map(([name, array]) => [name.replace("/encoder/", "/"), array] as const);

/** What an update learns from, and how much faster than each peer it shall be. */
export interface UpdateOptions {
  /** `environment` is what the authors' code does: only there is it a peer. */
  readonly target?: "sequential" | "environment";
  readonly lean?: number;
  readonly authors?: number;
}

/** One learner update of ACE's relational network: forward passes, gradient, RMSprop, slow target. */
export function aceUpdate(
  map: string,
  hidden: number,
  batchSize: number,
  { target = "sequential", lean, authors }: UpdateOptions,
): Work {
  const spec = sizesOf(map);
  const settings = aceSettings.parse({ hidden, batchSize, target, order: "fixed" });
  const agent = createAce(spec, settings);
  const state = agent.init(RandomStream.from(1, "weights"));
  const batch = randomBatch(RandomStream.from(2, "batch"), batchSize, spec) as unknown as HostTree;
  const random = agent.drawUpdate(RandomStream.from(3, "order"));
  const arrays = [...flatNames(named("state/", state)), ...named("batch/", batch), ...named("random/", random)];
  const { learningRate, targetRate } = settings;
  const shared = { learningRate, targetRate, predicted: spec.predictedFeatures, target };
  const peer = (name: string, what: string, times: number | undefined): PeerOf[] =>
    times === undefined ? [] : [{ name, script: "ace.py", settings: { what, ...shared }, arrays, target: 1 / times, same: true }];
  return {
    name: `ACE update, ${map}, H ${hidden}, B ${batchSize}, ${target} target`,
    kind: "step",
    first: state,
    inputs: [batch, random],
    fn: (s: TensorTree, b: TensorTree, r: TensorTree) => {
      const { state: next, metrics } = agent.update(s, b as unknown as BatchTensors, r);
      return { state: next, outputs: metrics };
    },
    check: (outputs) => (outputs as { loss: HostArray }).loss.data[0]!,
    peers: [...peer("PyTorch, same arithmetic", "update", lean), ...peer("PyTorch, authors' arithmetic", "authors", authors)],
    runs: hidden > 128 ? 1 : 6,
  };
}

/** The greedy joint actions of `copies` environments at once. */
export function aceAct(map: string, hidden: number, copies: number): Work {
  const spec = sizesOf(map);
  const settings = aceSettings.parse({ hidden, order: "fixed" });
  const agent = createAce(spec, settings);
  const policy = agent.policy(agent.init(RandomStream.from(1, "weights")));
  const steps = randomSteps(RandomStream.from(2, "steps"), copies, spec);
  const exploration = agent.drawExploration(RandomStream.from(3, "exploration"), 0, copies);
  const order = (exploration as { order: HostArray }).order;
  const arrays = [...flatNames(named("state/online/", policy)), ...named("step/", steps), ["order", order] as const];
  return {
    name: `ACE act, ${map}, H ${hidden}, ${copies} environments`,
    kind: "function",
    first: policy,
    inputs: [steps, exploration],
    fn: (p: TensorTree, s: TensorTree, e: TensorTree) =>
      agent.act(p, s as unknown as StepTensors, e) as unknown as Record<string, TensorTree>,
    check: (outputs) => sumOf((outputs as { actions: HostArray }).actions),
    peers: [
      { name: "PyTorch, same arithmetic", what: "act", same: true },
      { name: "PyTorch, authors' arithmetic", what: "act-authors", same: true },
    ].map(({ name, what, same }) => ({ name, script: "ace.py", settings: { what }, arrays, target: 1 / 3, same })),
    runs: hidden > 128 ? 4 : 40,
  };
}
