/** From settings to parts: checks a whole configuration and makes its environment and agent. */
import { agentFamily } from "../../agents/index.js";
import { type OpenedEnvironment, openEnvironment } from "../../envs/index.js";
import type { Agent } from "../agent.js";
import type { EnvironmentSpec } from "../environment.js";
import { checkSettings, type SettingIssue, settingsError } from "../validation.js";
import { type Config, configSchema } from "./config.js";
import { locateIssues, type SettingLayer, type SettingPath } from "./layers.js";

/** A checked experiment. */
export interface Experiment {
  /** Every setting with its value, those of the environment and the agent included: what config.yaml holds. */
  readonly config: Config;
  readonly spec: EnvironmentSpec;
  readonly agent: Agent;
  /** What its copies are opened from. */
  readonly environment: OpenedEnvironment;
}

/**
 * Checks the settings and builds the parts.
 *
 * @throws BatonError with every mistake, and where it was written, of the first part that has any: the experiment, the agent, the environment.
 */
export async function resolveExperiment(layer: SettingLayer): Promise<Experiment> {
  const fail = (issues: readonly SettingIssue[], base: SettingPath = []): never => {
    throw settingsError(locateIssues(issues, base, layer));
  };
  const checked = checkSettings(configSchema, layer.settings);
  if (checked.issues !== undefined) return fail(checked.issues);
  const config = checked.value;

  const { name, ...agentInput } = config.agent;
  const family = agentFamily(name);
  const settings = checkSettings(family.settings, agentInput, "agent");
  if (settings.issues !== undefined) return fail(settings.issues, ["agent"]);

  const { id, ...environmentInput } = config.env;
  const opened = await openEnvironment(id, environmentInput, (issues) => fail(issues, ["env"]));
  const spec = await opened.spec(config);
  const agentSettings = settings.value as Record<string, unknown>;
  return {
    config: { ...config, env: { id, ...opened.options }, agent: { name, ...agentSettings } },
    spec,
    agent: family.create(spec, agentSettings as never),
    environment: opened,
  };
}
