// The runs behind the tables of ACE: `node experiments/ace/evidence.mjs TABLE [--seeds 0,1,2] [--only NAME,…] [--scale 1] [--minutes 30]
// [--threads 1] [--again] [--list]`.
//
// Every run is an ordinary `baton train` of a preset, evaluated on 100 greedy episodes of its best checkpoint. `--scale 4` makes all runs four
// times as long, with their schedules; `--minutes` ends a run early. What is finished already is not done again unless `--again` says so. Results are in
// experiments/results/ace/TABLE.json, each with its curve, its settings and the commands that made it.
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { parse } from "yaml";
import { gather, printTable, runFolder, set } from "../evidence.mjs";

const maps =
  "3m 8m 25m 5m_vs_6m 8m_vs_9m 10m_vs_11m 27m_vs_30m MMM MMM2 2s3z 3s5z 3s5z_vs_3s6z 3s_vs_3z 3s_vs_4z 3s_vs_5z 1c3s5z 2m_vs_1z corridor 6h_vs_8z 2s_vs_1sc so_many_baneling bane_vs_bane 2c_vs_64zg".split(
    " ",
  );
/** Maps whose runs start from another map's weights (other numbers, or some other types of units), and explore less therefore. */
const starts = {
  "8m": "8m_vs_9m",
  "25m": "8m_vs_9m",
  "8m_vs_9m": "5m_vs_6m",
  "10m_vs_11m": "8m_vs_9m",
  "27m_vs_30m": "8m_vs_9m",
  "3s5z": "2s3z",
  "3s5z_vs_3s6z": "3s5z",
  "3s_vs_4z": "3s_vs_3z",
  "3s_vs_5z": "3s_vs_4z",
  MMM2: "MMM",
  "1c3s5z": "3s5z",
  corridor: "3s5z",
  so_many_baneling: "3s5z",
};
const zeroShot = [
  ["3m", "8m"],
  ["5m_vs_6m", "8m"],
  ["5m_vs_6m", "25m"],
  ["5m_vs_6m", "27m_vs_30m"],
  ["5m_vs_6m", "8m_vs_9m"],
  ["5m_vs_6m", "10m_vs_11m"],
  ["8m_vs_9m", "5m_vs_6m"],
  ["8m_vs_9m", "8m"],
  ["8m_vs_9m", "10m_vs_11m"],
  ["8m_vs_9m", "25m"],
  ["8m_vs_9m", "27m_vs_30m"],
  ["2s3z", "3s5z"],
];
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
/** Two spiders and a fly that stays where it is, on 3 × 3 cells. */
const spiders = set(
  "env.size=3",
  "env.fly=still",
  "agent.hidden=32",
  "agent.batchSize=64",
  "agent.nStep=1", // longer windows would mix the exploration of one into what the other learns
  "agent.gamma=0.9",
  "agent.learningRate=0.003",
  "agent.explorationSteps=10000",
  "agent.explorationEnd=0.1",
  "training.environmentSteps=20000",
  "training.copies=16",
  "training.updatesPerStep=0.2",
  "training.warmupSteps=500",
  "training.replayCapacity=20000",
  "evaluation.everySteps=4000",
  "evaluation.episodes=64",
);
/** A third of the preset's experience on 5m_vs_6m, with one random order per batch as the preset has it; and with a fixed one. */
const shuffledFive = ["ace/5m_vs_6m", ...set("training.environmentSteps=400000", "evaluation.everySteps=20000")];
const five = [...shuffledFive, ...set("agent.order=fixed")];
/** Dependency in both directions, and forward only; independent learners have none. */
const variants = {
  "sequential target": set("agent.target=sequential"),
  "environment target": set("agent.target=environment"),
};

