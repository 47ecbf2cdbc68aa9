// The runs behind the tables of ACE: `node experiments/ace/evidence.mjs TABLE [--minutes 30] [--seeds 0,1,2] [--only NAME,…] [--list]`.
//
// Every run is an ordinary `baton train`, ended after its budget of wall time and evaluated on 100 greedy episodes of its best checkpoint.
// What is finished already is not done again; results are in experiments/results/ace/TABLE.json, each with the commands that made it.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const baton = fileURLToPath(new URL("../../dist/src/cli/main.js", import.meta.url));
const results = fileURLToPath(new URL("../results/ace/", import.meta.url));

const maps =
  "3m 8m 25m 5m_vs_6m 8m_vs_9m 10m_vs_11m 27m_vs_30m MMM MMM2 2s3z 3s5z 3s5z_vs_3s6z 3s_vs_3z 3s_vs_4z 3s_vs_5z 1c3s5z 2m_vs_1z corridor 6h_vs_8z 2s_vs_1sc so_many_baneling bane_vs_bane 2c_vs_64zg".split(
    " ",
  );
const set = (...assignments) => assignments.flatMap((assignment) => ["--set", assignment]);
/** One-shot games, for ACE and for independent learners. */
const matrix = set(
  "agent.hidden=16",
  "agent.batchSize=32",
  "agent.explorationSteps=3000",
  "agent.learningRate=0.003",
  "training.environmentSteps=4000",
  "training.copies=4",
  "training.updatesPerStep=0.25",
  "training.warmupSteps=100",
  "training.replayCapacity=4000",
  "evaluation.everySteps=4000",
  "evaluation.episodes=4",
);
/** Dependency in both directions, and forward only; independent learners have none. */
const variants = {
  "sequential target": set("agent.target=sequential"),
  "environment target": set("agent.target=environment"),
};

/** Tables: how many seeds by default, and for each seed a list of { name, train: [arguments] } or other commands. */
const tables = {
  wide: { seeds: [0], runs: () => maps.map((map) => ({ name: map, train: [`ace/${map}`] })) },
  depth: {
    seeds: [0, 1, 2],
    runs: () =>
      ["3m", "2s3z", "5m_vs_6m"].flatMap((map) =>
        ["relational", "transformer"].map((encoder) => ({
          name: `${map} ${encoder}`,
          train: [`ace/${map}`, ...set(`agent.encoder=${encoder}`)],
        })),
      ),
  },
  claims: {
    seeds: [0, 1, 2],
    runs: () => [
      ...Object.entries(variants).map(([name, more]) => ({ name: `5m_vs_6m ${name}`, train: ["ace/5m_vs_6m", ...more] })),
      { name: "5m_vs_6m independent learners", train: ["ace/iql/5m_vs_6m"] },
      { name: "5m_vs_6m fixed order", train: ["ace/5m_vs_6m", ...set("agent.order=fixed")] },
      { name: "5m_vs_6m one order per sample", train: ["ace/5m_vs_6m", ...set("agent.order=shuffle-sample")] },
      { name: "5m_vs_6m order by value gap", train: ["ace/5m_vs_6m", ...set("agent.order=gap")] },
      { name: "5m_vs_6m prioritised replay", train: ["ace/5m_vs_6m", ...set("agent.priority=0.6")] },
      { name: "3s_vs_3z auxiliary loss", train: ["ace/3s_vs_3z"] },
      { name: "3s_vs_3z no auxiliary loss", train: ["ace/3s_vs_3z", ...set("agent.auxiliaryWeight=0")] },
      ...["climbing", "penalty"].flatMap((game) => [
        ...Object.entries(variants).map(([name, more]) => ({
          name: `${game} ${name}`,
          train: ["--env", `matrix/${game}`, ...matrix, ...set("agent.targetRate=0.05"), ...more],
        })),
        {
          name: `${game} independent learners`,
          train: ["--env", `matrix/${game}`, "--agent", "iql", ...matrix],
        },
      ]),
    ],
  },
  transfer: {
    seeds: [0],
    runs: (seed) => [
      { name: "5m_vs_6m", train: ["ace/5m_vs_6m"] },
      ...["8m_vs_9m", "10m_vs_11m"].map((map) => ({
        name: `5m_vs_6m on ${map}, zero-shot`,
        evaluate: [run("transfer", "5m_vs_6m", seed), "--env", `skirmish/${map}`],
      })),
      { name: "8m_vs_9m from scratch", train: ["ace/8m_vs_9m"] },
      { name: "8m_vs_9m from 5m_vs_6m", train: ["ace/8m_vs_9m", "--init", run("transfer", "5m_vs_6m", seed)] },
    ],
  },
  students: {
    seeds: [0],
    runs: (seed) =>
      ["3m", "2s3z", "5m_vs_6m"].flatMap((map) => [
        { name: `${map} teacher`, train: [`ace/${map}`] },
        { name: `${map} students`, distill: [run("students", `${map} teacher`, seed)] },
      ]),
  },
};

