/**
 * ACE, cooperative multi-agent Q-learning with bidirectional action-dependency (Li et al., AAAI 2023, arXiv 2211.16068).
 *
 * @module
 */
import type * as tf from "@tensorflow/tfjs";
import type { Agent, AgentFamily } from "../../src/agent.js";
import type { EnvironmentSpec } from "../../src/environment.js";
import { BatonError } from "../../src/errors.js";
import { HostArray, type HostTree } from "../../src/tensor/tree.js";
import { explorationOf, explorationRate } from "../exploration.js";
import { act, drawOrder, type Exploration } from "./act.js";
import { seeHeld, seeHeldInBatch } from "./held.js";
import { featureRows, initNetwork, type NetworkParameters } from "./network.js";
import { priorValues } from "./prior.js";
import { type AceSettings, aceSettings } from "./settings.js";
import { type AceState, optimiserOf, update } from "./update.js";

export const ace: AgentFamily<AceSettings> = {
  name: "ace",
  summary: "Agents decide one after another; each is conditioned on those before it and learns from those after it.",
  settings: aceSettings,
  create: createAce,
};

export function createAce(spec: EnvironmentSpec, settings: AceSettings): Agent {
  const { agents: n, actions: A } = spec;
  if (settings.encoder === "transformer" && settings.hidden % settings.heads !== 0) {
    throw new BatonError("invalid-value", `agent.heads is ${settings.heads}, but must divide agent.hidden, ${settings.hidden}`);
  }
  if (spec.untargetedActions < 1) {
    throw new BatonError("incompatible", `${spec.id} has no action without a target, and ACE needs one to do nothing by`, {
      hint: "set untargetedActions to at least 1: the first actions are those without a target",
    });
  }
  if (settings.learningRateEnd > settings.learningRate) {
    throw new BatonError(
      "invalid-value",
      `agent.learningRateEnd is ${settings.learningRateEnd}, but may not be larger than agent.learningRate, ${settings.learningRate}`,
      { hint: "lower agent.learningRateEnd too" },
    );
  }
  const drawExploration = explorationOf(settings, n, A);
  return {
    transition: {
      fields: ["entities", "relations", "alive", "actionMask", "actionTargets"],
      nStep: settings.nStep,
      gamma: settings.gamma,
      ...(settings.priority > 0 && {
        priority: {
          exponent: settings.priority,
          correction: settings.priorityCorrection,
          correctionUpdates: settings.priorityCorrectionUpdates,
        },
      }),
    },
    batchSize: settings.batchSize,
    init(rng, policy) {
      const online = policy ?? (initNetwork(rng, spec, settings) as HostTree);
      return {
        online,
        target: online,
        ...(settings.averageRate < 1 && { average: online }),
        optimiser: optimiserOf(settings).init(online),
        step: HostArray.scalar(0),
      };
    },
    policy: (state) => {
      const { online, average } = state as { online: HostTree; average?: HostTree };
      return average ?? online;
    },
    featureRows,
    explorationRate: (environmentSteps) => explorationRate(settings, environmentSteps),
    drawExploration: (rng, rate, copies, lasting) => ({
      ...drawExploration(rng, rate, copies, lasting),
      order: drawOrder(rng, copies, n, rate > 0 ? settings.order : "fixed"),
    }),
    drawUpdate: (rng) => ({ order: drawOrder(rng, settings.batchSize, n, settings.order) }),
    act: (policy, step, exploration) =>
      act(policy as NetworkParameters, seeHeld(step, spec), exploration as Exploration, settings.order),
    priorValues: (policy, step) => priorValues(policy as NetworkParameters, seeHeld(step, spec)),
    update: (state, batch, random) =>
      update(state as AceState, seeHeldInBatch(batch, spec), (random as { order: tf.Tensor }).order, spec, settings),
  };
}