/** The claims' run of 5m_vs_6m that is as long as the preset says, with a fixed order. */
const toTheEnd = "5m_vs_6m fixed order to the end";
/** What lets a run on a map start from another map's weights. */
const warm = (map, seed) =>
  starts[map]
    ? [
        ...["--init", run("wide", starts[map], seed)],
        ...set("agent.explorationStart=0.1", "agent.learningRate=0.0003", "agent.learningRateWarmup=500"),
      ]
    : [];

/** Tables: how many seeds by default, and for each seed a list of { name, train: [arguments] } or other commands. */
const tables = {
  wide: {
    seeds: [0],
    runs: (seed) => maps.map((map) => ({ name: map, train: [`ace/${map}`, ...warm(map, seed)] })),
  },
  depth: {
    seeds: [0, 1, 2],
    runs: () =>
      ["3m", "2s3z", "5m_vs_6m"].flatMap((map) =>
        ["relational", "transformer"].map((encoder) => ({
          name: `${map} ${encoder}`,
          train: [...(map === "5m_vs_6m" ? five : [`ace/${map}`]), ...set(`agent.encoder=${encoder}`)],
        })),
      ),
  },
  claims: {
    seeds: [0, 1, 2],
    runs: (seed) => [
      // the environment's target and a fixed order: `depth` has it as "5m_vs_6m transformer"
      { name: "5m_vs_6m sequential target", train: [...five, ...set("agent.target=sequential")] },
      { name: "5m_vs_6m independent learners", train: ["ace/iql/5m_vs_6m"] },
      { name: "5m_vs_6m shuffled order", train: shuffledFive },
      // the whole of 5m_vs_6m's preset with one random order per batch, and MMM2 with a fixed one: `wide` has them
      { name: toTheEnd, train: ["ace/5m_vs_6m", ...set("agent.order=fixed")] },
      { name: "MMM2 shuffled order", train: ["ace/MMM2", ...warm("MMM2", seed), ...set("agent.order=shuffle")] },
      { name: "5m_vs_6m one order per sample", train: [...shuffledFive, ...set("agent.order=shuffle-sample")] },
      { name: "5m_vs_6m order by value gap", train: [...shuffledFive, ...set("agent.order=gap")] },
      // what the independent learners compare with: they draw all transitions alike
      { name: "5m_vs_6m no prioritised replay", train: [...five, ...set("agent.priority=0")] },
      // the sequential target and a fixed order on 3m: `depth` has it as "3m relational"
      { name: "3m environment target", train: ["ace/3m", ...set("agent.target=environment")] },
      { name: "3m one order per sample", train: ["ace/3m", ...set("agent.order=shuffle-sample")] },
      { name: "3m order by value gap", train: ["ace/3m", ...set("agent.order=gap")] },
      { name: "3m prioritised replay", train: ["ace/3m", ...set("agent.priority=0.6")] },
      { name: "3m no auxiliary loss", train: ["ace/3m", ...set("agent.auxiliaryWeight=0")] },
      // with the auxiliary loss: `wide` has it
      { name: "3s_vs_3z no auxiliary loss", train: ["ace/3s_vs_3z", ...set("agent.auxiliaryWeight=0")] },
      ...["climbing", "penalty"].flatMap((game) => [
        ...Object.entries(variants).map(([name, more]) => ({
          name: `${game} ${name}`,
          train: ["--env", `matrix/${game}`, ...matrix, ...set("agent.targetRate=0.05"), ...more],
        })),
        ...Object.entries({
          "fixed order": set("agent.order=fixed"),
          "one order per sample": set("agent.order=shuffle-sample"),
          "order by value gap": set("agent.order=gap"),
          "no auxiliary loss": set("agent.auxiliaryWeight=0"),
          "prioritised replay": set("agent.priority=0.6"),
        }).map(([name, more]) => ({
          name: `${game} ${name}`,
          train: ["--env", `matrix/${game}`, ...matrix, ...set("agent.targetRate=0.05"), ...more],
        })),
        {
          name: `${game} independent learners`,
          train: ["--env", `matrix/${game}`, "--agent", "iql", ...matrix],
        },
      ]),
      ...Object.entries(variants).map(([name, more]) => ({
        name: `spiders-and-fly ${name}`,
        train: [
          "--env",
          "matrix/spiders-and-fly",
          ...spiders,
          ...set(
            "agent.auxiliaryWeight=0",
            "agent.targetRate=0.02",
            "agent.learningRateEnd=0.0001",
            "agent.learningRateUpdates=3900",
          ),
          ...more,
        ],
      })),
      { name: "spiders-and-fly independent learners", train: ["--env", "matrix/spiders-and-fly", "--agent", "iql", ...spiders] },
    ],
  },
  /** With the weights of the wide table's runs, which come first. */
  transfer: {
    seeds: [0],
    runs: (seed) => [
      ...zeroShot.map(([from, to]) => ({
        name: `${from} on ${to} zero-shot`,
        evaluate: [run("wide", from, seed), "--env", `skirmish/${to}`],
      })),
      ...zeroShot
        .filter(([from]) => from === "5m_vs_6m")
        .map(([from, to]) => ({
          name: `${from} fixed order on ${to} zero-shot`,
          evaluate: [run("claims", toTheEnd, seed), "--env", `skirmish/${to}`],
        })),
      // the wide table's runs start from 5m_vs_6m
      { name: "8m from scratch", train: ["ace/8m"] },
      { name: "8m_vs_9m from scratch", train: ["ace/8m_vs_9m"] },
    ],
  },
  /** Taught by the wide table's runs, which come first. */
  students: {
    seeds: [0],
    runs: (seed) => [
      ...["3m", "8m", "2s3z", "5m_vs_6m"].map((map) => ({ name: map, distill: [run("wide", map, seed)] })),
      { name: "5m_vs_6m fixed order", distill: [run("claims", toTheEnd, seed)] },
    ],
  },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: "string", default: "30" },
    scale: { type: "string", default: "1" },
    threads: { type: "string" },
    seeds: { type: "string" },
    only: { type: "string" },
    episodes: { type: "string", default: "100" },
    list: { type: "boolean", default: false },
    again: { type: "boolean", default: false },
  },
});
const [name] = positionals;
const table = tables[name];
if (!table) {
  process.stderr.write(
    `usage: node experiments/ace/evidence.mjs ${Object.keys(tables).join("|")} [--seeds 0,1] [--only NAME,…] [--scale 1] [--minutes 30] [--threads 1] [--again] [--list]\n`,
  );
  process.exit(1);
}
const seeds = values.seeds?.split(",").map(Number) ?? table.seeds;
const minutes = Number(values.minutes);
const scale = Number(values.scale);
const threads = values.threads ? ["--threads", values.threads] : [];
/** What a run `scale` times as long is called. */
const scaled = (of) => (scale === 1 ? of : `${of} ×${scale}`);
function run(inTable, of, seed) {
  return runFolder(`${inTable}${scale === 1 ? "" : `-x${scale}`}`, of, seed);
}

