import { Command } from "commander";
import { families, listEnvironments, openEnvironment } from "../../envs/index.js";
import { BatonError } from "../errors.js";
import { playScripted } from "../training/scripted.js";
import { collect, environmentSettings, openFromCommandLine, scriptedPolicy, wholeNumber } from "./arguments.js";
import { type BenchRow, benchRow, printBench } from "./bench-report.js";
import { closingAfter } from "./closing.js";
import { printLines } from "./output.js";

interface BenchPoliciesOptions {
  episodes: string;
  seed: string;
  envThreads: string;
  policy: readonly string[];
  set: readonly string[];
  markdown?: boolean;
  json?: boolean;
}

/** Copies that play at once. */
const COPIES = 32;

export function benchPoliciesCommand(): Command {
  return new Command("policies")
    .description("How often scripted policies win: what a trained team must be compared with.")
    .argument("<ids...>", "Environments, or a family (skirmish) for all of its members.")
    .option("--episodes <n>", "Episodes for each environment and policy.", "200")
    .option("--policy <name>", "Only this policy; may be repeated (default: all).", collect, [])
    .option("--seed <n>", "Seed that the episodes are drawn from, a whole number from 0.", "0")
    .option("--env-threads <n>", "Threads that step environment copies; 0 has none.", "0")
    .option(...environmentSettings, collect, [])
    .option("--markdown", "Print a Markdown table, one row for each environment.")
    .option("--json", "Print the figures as one JSON object.")
    .action((ids: string[], options: BenchPoliciesOptions) => benchPolicies(ids, options));
}

async function benchPolicies(ids: readonly string[], options: BenchPoliciesOptions): Promise<void> {
  const episodes = wholeNumber("--episodes", options.episodes, 1, 1_000_000);
  const seed = wholeNumber("--seed", options.seed, 0);
  const threads = wholeNumber("--env-threads", options.envThreads, 0, 256);
  const environments = ids.flatMap(membersOf);
  const names = options.policy.length > 0 ? options.policy : await sharedPolicies(environments);
  const rows: BenchRow[] = [];
  if (options.markdown) printLines(markdownRow(["", ...names]), markdownRow(["---", ...names.map(() => "---:")]));
  for (const id of environments) {
    const { opened, resources } = await openFromCommandLine(id, options.set, threads);
    const policies = names.map((name) => scriptedPolicy(id, opened, name));
    const rates: number[] = [];
    await closingAfter(async (keep) => {
      const environment = keep(await opened.vectorize(Math.min(COPIES, episodes), resources));
      for (const [k, policy] of policies.entries()) {
        const { winRate } = await playScripted(environment, policy, { episodes, seed });
        rates.push(100 * winRate);
        rows.push(benchRow({ name: `${id}, ${names[k]}`, unit: "% won", value: 100 * winRate }));
        if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${id}, ${names[k]}`);
      }
    });
    if (options.markdown) printLines(markdownRow([id.slice(id.indexOf("/") + 1), ...rates.map((rate) => rate.toFixed(1))]));
  }
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[2K");
  if (!options.markdown) printBench(rows, options.json === true);
}

const markdownRow = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;

/** A family's members, or the one environment. */
function membersOf(id: string): string[] {
  const family = families.find(({ name }) => name === id);
  return family ? listEnvironments().flatMap((listed) => (listed.family === id ? [listed.id] : [])) : [id];
}

/** The policies that all of the environments have. */
async function sharedPolicies(ids: readonly string[]): Promise<string[]> {
  const each = await Promise.all(ids.map(async (id) => Object.keys((await openEnvironment(id)).policies)));
  const shared = each.reduce((all, names) => all.filter((name) => names.includes(name)));
  if (shared.length > 0) return shared;
  throw new BatonError("unknown-name", `${ids.join(", ")}: there is no scripted policy for these environments`);
}
