// What scripts of evidence share: ordinary commands of Baton, run one after another, whose results are kept as they come. What is finished
// already is not done again.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const baton = fileURLToPath(new URL("../dist/src/cli/main.js", import.meta.url));

export const set = (...assignments) => assignments.flatMap((assignment) => ["--set", assignment]);

/** The folder of a run of a table. */
export const runFolder = (table, name, seed) => `runs/evidence/${table}/${name.replaceAll(/[^\w]+/g, "-")}-${seed}`;

const shown = (args) => `baton ${args.map((arg) => (/\s/.test(arg) ? `"${arg}"` : arg)).join(" ")}`;

/** Runs a command of Baton; after the budget, if any, it is told to save and end. Returns its JSON, or null. */
function command(args, minutes) {
  process.stderr.write(`\n$ ${shown(args)}\n`);
  const { status, stdout } = spawnSync(process.execPath, [baton, ...args, "--json"], {
    stdio: ["ignore", "pipe", "inherit"],
    ...(minutes && { timeout: minutes * 60_000, killSignal: "SIGINT" }),
  });
  if (status !== 0 && status !== 130) throw new Error(`exit code ${status}`);
  const text = stdout.toString().trim();
  return text ? JSON.parse(text) : null;
}

/**
 * The rows of a table, those that are missing made now: for each seed `jobsOf(seed)` gives { name, commands, row }, and `row` makes of the
 * commands' outcomes what is kept besides name, seed and commands. A command is its arguments, or { args, minutes }.
 *
 * @param file where the rows are kept, relative to experiments/results.
 * @param only names of the jobs to do; all unless given.
 * @param list only prints the commands; returns no rows then.
 * @param again makes rows anew that are there already; the `folder` of such a job is deleted first.
 */
export function gather(file, seeds, jobsOf, { only, list = false, again = false }) {
  const path = fileURLToPath(new URL(`results/${file}`, import.meta.url));
  const read = () => (existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : []);
  let rows = read();
  for (const seed of seeds) {
    for (const { name, folder, commands, row } of jobsOf(seed)) {
      if (only && !only.includes(name)) continue;
      const plain = commands.map((one) => (Array.isArray(one) ? { args: one } : one));
      if (list) {
        for (const { args } of plain) process.stdout.write(`${shown(args)}\n`);
        continue;
      }
      const same = (done) => done.name === name && done.seed === seed;
      if (!again && rows.some(same)) continue;
      if (again && folder) rmSync(folder, { recursive: true, force: true });
      const outcomes = plain.map(({ args, minutes }) => command(args, minutes));
      rows = read().filter((done) => !same(done)); // another process may have added to it
      rows.push({ name, seed, commands: plain.map(({ args }) => shown(args)), ...row(outcomes) });
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, `[\n${rows.map((row) => JSON.stringify(row)).join(",\n")}\n]\n`);
    }
  }
  return list ? [] : rows;
}

/** A table in Markdown. */
export function printTable(header, rows) {
  process.stdout.write(`| ${header.join(" | ")} |\n|${header.map(() => "---").join("|")}|\n`);
  for (const row of rows) process.stdout.write(`| ${row.join(" | ")} |\n`);
}