/** Settings of a run that is `scale` times as long as its preset says. */
function longer(train) {
  if (scale === 1 || train[0].startsWith("--")) return [];
  const preset = parse(readFileSync(new URL(`../${train[0]}.yaml`, import.meta.url), "utf8"));
  return ["training.environmentSteps", "agent.explorationSteps", "agent.learningRateUpdates"].flatMap((key) => {
    const [section, field] = key.split(".");
    const value = preset[section]?.[field];
    return value === undefined ? [] : set(`${key}=${Math.round(value * scale)}`);
  });
}

/** A run's learning curve. */
function curveOf(path) {
  const file = `${path}/metrics.jsonl`;
  const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : [];
  return lines
    .map((line) => JSON.parse(line))
    .map(({ environmentSteps, updates, wallSeconds, winRate, meanReturn }) => ({
      environmentSteps,
      updates,
      seconds: Math.round(wallSeconds),
      winRate: Number(winRate.toFixed(3)),
      meanReturn: Number(meanReturn.toFixed(2)),
    }));
}

/** Keeps the picture of a learning curve beside the results. */
function keepPicture(file, as) {
  const folder = new URL("../results/ace/curves/", import.meta.url);
  mkdirSync(folder, { recursive: true });
  if (existsSync(file)) copyFileSync(file, new URL(as, folder));
}

