/**
 * Students: decentralised policies that imitate a trained team. Each agent sees its own observations only, so they can act where no
 * central decision maker is (the practicability study of the ACE paper). `baton distill` makes them.
 *
 * @module
 */
import type { Agent, AgentFamily, WindowTensors } from "../../src/agent.js";
import type { EnvironmentSpec } from "../../src/environment.js";
import { BatonError } from "../../src/errors.js";
import { HostArray, type HostTree } from "../../src/tensor/tree.js";
import { act, blankMemory, type Memory } from "./act.js";
import { initNetwork, type NetworkParameters } from "./network.js";
import { type StudentSettings, studentSettings } from "./settings.js";
import { optimiser, type StudentState, update } from "./update.js";

export const student: AgentFamily<StudentSettings> = {
  name: "student",
  summary: "Every agent by itself, from its own observations over time, as a trained team taught it (made by baton distill).",
  settings: studentSettings,
  create: createStudent,
};

export function createStudent(spec: EnvironmentSpec, settings: StudentSettings): Agent {
  if (settings.width % settings.heads !== 0) {
    throw new BatonError("invalid-value", `agent.heads is ${settings.heads}, but must divide agent.width, ${settings.width}`);
  }
  if (settings.learningRateEnd > settings.learningRate) {
    throw new BatonError(
      "invalid-value",
      `agent.learningRateEnd is ${settings.learningRateEnd}, but may not be larger than agent.learningRate, ${settings.learningRate}`,
      { hint: "lower agent.learningRateEnd too" },
    );
  }
  return {
    transition: { fields: ["observations", "actionMask"], nStep: 1, gamma: 1 },
    batchSize: settings.batchSize,
    imitates: { window: settings.window },
    init(rng, policy) {
      const online = policy ?? (initNetwork(rng, spec, settings) as HostTree);
      return { online, optimiser: optimiser.init(online), step: HostArray.scalar(0) };
    },
    policy: (state) => (state as { online: HostTree }).online,
    explorationRate: () => 0,
    drawExploration: () => ({}),
    drawUpdate: () => ({}),
    memory: (copies) => blankMemory(spec, settings.window, copies) as HostTree,
    act: (policy, step, _exploration, memory) => act(policy as NetworkParameters, step, memory as Memory),
    update: (state, batch) => update(state as StudentState, batch as unknown as WindowTensors, settings),
  };
}
