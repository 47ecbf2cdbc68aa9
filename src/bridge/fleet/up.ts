import { spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { createServer } from "node:net";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { BatonError } from "../../errors.js";
import { packageRoot } from "../../package.js";
import { atProcessEnd } from "../cleanup.js";
import { endError, hostArguments } from "../host.js";
import { checkEndpoint, type HostKeys, isLocal, makeKeys } from "../keys.js";
import { type ContainerSettings, containerArguments, explainEnd, keysEnvironment } from "../launch/container.js";
import { kindLabel, missingEngine, startOf } from "../launch/engine.js";
import { defaultImage } from "../launch/images.js";
import { abandonHost, hostState, stopHost } from "./down.js";
import { type HostRecord, removeRecord, takeName, writeRecord } from "./records.js";

/** What `baton simulators up` starts. */
export interface FleetRequest extends ContainerSettings {
  /** What `baton_host --env` is told. */
  readonly environment: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly launch: HostRecord["launch"];
  readonly hosts: number;
  /** What each host lends at once. */
  readonly copies: number;
  /** An address of this machine; beyond loopback it needs `keys`. */
  readonly bind: string;
  /** The first host's port; the others take the next free ones. */
  readonly port: number;
  readonly keys: HostKeys | undefined;
  readonly python: string;
  /** Seconds that a host may take to be ready. */
  readonly startSeconds: number;
}

/**
 * Starts hosts that go on when this process ends, and waits until they are ready. Where one fails, or this process is ended, none
 * is left.
 *
 * @throws BatonError with the host's own reason.
 */
export async function startFleet(request: FleetRequest): Promise<HostRecord[]> {
  checkEndpoint(`tcp://${request.bind}:${request.port}`, request.keys, "--bind");
  const started: HostRecord[] = [];
  const forget = atProcessEnd(() => started.forEach(abandonHost));
  try {
    let { port } = request;
    for (let k = 0; k < request.hosts; k++) {
      port = await freePort(request.bind, port);
      const host = startHost(request, port);
      started.push(host); // before its record is written, which a full disk refuses
      writeRecord(host);
      port += 1;
    }
    await Promise.all(started.map((host) => untilReady(host, request)));
    return started;
  } catch (error) {
    await Promise.all(started.map(stopHost));
    throw error;
  } finally {
    forget();
  }
}

function startHost(request: FleetRequest, port: number): HostRecord {
  const { name, log } = takeName(stemOf(request.environment));
  try {
    return startNamed(request, port, name, log);
  } catch (error) {
    removeRecord(name);
    throw error;
  } finally {
    closeSync(log);
  }
}

function startNamed(request: FleetRequest, port: number, name: string, log: number): HostRecord {
  const { environment, options, launch, copies, bind } = request;
  const container = launch !== "process";
  // A container's own loopback cannot be published, so its host is always bound for all, and always guarded.
  const pair = container && !request.keys ? makeKeys() : undefined;
  const keys = request.keys ?? pair?.host;
  const endpoint = `tcp://${bind}:${port}`;
  const image = container ? (request.image ?? defaultImage(environment)) : undefined;
  const parameters = container
    ? containerArguments(request, request, {
        name,
        image: image!,
        bind,
        port,
        options: ["--detach", "--label", `${kindLabel}=up`],
        hostOptions: ["--lend"],
      })
    : ["-m", "baton_host", ...hostArguments(request), "--bind", endpoint, "--lend"];
  const given = process.env.PYTHONPATH;
  const path = [join(packageRoot(), "envs", "python"), ...(given ? [given] : [])].join(delimiter);
  const child = spawn(container ? launch : request.python, parameters, {
    env: { ...keysEnvironment(keys), ...(container ? {} : { PYTHONPATH: path, PYTHONUNBUFFERED: "1" }) },
    detached: true,
    stdio: ["ignore", log, log],
  });
  child.once("error", () => {}); // no pid tells of it
  child.unref();
  if (child.pid === undefined) {
    if (container) throw missingEngine(launch);
    throw new BatonError("missing-dependency", `the Python interpreter "${request.python}" was not found`, {
      hint: "apt-get install python3, or name another with --set simulators.python=…",
    });
  }
  return {
    name,
    environment,
    options: { ...options },
    launch,
    endpoint: reachable(endpoint),
    copies,
    pid: child.pid,
    start: startOf(child.pid) ?? "",
    since: new Date().toISOString(),
    ...(image === undefined ? {} : { image }),
    ...(pair === undefined ? {} : { keys: pair.client }),
  };
}

/** Waits for the line that `LendingServer` prints, or throws what the host says instead. */
async function untilReady(host: HostRecord, request: FleetRequest): Promise<void> {
  const deadline = Date.now() + request.startSeconds * 1000;
  for (;;) {
    const { lives, code, output } = await hostState(host);
    if (output.includes("baton_host: ready at ")) return;
    if (!lives) {
      const explained =
        host.image && code !== undefined
          ? explainEnd(host.launch as "podman", host.image, request, { code, tail: output })
          : undefined;
      throw explained ?? endError(host.environment, code ?? 1, null, output);
    }
    if (Date.now() > deadline) {
      throw new BatonError("io", `${host.name} is not ready after ${request.startSeconds} s`, {
        hint: "allow more with --set simulators.startSeconds=…",
      });
    }
    await sleep(100);
  }
}

/** What a host's name begins with: `baton-smac-3m`. */
function stemOf(environment: string): string {
  const [, tail = environment] = /([^/]*)$/.exec(environment) ?? [];
  return `baton-${tail
    .replace(/\.py\b/g, "")
    .replace(/[^\w]+/g, "-")
    .toLowerCase()}`.replace(/-+$/, "");
}

/** The next port from `port` on that can be bound. */
async function freePort(address: string, port: number): Promise<number> {
  for (let candidate = port; candidate < Math.min(port + 1000, 65_536); candidate++) {
    if (await canBind(address, candidate)) return candidate;
  }
  throw new BatonError("io", `no port from ${port} on is free on ${address}`, { hint: "choose another with --port" });
}

function canBind(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, address.replace(/^\[|\]$/g, "").replace("*", "0.0.0.0"), () => server.close(() => resolve(true)));
  });
}

/** An address that this machine can connect to. */
function reachable(endpoint: string): string {
  return isLocal(endpoint) ? endpoint : endpoint.replace(/^tcp:\/\/(0\.0\.0\.0|\*)/, "tcp://127.0.0.1").replace("[::]", "[::1]");
}
