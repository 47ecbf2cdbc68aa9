import { Command } from "commander";
import { openEnvironment } from "../../envs/index.js";
import { type HostRecord, hostState, logFile, readRecords, removeOrphans, startFleet, stopHost } from "../bridge/fleet/index.js";
import { readHostKeys, writeKeys } from "../bridge/keys.js";
import { simulatorSettings } from "../bridge/settings.js";
import { BatonError } from "../errors.js";
import { unknownName } from "../names.js";
import { checkSettings, settingsError } from "../validation.js";
import { collect, environmentLayer, environmentSettings, wholeNumber } from "./arguments.js";
import { formatTable, printJson, printLines } from "./output.js";

export function simulatorsCommand(): Command {
  return new Command("simulators")
    .description("Run simulators that trainings share: start them, look at them, end them, and make keys for other machines.")
    .addCommand(upCommand())
    .addCommand(downCommand())
    .addCommand(statusCommand())
    .addCommand(keysCommand());
}

interface UpOptions {
  env: string;
  launch: string;
  hosts: string;
  copies: string;
  bind: string;
  port: string;
  keys?: string;
  set: readonly string[];
  json?: boolean;
}

function upCommand(): Command {
  return new Command("up")
    .description("Start hosts that go on when this command has ended, and wait until they are ready.")
    .requiredOption("--env <id>", "Environment, e.g. smac/3m or python:./my_env.py:MyEnv.")
    .option("--launch <how>", "What hosts are: process, podman or docker.", "process")
    .option("--hosts <n>", "Hosts to start.", "1")
    .option("--copies <n>", "Environment copies that each host lends at once: trainings and their evaluations add up.", "64")
    .option("--bind <address>", "Address of this machine to listen on; beyond loopback it needs --keys.", "127.0.0.1")
    .option("--port <n>", "Port of the first host; the others take the next free ones.", "5600")
    .option("--keys <file>", "host.json of `baton simulators keys`: only who has its client.json is answered.")
    .option(...environmentSettings, collect, [])
    .option("--json", "Print the hosts as one JSON array.")
    .action(up);
}

async function up(options: UpOptions): Promise<void> {
  const hosts = wholeNumber("--hosts", options.hosts, 1, 256);
  const copies = wholeNumber("--copies", options.copies, 1, 4096);
  const port = wholeNumber("--port", options.port, 1, 65_535);
  const { env = {}, simulators = {} } = environmentLayer(options.set).settings as Record<string, Record<string, unknown>>;
  for (const name of ["launch", "hosts", "keys"]) {
    if (!Object.hasOwn(simulators, name)) continue;
    throw new BatonError("invalid-value", `--set simulators.${name} has no meaning here`, { hint: `give --${name}` });
  }
  const checked = checkSettings(simulatorSettings, { ...simulators, launch: options.launch }, "simulators");
  if (checked.issues !== undefined) throw settingsError(checked.issues);
  const { launch, python, startSeconds, ...settings } = checked.value;
  if (launch === "connect") throw new BatonError("invalid-value", "--launch is connect, but must be process, podman or docker");
  const { served } = await openEnvironment(options.env, env);
  if (!served) {
    throw new BatonError("invalid-value", `${options.env} is simulated inside Baton itself and needs no host`, {
      hint: `baton train --env ${options.env}`,
    });
  }
  const started = await startFleet({
    ...settings,
    ...served,
    launch,
    hosts,
    copies,
    bind: options.bind,
    port,
    keys: options.keys === undefined ? undefined : readHostKeys(options.keys),
    python: python ?? process.env.BATON_PYTHON ?? "python3",
    startSeconds,
  });
  if (options.json) {
    printJson(started.map(publicRecord));
    return;
  }
  for (const { name, endpoint } of started) printLines(`${name}  ${endpoint}`);
  printLines(
    "",
    `train on this machine:  baton train --env ${options.env} --launch connect${options.keys ? " --keys client.json" : ""}`,
    "end them:               baton simulators down",
  );
}

function downCommand(): Command {
  return new Command("down")
    .description("End hosts, and remove what a training that was killed (kill -9, power cut) has left of its containers.")
    .argument("[names...]", "Hosts to end; all of them unless given.")
    .option("--json", "Print what was ended as one JSON object.")
    .action(down);
}

async function down(names: readonly string[], options: { json?: boolean }): Promise<void> {
  const records = readRecords();
  for (const name of names) {
    if (records.some((host) => host.name === name)) continue;
    throw unknownName(
      "host",
      name,
      records.map((host) => host.name),
    );
  }
  const ended = names.length === 0 ? records : records.filter(({ name }) => names.includes(name));
  await Promise.all(ended.map(stopHost));
  const orphans = await removeOrphans();
  if (options.json) {
    printJson({ ended: ended.map(({ name }) => name), orphans });
    return;
  }
  for (const { name } of ended) printLines(`ended ${name}`);
  for (const name of orphans) printLines(`removed ${name}, whose training is gone`);
  if (ended.length + orphans.length === 0) printLines("nothing was running");
}

function statusCommand(): Command {
  return new Command("status")
    .description("List the hosts that were started here and whether they run.")
    .option("--json", "Print them as one JSON array.")
    .action(status);
}

async function status(options: { json?: boolean }): Promise<void> {
  const records = readRecords();
  const hosts = await Promise.all(records.map(async (host) => ({ ...publicRecord(host), ...(await conditionOf(host)) })));
  if (options.json) {
    printJson(hosts);
    return;
  }
  if (hosts.length === 0) {
    printLines('no hosts have been started here; "baton simulators up" does');
    return;
  }
  const rows = hosts.map(({ name, environment, launch, endpoint, copies, condition, since }) => [
    name,
    environment,
    launch,
    endpoint,
    copies,
    condition,
    since,
  ]);
  printLines(formatTable(["name", "serves", "as", "endpoint", "copies", "is", "since"], rows));
}

async function conditionOf(host: HostRecord): Promise<{ condition: string }> {
  const { lives, output } = await hostState(host);
  if (!lives) return { condition: "ended" };
  return { condition: output.includes("baton_host: ready at ") ? "ready" : "starting" };
}

function keysCommand(): Command {
  return new Command("keys")
    .description("Make a pair of key files, which hosts need that other machines can reach.")
    .argument("[folder]", "Where they are written.", "baton-keys")
    .option("--json", "Print their paths as one JSON object.")
    .action((folder: string, options: { json?: boolean }) => {
      const files = writeKeys(folder);
      if (options.json) {
        printJson(files);
        return;
      }
      printLines(
        `${files.host}    for the machine of the simulators: baton simulators up --env … --bind 0.0.0.0 --keys host.json`,
        `${files.client}  for the machine that trains: baton train --env … --connect tcp://THAT-MACHINE:5600 --keys client.json`,
        "Whoever has one of them can take that side's place: copy them over secure ways only.",
      );
    });
}

/** A record without its secrets, and where its output is. */
function publicRecord({ keys, start, ...host }: HostRecord) {
  return { ...host, guarded: keys !== undefined, log: logFile(host.name) };
}