const run = (table, name, seed) => `runs/evidence/${table}/${name.replaceAll(/[^\w]+/g, "-")}-${seed}`;
const shown = (args) => `baton ${args.map((arg) => (/\s/.test(arg) ? `"${arg}"` : arg)).join(" ")}`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: "string", default: "30" },
    seeds: { type: "string" },
    only: { type: "string" },
    episodes: { type: "string", default: "100" },
    list: { type: "boolean", default: false },
  },
});
const [name] = positionals;
const table = tables[name];
if (!table) {
  process.stderr.write(
    `usage: node experiments/ace/evidence.mjs ${Object.keys(tables).join("|")} [--minutes 30] [--seeds 0,1] [--only NAME,…] [--list]\n`,
  );
  process.exit(1);
}
const seeds = values.seeds?.split(",").map(Number) ?? table.seeds;
const only = values.only?.split(",");
const file = `${results}${name}.json`;
const rows = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : [];

/** Runs a command of Baton; after the budget it is told to save and end. Returns its JSON, or null. */
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

for (const seed of seeds) {
  for (const { name: of, train, distill, evaluate } of table.runs(seed)) {
    if (only && !only.includes(of)) continue;
    const path = run(name, of, seed);
    const commands = [
      ...(train ? [["train", ...train, "--seed", String(seed), "--run", path]] : []),
      ...(distill ? [["distill", ...distill, "--seed", String(seed), "--run", path]] : []),
      ["evaluate", ...(evaluate ?? [path]), "--episodes", values.episodes],
    ];
    if (values.list) {
      for (const args of commands) process.stdout.write(`${shown(args)}\n`);
      continue;
    }
    if (rows.some((row) => row.name === of && row.seed === seed)) continue;
    const outcomes = commands.map((args) => command(args, args[0] === "evaluate" ? undefined : Number(values.minutes)));
    const trained = outcomes.length > 1 ? outcomes[0] : null;
    rows.push({ name: of, seed, commands: commands.map(shown), trained, evaluation: outcomes.at(-1) });
    mkdirSync(results, { recursive: true });
    writeFileSync(file, `${JSON.stringify(rows, null, 1)}\n`);
  }
}
if (!values.list) {
  process.stdout.write(
    "| run | seed | env steps | updates | minutes | wins of evaluation | return |\n|---|---|---|---|---|---|---|\n",
  );
  for (const { name: of, seed, trained, evaluation } of rows) {
    const minutes = trained?.wallSeconds === undefined ? "" : (trained.wallSeconds / 60).toFixed(1);
    const cells = [of, seed, trained?.environmentSteps ?? "", trained?.updates ?? "", minutes];
    process.stdout.write(
      `| ${cells.join(" | ")} | ${(100 * evaluation.winRate).toFixed(0)} % of ${evaluation.episodes} | ${evaluation.meanReturn.toFixed(2)} |\n`,
    );
  }
}
