// The runs behind the tables of trajectory pre-training: `node experiments/trajectory/evidence.mjs MAP [--seeds 0,1,2] [--only NAME,…] [--list]`.
//
// Of each seed: ACE from scratch, and ACE whose encoder was pre-trained on recordings of that map (random play, a mix of policies, random play
// with whole time steps hidden instead of entities here and there) or of another map. A run ends when it wins 80 % of an evaluation, or at its budget of environment steps. Nothing depends on the clock, and what is
// finished already is not done again; results are in experiments/results/trajectory/MAP.json, each with the commands that made it.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { gather, printTable, runFolder, set } from "../evidence.mjs";

/**
 * Much experience between updates, and none that is old, which the hard maps need; averaged weights act, which swing less. The learning rate
 * rises over the first updates in all runs alike: RMSprop's first steps are ten times as long as later ones, and would shake what was learnt before.
 */
const hard = set(
  "training.copies=64",
  "training.updatesPerStep=0.025",
  "training.replayCapacity=60000",
  "agent.learningRateUpdates=10000",
  "agent.learningRateWarmup=500",
  "agent.explorationSteps=80000",
  "agent.averageRate=0.005",
);
/** All transitions drawn alike, and a fixed order: what 5m_vs_6m's preset had when its runs were made. */
const plain = set("agent.priority=0", "agent.order=fixed");
/** Without these, nothing is won on 3s5z in as many steps. */
const sooner = set("agent.priority=0.6", "agent.order=shuffle");
/**
 * Maps: the budget in env steps, evaluations every so many, the encoder of the preset, its width, another map of the same features, and settings
 * besides the preset's.
 */
const maps = {
  "3m": { steps: 80_000, every: 2000, encoder: "relational", hidden: 48, other: "8m" },
  "2s3z": { steps: 120_000, every: 4000, encoder: "transformer", hidden: 64, other: "3s5z" },
  "5m_vs_6m": {
    steps: 400_000,
    every: 20_000,
    encoder: "transformer",
    hidden: 64,
    other: "8m_vs_9m",
    settings: [...hard, ...plain],
  },
  "3s5z": { steps: 300_000, every: 10_000, encoder: "transformer", hidden: 64, other: "2s3z", settings: [...hard, ...sooner] },
};
const recipes = { relational: "trajectory", transformer: "trajectory-transformer" };

/** Who plays the recordings. */
const policies = {
  random: ["--policy", "random"],
  mixed: ["--policy", "random", "--policy", "closest:0.3", "--policy", "focus-fire:0.3"],
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: "string", default: "0,1,2" },
    only: { type: "string" },
    episodes: { type: "string", default: "1000" },
    updates: { type: "string", default: "2000" },
    list: { type: "boolean", default: false },
  },
});
const [map] = positionals;
if (!maps[map]) {
  const usage = `${Object.keys(maps).join("|")} [--seeds 0,1] [--only scratch,random,mixed,across,frames,…] [--episodes 1000] [--updates 2000] [--list]`;
  process.stderr.write(`usage: node experiments/trajectory/evidence.mjs ${usage}\n`);
  process.exit(1);
}
const { steps, every, encoder, hidden, other, settings = [] } = maps[map];

/** Records once; a recording that is whole already is left as it is. */
const recording = (of, who) => {
  const path = `recordings/evidence/${of}-${who}`;
  const args = [
    "record",
    "--env",
    `skirmish/${of}`,
    ...policies[who],
    "--episodes",
    values.episodes,
    "--seed",
    "1000",
    "--to",
    path,
  ];
  return { path, args };
};

