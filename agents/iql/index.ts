/**
 * IQL, independent Q-learning: the baseline that treats the other agents as part of the world.
 *
 * @module
 */
import type { Agent, AgentFamily } from "../../src/agent.js";
import type { EnvironmentSpec } from "../../src/environment.js";
import { HostArray, type HostTree } from "../../src/tensor/tree.js";
import { explorationOf, explorationRate } from "../exploration.js";
import { act, type Exploration } from "./act.js";
import { initNetwork, type NetworkParameters } from "./network.js";
import { type IqlSettings, iqlSettings } from "./settings.js";
import { type IqlState, optimiser, update } from "./update.js";

export const iql: AgentFamily<IqlSettings> = {
  name: "iql",
  summary: "Every agent learns its own Q from its own observation, as if alone.",
  settings: iqlSettings,
  create: createIql,
};

export function createIql(spec: EnvironmentSpec, settings: IqlSettings): Agent {
  const { agents: n, actions: A } = spec;
  return {
    transition: { fields: ["observations", "actionMask"], nStep: settings.nStep, gamma: settings.gamma },
    batchSize: settings.batchSize,
    init(rng, policy) {
      const online = policy ?? (initNetwork(rng, spec, settings.hidden) as HostTree);
      return { online, target: online, optimiser: optimiser.init(online), step: HostArray.scalar(0) };
    },
    policy: (state) => (state as { online: HostTree }).online,
    explorationRate: (environmentSteps) => explorationRate(settings, environmentSteps),
    drawExploration: explorationOf(settings, n, A),
    drawUpdate: () => ({}),
    act: (policy, step, exploration) => act(policy as NetworkParameters, step, exploration as Exploration),
    update: (state, batch) => update(state as IqlState, batch, settings),
  };
}