/** What a run was trained with: presets change. */
function settingsOf(path) {
  const { agent, training } = parse(readFileSync(`${path}/config.yaml`, "utf8"));
  return { agent, training };
}

/** The commands of a run, and what is kept of their outcomes. */
function job({ name: of, train, distill, evaluate }, seed) {
  const path = run(name, of, seed);
  const made = train ? ["train", ...train, ...longer(train), ...threads] : distill ? ["distill", ...distill] : null;
  return {
    name: scaled(of),
    ...(made && { folder: path }),
    commands: [
      ...(made ? [{ args: [...made, "--seed", String(seed), "--run", path], minutes }] : []),
      ["evaluate", ...(evaluate ?? [path]), "--episodes", values.episodes],
    ],
    row: (outcomes) => {
      const curve = made && curveOf(path);
      if (name === "wide") keepPicture(`${path}/curve.svg`, `${name}-${scaled(of)}-${seed}.svg`.replaceAll(/[^\w.-]+/g, "-"));
      // a run that its budget ended reports nothing itself: what it had reached at its last evaluation
      const { environmentSteps, updates, seconds } = curve?.at(-1) ?? {};
      const ended = made && { ended: "by its budget", environmentSteps, updates, wallSeconds: seconds };
      return {
        trained: made ? (outcomes[0] ?? ended) : null,
        evaluation: outcomes.at(-1),
        ...(curve && { settings: settingsOf(path), curve }),
      };
    },
  };
}

const jobsOf = (seed) => table.runs(seed).map((one) => job(one, seed));
const only = values.only?.split(",").map(scaled);
const rows = gather(`ace/${name}.json`, seeds, jobsOf, { only, list: values.list, again: values.again });
/** The best scripted policy's win rate on each map, from the table in the environment's README, in %. */
function scripted() {
  const policies = ["random", "closest", "weakest", "focus-fire", "kite", "alternate", "flee"];
  const readme = readFileSync(new URL("../../envs/skirmish/README.md", import.meta.url), "utf8");
  const row = new RegExp(`^\\| \\w+ (\\| \\d+\\.\\d ){${policies.length}}\\|$`);
  const lines = readme.split("\n").filter((line) => row.test(line));
  const cells = (line) => line.split("|").map((cell) => cell.trim());
  return new Map(
    lines.map((line) => {
      const [, map, ...rates] = cells(line).slice(0, policies.length + 2);
      const best = Math.max(...rates.map(Number));
      return [map, best > 0 ? `${best} % (${policies[rates.map(Number).indexOf(best)]})` : "0 %"];
    }),
  );
}

if (!values.list) {
  const wide = name === "wide";
  const best = wide ? scripted() : new Map();
  printTable(
    [
      ...["run", ...(wide ? ["from"] : []), "seed", "env steps", "updates", "minutes", "wins"],
      ...["return", ...(wide ? ["best script wins"] : [])],
    ],
    rows.map(({ name: of, seed, enemy, trained, evaluation }) => [
      // measured before the enemy preferred whoever attacks it
      ...[
        enemy ? `${of} °` : of,
        ...(wide ? [starts[of] ?? ""] : []),
        seed,
        trained?.environmentSteps ?? "",
        trained?.updates ?? "",
      ],
      trained?.wallSeconds === undefined ? "" : (trained.wallSeconds / 60).toFixed(1),
      `${(100 * evaluation.winRate).toFixed(0)} % of ${evaluation.episodes}`,
      ...[evaluation.meanReturn.toFixed(1), ...(wide ? [best.get(of) ?? ""] : [])],
    ]),
  );
}