/** The curve of a run: [env steps, share of wins, mean return] of each evaluation. */
const curveOf = (path) =>
  readFileSync(`${path}/metrics.jsonl`, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
    .flatMap(({ environmentSteps, winRate, meanReturn }) =>
      winRate === undefined ? [] : [[environmentSteps, winRate, Number(meanReturn.toFixed(2))]],
    );

/** Env steps of the first evaluation that wins such a share; null for never. */
const stepsTo = (curve, share) => curve.find(([, wins]) => wins >= share)?.[0] ?? null;

function job(seed, name, data, ...more) {
  const path = runFolder(`trajectory-${map}`, name, seed);
  const pretrained = runFolder(`trajectory-${map}`, `${name} encoder`, seed);
  const common = ["--seed", String(seed), "--threads", "1", "--device", "cpu"];
  const shared = set("evaluation.stopAtWinRate=0.8", "evaluation.episodes=64");
  const budget = set(`training.environmentSteps=${steps}`, `evaluation.everySteps=${every}`);
  const train = ["train", `ace/${map}`, ...common, ...shared, ...budget, ...settings, "--run", path];
  const learn = data && ["pretrain", recipes[encoder], ...common, "--recording", data.path, "--run", pretrained];
  const sizes = set(`encoder.hidden=${hidden}`, `updates=${values.updates}`, ...more);
  return {
    name,
    commands: data ? [data.args, [...learn, ...sizes], [...train, "--init-encoder", pretrained]] : [train],
    row(outcomes) {
      const [recorded, learnt, trained] = data ? outcomes : [null, null, outcomes[0]];
      const curve = curveOf(path);
      return {
        to50: stepsTo(curve, 0.5),
        to80: stepsTo(curve, 0.8),
        budget: steps,
        curve,
        wallSeconds: trained.wallSeconds,
        ...(data && { recordedSteps: recorded.rows, pretrainSeconds: learnt.seconds, heldOut: lastHeldOut(pretrained) }),
      };
    },
  };
}

/** What a pre-training ended with: the loss on kept episodes, and that of taking everything to stay as it is. */
function lastHeldOut(path) {
  const { heldOutLoss, persistenceLoss } = JSON.parse(readFileSync(`${path}/metrics.jsonl`, "utf8").trim().split("\n").at(-1));
  return { model: heldOutLoss, persistence: persistenceLoss };
}

/** Whole time steps are hidden: the encoder sees everybody in those that are left, as it will in the agent. */
const wholeFrames = ["masking.strategy=frame", "masking.ratio=0.75"];
const jobs = (seed) => [
  job(seed, "scratch"),
  job(seed, "random", recording(map, "random")),
  job(seed, "mixed", recording(map, "mixed")),
  job(seed, "across", recording(other, "random")),
  job(seed, "frames", recording(map, "random"), ...wholeFrames),
  job(seed, "frames mixed", recording(map, "mixed"), ...wholeFrames),
  job(seed, "frames across", recording(other, "random"), ...wholeFrames),
];
const seeds = values.seeds.split(",").map(Number);
const rows = gather(`trajectory/${map}.json`, seeds, jobs, { only: values.only?.split(","), list: values.list });

/** Two-sided 95 % quantiles of Student's t by degrees of freedom. */
const t95 = [Number.NaN, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];
/** `mean ± half of the 95 % interval`. */
function interval(numbers, show = (number) => `${(number / 1000).toFixed(1)}k`) {
  const n = numbers.length;
  const mean = numbers.reduce((sum, one) => sum + one, 0) / n;
  if (n < 2) return show(mean);
  const deviation = Math.sqrt(numbers.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (n - 1));
  return `${show(mean)} ± ${show(((t95[n - 1] ?? 2) * deviation) / Math.sqrt(n))}`;
}

/**
 * A column of the curve averaged over a run's evaluations: tells runs apart that never get to 50 %, and its returns those that hardly
 * win. A run that ended at 80 % counts as staying there.
 */
function meanOf({ curve, budget }, column) {
  const left = Math.max(0, Math.round(budget / curve[0][0]) - curve.length);
  const sum = curve.reduce((total, point) => total + point[column], 0) + left * curve.at(-1)[column];
  return sum / (curve.length + left);
}
const meanWins = (row) => 100 * meanOf(row, 1);
const meanReturn = (row) => meanOf(row, 2);

if (!values.list) {
  // runs that never got there count as their whole budget, which understates them
  const reached = (row, key) => row[key] ?? row.budget;
  const percent = (number) => `${number.toFixed(1)} %`;
  const thousands = (number) => (number === null ? "–" : `${(number / 1000).toFixed(0)}k`);
  const scratch = new Map(rows.filter(({ name }) => name === "scratch").map((row) => [row.seed, row]));
  const lines = [...new Set(rows.map(({ name }) => name))].map((name) => {
    const some = rows.filter((row) => row.name === name);
    const paired = some.filter((row) => name !== "scratch" && scratch.has(row.seed));
    const difference = (of, show) =>
      paired.length > 0
        ? interval(
            paired.map((row) => of(row) - of(scratch.get(row.seed))),
            show,
          )
        : "";
    return [
      name,
      some.length,
      ...["to50", "to80"].flatMap((key) => [
        interval(some.map((row) => reached(row, key))),
        some.map((row) => thousands(row[key])).join(", "),
        difference((row) => reached(row, key)),
      ]),
      ...[
        [meanWins, percent],
        [meanReturn, (number) => (Number.isNaN(number) ? "–" : number.toFixed(2))], // the oldest rows have no returns
      ].flatMap(([of, show]) => [interval(some.map(of), show), difference(of, show)]),
    ];
  });
  const parts = ["", "seeds"].concat(
    ...["50 %", "80 %"].map((share) => [`to ${share}`, "seed by seed", "difference to scratch, same seeds"]),
    ...["wins", "return"].map((what) => [`${what}, mean of all evaluations`, "difference to scratch"]),
  );
  printTable(parts, lines);
}
