import { randomBytes, randomInt } from "node:crypto";
import { isAbsolute, relative, resolve } from "node:path";
import { BatonError } from "../../errors.js";
import { HostProcess, hostArguments, lastWords } from "../host.js";
import { type HostKeys, makeKeys } from "../keys.js";
import { type Engine, kindLabel, missingEngine, ownerLabel, removeContainers, thisOwner } from "./engine.js";
import { buildCommand, defaultImage, isAdapters } from "./images.js";
import type { HostRequest, Launcher } from "./launcher.js";

/** How containers are run. */
export interface ContainerSettings {
  /** null takes the one that Baton's Containerfile for this environment makes. */
  readonly image: string | null;
  /** `ports` publishes one port on loopback; `host` shares this machine's network. */
  readonly network: "ports" | "host";
  /** For example `4g`; null sets no limit. */
  readonly memory: string | null;
  /** For example 1.5; null sets no limit. */
  readonly cpus: number | null;
}

/** The host's port inside a container that has a network of its own. */
const innerPort = 5555;

/** Milliseconds for simulators to close and the engine to tear the container down. */
const grace = 10_000;

/** Below the ports that the system gives out by itself. Whoever finds one taken fails, and is started anew on another. */
const portRange = [20_000, 32_000] as const;

/**
 * Hosts are containers, each the foreground command of an engine's client: they end with it, and it with this process. What even
 * `kill -9` at both ends leaves is found by its labels and removed by `baton simulators down`.
 */
export function containerLauncher(engine: Engine, settings: ContainerSettings): Launcher {
  return { name: engine, launch: (request) => launchContainer(engine, settings, request) };
}

function launchContainer(engine: Engine, settings: ContainerSettings, request: HostRequest): HostProcess {
  const name = `baton-${process.pid}-${randomBytes(4).toString("hex")}`;
  const image = settings.image ?? defaultImage(request.environment);
  const port = randomInt(...portRange);
  // Other containers, and other users of this machine, can reach the port.
  const keys = makeKeys();
  return new HostProcess({
    name: request.environment,
    command: engine,
    arguments: containerArguments(settings, request, {
      name,
      image,
      bind: "127.0.0.1",
      port,
      options: ["--rm", "--interactive", "--label", `${kindLabel}=run`, "--label", `${ownerLabel}=${thisOwner()}`],
      hostOptions: ["--with-parent"],
    }),
    env: keysEnvironment(keys.host),
    endpoint: `tcp://127.0.0.1:${port}`,
    keys: keys.client,
    grace,
    output: request.output,
    discard: () => removeContainers(engine, [name]),
    explain: (end) =>
      "tail" in end ? explainEnd(engine, image, settings, end) : end.code === "ENOENT" ? missingEngine(engine) : undefined,
  });
}

/** What {@link containerArguments} puts around a request. */
interface ContainerPlace {
  readonly name: string;
  readonly image: string;
  /** Address on this machine. */
  readonly bind: string;
  readonly port: number;
  readonly options: readonly string[];
  readonly hostOptions: readonly string[];
}

/** The arguments of `podman` or `docker` that run a host. Its keys come from the environment, see {@link keysEnvironment}. */
export function containerArguments(settings: ContainerSettings, request: HostRequest, place: ContainerPlace): string[] {
  const shared = settings.network === "host";
  const { environment, mounts } = seenFromInside(request.environment);
  return [
    "run",
    // An image that is not here would be looked for on the internet under a name that anybody may own there.
    "--pull=never",
    "--name",
    place.name,
    ...place.options,
    ...(shared ? ["--network", "host"] : ["--publish", `${place.bind}:${place.port}:${innerPort}`]),
    ...(settings.memory === null ? [] : ["--memory", settings.memory]),
    ...(settings.cpus === null ? [] : ["--cpus", String(settings.cpus)]),
    "--env",
    keysVariable,
    ...mounts,
    place.image,
    ...hostArguments({ ...request, environment }),
    "--bind",
    shared ? `tcp://${place.bind}:${place.port}` : `tcp://0.0.0.0:${innerPort}`,
    ...place.hostOptions,
  ];
}

/** See `load_keys` in baton_host/keys.py. */
const keysVariable = "BATON_HOST_KEYS";

/** The environment of an engine's client that hands keys on without their showing in any list of processes. */
export function keysEnvironment(keys: HostKeys | undefined): NodeJS.ProcessEnv {
  return keys ? { ...process.env, [keysVariable]: JSON.stringify(keys) } : process.env;
}

/** A class or scenario of the user's own lies in the working folder, which a container then sees, read-only. */
function seenFromInside(environment: string): { environment: string; mounts: readonly string[] } {
  if (isAdapters(environment) && !environment.endsWith(".json")) return { environment, mounts: [] };
  const colon = environment.lastIndexOf(":");
  const [module, name] = [environment.slice(0, colon), environment.slice(colon)];
  const folder = process.cwd();
  // What `--mount` takes is a line of CSV, and engines differ in how they let it be quoted; `--volume` would break at a colon.
  if (/[,"\n]/.test(folder)) {
    throw new BatonError(
      "invalid-value",
      `containers cannot be shown the working folder ${folder}, for its path has a comma or quote`,
      {
        hint: "start Baton from a folder whose path has none, or build your class into an image",
      },
    );
  }
  const mounts = ["--mount", `type=bind,source=${folder},target=/work,readonly`, "--workdir", "/work"];
  if (!module.endsWith(".py")) return { environment, mounts };
  const path = relative(process.cwd(), resolve(module));
  if (path.startsWith("..") || isAbsolute(path)) {
    throw new BatonError(
      "invalid-value",
      `${module} lies outside the working folder, which is all that a container sees of this machine`,
      {
        hint: "start Baton from a folder above it, or build it into an image",
      },
    );
  }
  return { environment: `${path}${name}`, mounts };
}

/** Why an engine's client ended, beyond what the host itself said. */
export function explainEnd(
  engine: Engine,
  image: string,
  settings: ContainerSettings,
  { code, tail }: { readonly code: number | null; readonly tail: string },
): BatonError | undefined {
  if (/image not known|no such image|unable to find image/i.test(tail)) {
    return new BatonError("missing-dependency", `there is no container image "${image}"`, { hint: buildCommand(engine, image) });
  }
  // Which of the two codes it is depends on how far the engine's runtime came.
  if ((code === 125 || code === 126) && /hybrid mode not supported|RLIMIT_/.test(tail)) {
    const hint = `a containers.conf with runtime = "runc" and lower default_ulimits mends it: see src/bridge/launch/README.md`;
    return new BatonError("io", `${engine} cannot run containers on this machine: ${tail.trim()}`, { hint });
  }
  if (code === 125) return new BatonError("io", `${engine} cannot run ${image}: ${tail.trim()}`);
  if (code !== 137) return undefined;
  const limit = settings.memory === null ? "" : `, perhaps for using more memory than ${settings.memory}`;
  const lines = lastWords(tail);
  const message = `a container of ${image} was killed${limit}${lines ? `; its last words:\n${lines}` : ""}`;
  return new BatonError("io", message, limit ? { hint: "raise simulators.memory" } : {});
}
