import { Command } from "commander";
import pc from "picocolors";
import { isEmbedded, listEnvironments, openEnvironment } from "../../envs/index.js";
import { defaultSimulators } from "../bridge/settings.js";
import type { EnvironmentSpec } from "../environment.js";
import { type CheckReport, checkEnvironment, checkRemoteEnvironment } from "../environments/check.js";
import { collect, environmentId, environmentSettings, openFromCommandLine, wholeNumber } from "./arguments.js";
import { formatTable, printJson, printLines } from "./output.js";

export function envsCommand(): Command {
  return new Command("envs")
    .description("List the environments that there are, and check your own.")
    .addCommand(listCommand())
    .addCommand(checkCommand());
}

function listCommand(): Command {
  return new Command("list")
    .description("List every environment with its sizes.")
    .option("--json", "Print the list as one JSON array.")
    .action((options: { json?: boolean }) => list(options.json === true));
}

async function list(json: boolean): Promise<void> {
  const listed = listEnvironments();
  const embedded = await Promise.all(
    listed.flatMap(({ id, summary, needs }) => (needs === undefined ? [specOf(id).then((spec) => ({ spec, summary }))] : [])),
  );
  const served = listed.flatMap(({ id, summary, needs }) => (needs === undefined ? [] : [{ id, needs, summary }]));
  if (json) {
    printJson([...embedded.map(({ summary, spec }) => ({ ...sizesOf(spec), summary })), ...served]);
    return;
  }
  const heads = ["id", "n", "N", "A", "S", "R", "obs", "state", "limit"];
  printLines(
    formatTable(
      heads,
      embedded.map(({ spec }) => Object.values(sizesOf(spec))),
    ),
    "",
    formatTable(
      ["id", "needs"],
      served.map(({ id, needs }) => [id, needs]),
    ),
    "",
    "n agents, N entities, A actions, S and R features of an entity and of a pair of entities, obs numbers that an agent sees,",
    "state numbers that describe everything, limit steps of an episode. Your own: --env ./my-env.ts, or a package's name.",
  );
}

async function specOf(id: string): Promise<EnvironmentSpec> {
  const opened = await openEnvironment(id);
  return opened.spec({ envThreads: 0, simulators: defaultSimulators });
}

function sizesOf(spec: EnvironmentSpec) {
  return {
    id: spec.id,
    agents: spec.agents,
    entities: spec.entities,
    actions: spec.actions,
    entityFeatures: spec.entityFeatures,
    relationFeatures: spec.relationFeatures,
    observationSize: spec.observationSize,
    stateSize: spec.stateSize,
    episodeLimit: spec.episodeLimit,
  };
}

interface CheckCommandOptions {
  episodes: string;
  seed: string;
  set: readonly string[];
  json?: boolean;
}

function checkCommand(): Command {
  return new Command("check")
    .description("Play an environment with random legal actions and say where it keeps or breaks the contract.")
    .argument("<id>", environmentId)
    .option("--episodes <n>", "Episodes to play.", "5")
    .option("--seed <n>", "Seed of the first episode, a whole number from 0.", "0")
    .option(...environmentSettings, collect, [])
    .option("--json", "Print the report as one JSON object.")
    .action((id: string, options: CheckCommandOptions) => check(id, options));
}

async function check(id: string, options: CheckCommandOptions): Promise<void> {
  const episodes = wholeNumber("--episodes", options.episodes, 1, 1_000_000);
  const seed = wholeNumber("--seed", options.seed, 0);
  const { opened, resources } = await openFromCommandLine(id, options.set);
  const report = isEmbedded(opened)
    ? checkEnvironment(opened.make, { episodes, seed })
    : await checkRemoteEnvironment(() => opened.vectorize(1, resources), { episodes, seed });
  if (options.json) printJson({ ...report, id: report.id || id });
  else printLines(...reportLines(report, id));
  if (!report.passed) process.exitCode = 1;
}

function reportLines(report: CheckReport, id: string): string[] {
  const width = Math.max(...report.checks.map((check) => check.name.length));
  const lines = report.checks.map(({ name, sentence, passed, detail }) => {
    const mark = passed ? pc.green("pass") : pc.red("FAIL");
    return `${mark}  ${name.padEnd(width)}  ${sentence}${detail ? pc.dim(` [${detail}]`) : ""}`;
  });
  const broken = report.checks.filter((check) => !check.passed).length;
  const name = report.id || id;
  const verdict = broken === 0 ? `${name} keeps the contract.` : `${name} fails ${broken} of ${report.checks.length} checks.`;
  return [...lines, "", verdict];
}
