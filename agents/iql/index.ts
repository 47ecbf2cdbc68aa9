/**
 * IQL, independent Q-learning: the baseline that treats the other agents as part of the world.
 *
 * @module
 */
import type { Agent, AgentFamily } from "../../src/agent.js";
import type { EnvironmentSpec } from "../../src/environment.js";
import { HostArray, type HostTree } from "../../src/tensor/tree.js";
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
    explorationRate(environmentSteps) {
      const { explorationStart: from, explorationEnd: to, explorationSteps } = settings;
      return from + (to - from) * Math.min(1, environmentSteps / explorationSteps);
    },
    drawExploration(rng, rate, copies) {
      const explore = new Uint8Array(copies * n);
      const scores = new Float32Array(copies * n * A);
      if (rate > 0) {
        for (let i = 0; i < explore.length; i++) explore[i] = rng.uniform() < rate ? 1 : 0;
        for (let i = 0; i < scores.length; i++) scores[i] = rng.uniform();
      }
      return { explore: HostArray.bool(explore, copies, n), scores: HostArray.float32(scores, copies, n, A) };
    },
    drawUpdate: () => ({}),
    act: (policy, step, exploration) => act(policy as NetworkParameters, step, exploration as Exploration),
    update: (state, batch) => update(state as IqlState, batch, settings),
  };
}
