/** A trained team as a standard ONNX model, for programs that know nothing of Baton. */
import * as tf from "@tensorflow/tfjs";
import type { StepTensors } from "../agent.js";
import { packageVersion } from "../package.js";
import { fieldSpec } from "../replay/layout.js";
import { initialiseBackend } from "../tensor/backend.js";
import { encodeOnnx } from "../tensor/onnx.js";
import { optimise } from "../tensor/passes/index.js";
import { RandomStream } from "../tensor/random.js";
import { trace } from "../tensor/trace/trace.js";
import { type ArraySpec, type HostArray, type HostTree, leavesOf, mapTree, type TensorTree, unflatten } from "../tensor/tree.js";
import type { Experiment } from "./experiment.js";

/** What the model holds besides its weights, for `metadata_props`. All values are text; lists are JSON. */
function metadataOf({ config, spec }: Experiment, checkpoint: number, batch: number): Record<string, string> {
  return {
    "baton.version": packageVersion(),
    "baton.env": config.env.id,
    "baton.agent": config.agent.name,
    "baton.checkpoint": String(checkpoint),
    "baton.batch": String(batch),
    "baton.agents": String(spec.agents),
    "baton.entities": String(spec.entities),
    "baton.actions": String(spec.actions),
    "baton.untargeted_actions": String(spec.untargetedActions),
    "baton.entity_features": String(spec.entityFeatures),
    "baton.relation_features": String(spec.relationFeatures),
    "baton.action_names": JSON.stringify(spec.actionNames),
    "baton.settings": JSON.stringify(config.agent),
  };
}

/** An ONNX file and the arrays that it takes and gives, by name. */
export interface ExportedPolicy {
  readonly bytes: Uint8Array;
  readonly inputs: Readonly<Record<string, ArraySpec>>;
  readonly outputs: Readonly<Record<string, ArraySpec>>;
}

/**
 * The greedy policy as an ONNX model of standard operators (opset 18): it takes the time-step fields that the agent reads, each
 * [batch, …] under its name in the environment's contract, and gives `actions` [batch, n], `values` [batch, n, A] and `order`
 * [batch, n]. The weights are inside. Of an agent that remembers it takes `memory_…` too, zeros at the start of an episode, and gives as
 * `next_memory_…` what it shall be given at the next step.
 *
 * @param batch Copies that decide at once; fixed in the model.
 * @param checkpoint Environment steps that the policy was trained for.
 */
export async function exportPolicy(
  experiment: Experiment,
  policy: HostTree,
  checkpoint: number,
  batch = 1,
): Promise<ExportedPolicy> {
  // What tracing goes back to; started by itself it would advertise its native sibling on the console.
  await initialiseBackend("cpu");
  const { agent, spec, config } = experiment;
  const greedy = agent.drawExploration(RandomStream.from(0), 0, batch);
  const fields = Object.fromEntries(
    agent.transition.fields.map((field) => {
      const { shape, dtype } = fieldSpec(spec, field);
      return [field, { shape: [batch, ...shape], dtype }];
    }),
  );
  const memory = agent.memory?.(batch) ?? {};
  const remembered = leavesOf<HostArray>(memory).map(({ path, leaf: { shape, dtype } }) => [path, { shape, dtype }] as const);
  const memories = Object.fromEntries(remembered.map(([path, spec]) => [`memory_${path}`, spec]));
  // Numbers become constants of the model.
  const constant = (tree: HostTree): TensorTree =>
    mapTree<HostArray, tf.Tensor>(tree, ({ data, shape, dtype }) => tf.tensor(data, [...shape], dtype));
  const act = (step: StepTensors, before: Record<string, tf.Tensor>): TensorTree => {
    const given = unflatten<HostArray, tf.Tensor>(memory, Object.values(before));
    const chosen = agent.act(constant(policy), step, constant(greedy), agent.memory && given);
    const { actions, values, order } = chosen;
    const after = leavesOf<tf.Tensor>(chosen.memory ?? {}).map(({ path, leaf }) => [`next_memory_${path}`, leaf]);
    return { actions, values, order, ...Object.fromEntries(after) };
  };
  const { graph, outputs } = trace(act, [fields, memories], "policy");
  const team = `${spec.agents} agents of ${config.env.id}`;
  const { bytes, inputNames } = encodeOnnx(optimise(graph), "policy", {
    inputNames: [...Object.keys(fields), ...Object.keys(memories)],
    outputNames: Object.keys(outputs),
    producerVersion: packageVersion(),
    documentation: `Greedy ${config.agent.name} policy for the ${team}, ${batch} at a time. An agent's action a is named by entry a of baton.action_names.`,
    metadata: metadataOf(experiment, checkpoint, batch),
  });
  const read = Object.entries({ ...fields, ...memories }).filter(([name]) => inputNames.includes(name));
  return { bytes, inputs: Object.fromEntries(read), outputs: outputs as Record<string, ArraySpec> };
}
