import type { VectorEnvironment } from "../environment.js";
import { joinEnvironments } from "../environments/join.js";
import type { OpenedEnvironment, Warn } from "../environments/opened.js";
import { shares } from "./client.js";
import type { RunningHost } from "./host.js";
import { launcherOf } from "./launch/index.js";
import { pythonLocation } from "./python.js";
import type { SimulatorSettings } from "./settings.js";
import { SupervisedHost } from "./supervisor.js";

/**
 * An environment that hosts serve.
 *
 * @param id its name for people; `python:module:Class` says by itself what is served.
 * @param options keyword arguments of the environment's class.
 * @param environment what `baton_host --env` is told.
 */
export function servedEnvironment(
  id: string,
  options: OpenedEnvironment["options"],
  environment = pythonLocation(id),
): OpenedEnvironment {
  const open = async (copies: number, simulators: SimulatorSettings, warn?: Warn) => {
    const launcher = launcherOf(simulators);
    const launch = (share: number) => launcher.launch({ environment, copies: share, options });
    // Of hosts that run already, all are used.
    const hosts = Math.max(simulators.hosts, launcher.hosts?.({ environment, copies, options }) ?? 1);
    return openFleet(id, launch, copies, { ...simulators, hosts }, warn);
  };
  return {
    options,
    served: { environment, options },
    policies: {},
    async spec({ simulators }) {
      const env = await open(1, { ...simulators, hosts: 1 });
      await env.close?.();
      return env.spec;
    },
    vectorize: (copies, { simulators }, warn) => open(copies, simulators, warn),
  };
}

/**
 * Shares `copies` copies out to supervised hosts that are started at the same time.
 *
 * @throws BatonError when one of them cannot be started; then none is left running.
 */
async function openFleet(
  id: string,
  launch: (copies: number) => RunningHost,
  copies: number,
  simulators: SimulatorSettings,
  warn?: Warn,
): Promise<VectorEnvironment> {
  const failed = new AbortController();
  const outcomes = await Promise.allSettled(
    shares(copies, simulators.hosts).map(([first, end]) => {
      const share = end - first;
      const start = SupervisedHost.start({ id, launch: () => launch(share), copies: share }, simulators, warn, failed.signal);
      return start.catch((error: unknown) => {
        failed.abort(error);
        throw error;
      });
    }),
  );
  const hosts = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  const close = async () => {
    await Promise.all(hosts.map((host) => host.close()));
  };
  if (!failed.signal.aborted)
    return joinEnvironments(
      hosts.flatMap(({ groups }) => groups),
      close,
    );
  await close();
  throw failed.signal.reason;
}
