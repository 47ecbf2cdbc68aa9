/**
 * What `baton doctor` looks at. Each probe answers with findings and never throws: that something is missing is its answer.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { packageRoot } from "../package.js";
import { type DeviceReport, probeDevices } from "../tensor/devices.js";
import { formatNumber } from "./output.js";

/** One thing that Baton can use. */
export interface Finding {
  readonly area: "node" | "packages" | "devices" | "python" | "simulators" | "containers";
  readonly name: string;
  readonly works: boolean;
  /** Baton's main job does not run without it. */
  readonly required: boolean;
  /** Its version or what is wrong, short. */
  readonly detail: string;
  /** The command that mends it; empty when nothing needs mending. */
  readonly mend: string;
}

/** Runs a program; undefined when it is not installed or does not end in time. */
type Run = (command: string, args: readonly string[]) => Promise<{ readonly ok: boolean; readonly output: string } | undefined>;

/** Milliseconds after which a program that is asked for its version is given up. */
const patience = 10_000;

export const runProgram: Run = (command, args) =>
  new Promise((resolve) => {
    execFile(command, [...args], { timeout: patience }, (error, stdout) => {
      const missing = error && (error.code === "ENOENT" || error.code === "EACCES" || error.killed);
      resolve(missing ? undefined : { ok: error === null, output: stdout.trim() });
    });
  });

export function probeNode(version = process.versions.node): Finding[] {
  const { engines } = JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8")) as { engines: { node: string } };
  const wanted = engines.node.replace(/^>=/, "");
  const works = compareVersions(version, wanted) >= 0;
  const mend = works ? "" : `install Node ${wanted} or newer from https://nodejs.org`;
  return [{ area: "node", name: "Node", works, required: true, detail: `${version} (${engines.node} is needed)`, mend }];
}

/** Below, at or above 0 as version `a` is before, equal to or after `b`; compares dotted numbers. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split(".").map((part) => Number.parseInt(part, 10) || 0));
  for (let k = 0; k < Math.max(left!.length, right!.length); k++) {
    const difference = (left![k] ?? 0) - (right![k] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Packages that are more than JavaScript, or that whole rooms stand on. */
const packages = [
  { name: "@tensorflow/tfjs", required: true },
  { name: "@tensorflow/tfjs-backend-wasm", required: false },
  { name: "onnxruntime-node", required: true },
  { name: "zeromq", required: false },
  { name: "msgpackr", required: false },
] as const;

export async function probePackages(names: readonly { name: string; required: boolean }[] = packages): Promise<Finding[]> {
  const findings: Finding[] = [];
  // One after another: the backends of tfjs need tfjs to be whole.
  for (const { name, required } of names) {
    const version = installedVersion(name);
    const problem = version === undefined ? "not installed" : await loadProblem(name);
    const mend = version === undefined ? `npm install ${name}` : `npm rebuild ${name}`;
    const works = problem === undefined;
    findings.push({ area: "packages", name, works, required, detail: problem ?? version!, mend: works ? "" : mend });
  }
  return findings;
}

function installedVersion(name: string): string | undefined {
  // Not through `require.resolve(name/package.json)`, which packages may forbid.
  for (const folder of createRequire(import.meta.url).resolve.paths(name) ?? []) {
    const file = join(folder, name, "package.json");
    if (existsSync(file)) return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
  }
  return undefined;
}

async function loadProblem(name: string): Promise<string | undefined> {
  try {
    await import(name);
    return undefined;
  } catch (error) {
    return `does not load: ${firstLine(error)}`;
  }
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split("\n", 1)[0]!;
}

/** Baton runs when at least one device works; the others are choices. */
export async function probeAllDevices(
  probe: () => Promise<DeviceReport[]> = () => probeDevices({ timed: true }),
): Promise<Finding[]> {
  const devices = await probe();
  const none = !devices.some((device) => device.works);
  return devices.map(({ name, works, detail, hint, milliseconds }) => ({
    area: "devices",
    name,
    works,
    required: none,
    detail: milliseconds === undefined ? detail : `${detail}; a small training step takes ${formatNumber(milliseconds)} ms`,
    mend: works ? "" : (hint ?? ""),
  }));
}

/** Python modules by import name: what provides them in PyPI and in Debian. */
const pythonModules = [
  { module: "zmq", pip: "pyzmq", debian: "python3-zmq" },
  { module: "msgpack", pip: "msgpack", debian: "python3-msgpack" },
  { module: "numpy", pip: "numpy", debian: "python3-numpy" },
  { module: "torch", pip: "torch", debian: "python3-torch" },
] as const;

/** Simulators that are Python modules. */
const pythonSimulators = [
  { module: "gfootball", name: "Google Research Football", install: "python3 -m pip install gfootball" },
  { module: "smaclite", name: "SMAClite", install: "python3 -m pip install git+https://github.com/uoe-agents/smaclite" },
] as const;

