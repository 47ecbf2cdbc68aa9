import type { OpenedEnvironment } from "../environments/opened.js";
import { launcherOf } from "./launch/index.js";
import { openPythonEnvironment, type PythonOptions } from "./python.js";
import type { SimulatorSettings } from "./settings.js";

/**
 * An environment that hosts serve.
 *
 * @param id `python:` and what `baton_host --env` is told.
 * @param options keyword arguments of the environment's class.
 */
export function servedEnvironment(id: string, options: OpenedEnvironment["options"]): OpenedEnvironment {
  const open = (copies: number, simulators: SimulatorSettings) =>
    openPythonEnvironment(id, copies, hostOptions(simulators, options));
  return {
    options,
    served: { environment: id.replace(/^python:/, ""), options },
    policies: {},
    async spec({ simulators }) {
      const env = await open(1, simulators);
      await env.close?.();
      return env.spec;
    },
    vectorize: (copies, { simulators }) => open(copies, simulators),
  };
}

function hostOptions(settings: SimulatorSettings, options: OpenedEnvironment["options"]): PythonOptions {
  return {
    options,
    launcher: launcherOf(settings),
    patience: { start: settings.startSeconds, answer: settings.answerSeconds },
  };
}