/** Says for each module named whether it is there, and its version where the module tells, without importing it. */
const askPython = `
import importlib.metadata, importlib.util, json, sys
found = {}
for pair in sys.argv[1:]:
    module, package = pair.split("=")
    if importlib.util.find_spec(module) is None: continue
    try: found[module] = importlib.metadata.version(package) or ""
    except importlib.metadata.PackageNotFoundError: found[module] = ""
print("\\n" + json.dumps({"version": sys.version.split()[0], "found": found}))
`;

const pythonAnswer = z.object({ version: z.string(), found: z.record(z.string(), z.string()) });

/** The answer to {@link askPython} among whatever else Python prints, such as warnings and greetings of a sitecustomize. */
function answerOf(output: string): z.infer<typeof pythonAnswer> | undefined {
  for (const line of output.split("\n").reverse()) {
    try {
      const answer = pythonAnswer.safeParse(JSON.parse(line));
      if (answer.success) return answer.data;
    } catch {
      // not the answer
    }
  }
  return undefined;
}

function strangeAnswer(output: string): string {
  const beginning = firstLine(output).slice(0, 60);
  return beginning === "" ? "runs, but answers nothing" : `runs, but does not answer as asked: "${beginning}"`;
}

/** Python, the modules that the bridge's host needs, and the simulators that are Python modules. */
export async function probePython(run: Run = runProgram): Promise<Finding[]> {
  const pairs = [
    ...pythonModules.map(({ module, pip }) => `${module}=${pip}`),
    ...pythonSimulators.map(({ module: m }) => `${m}=${m}`),
  ];
  const answer = await run("python3", ["-c", askPython, ...pairs]);
  const python = answer?.ok ? answerOf(answer.output) : undefined;
  const strange = answer?.ok && !python;
  const optional = { required: false } as const;
  const detailOf = (module: string) => (python ? (python.found[module] ?? "not installed") : "needs Python") || "installed";
  const has = (module: string) => python?.found[module] !== undefined;
  return [
    {
      area: "python",
      name: "Python 3",
      works: python !== undefined,
      ...optional,
      detail: python?.version ?? (strange ? strangeAnswer(answer.output) : answer ? "does not run" : "not installed"),
      mend: python
        ? ""
        : strange
          ? "see what `python3 -c 'print(1)'` prints besides 1; that is in the way"
          : "apt-get install python3 (or from https://python.org)",
    },
    ...pythonModules.map(
      ({ module, pip, debian }): Finding => ({
        area: "python",
        name: module,
        works: has(module),
        ...optional,
        detail: detailOf(module),
        mend: has(module) ? "" : `python3 -m pip install ${pip} (Debian: apt-get install ${debian})`,
      }),
    ),
    ...pythonSimulators.map(
      ({ module, name, install }): Finding => ({
        area: "simulators",
        name,
        works: has(module),
        ...optional,
        detail: detailOf(module),
        mend: has(module) ? "" : install,
      }),
    ),
  ];
}

/** StarCraft II is a folder: SC2PATH, or StarCraftII in the home folder, as its own tools look for it. */
export function probeStarCraft(env: Readonly<Record<string, string | undefined>> = process.env, home = homedir()): Finding[] {
  const folder = env.SC2PATH ?? join(home, "StarCraftII");
  const works = existsSync(join(folder, "Versions"));
  const detail = works
    ? folder
    : env.SC2PATH === undefined
      ? "not installed, SC2PATH is not set"
      : `SC2PATH has no Versions folder: ${folder}`;
  const mend =
    "unzip a Linux package of https://github.com/Blizzard/s2client-proto#downloads and export SC2PATH=/path/to/StarCraftII";
  return [{ area: "simulators", name: "StarCraft II", works, required: false, detail, mend: works ? "" : mend }];
}

/** Container engines, asked for their server: a client alone runs nothing. */
export async function probeContainers(run: Run = runProgram): Promise<Finding[]> {
  const engines = [
    {
      name: "podman",
      args: ["version", "--format", "{{.Client.Version}}"],
      install: "apt-get install podman",
      start: "podman info",
    },
    {
      name: "docker",
      args: ["version", "--format", "{{.Server.Version}}"],
      install: "apt-get install docker.io",
      start: "systemctl start docker",
    },
  ];
  return Promise.all(
    engines.map(async ({ name, args, install, start }): Promise<Finding> => {
      const answer = await run(name, args);
      const works = answer?.ok === true;
      const detail = works ? answer.output : answer ? "installed, but its service does not answer" : "not installed";
      return { area: "containers", name, works, required: false, detail, mend: works ? "" : answer ? start : install };
    }),
  );
}
