// The runs behind the tables of the masked autoencoders: `node experiments/masked/evidence.mjs TABLE [--seeds 0,1,2] [--only NAME,…] [--list]`.
//
// Every run is an ordinary `baton pretrain` on one thread, judged by `baton probe` and `baton finetune`. What is finished already is not done
// again; results are in experiments/results/masked/TABLE.json, each with the commands that made it. The data: experiments/masked/data.mjs.
import { parseArgs } from "node:util";
import { gather, printTable, runFolder, set } from "../evidence.mjs";

const judged = ["--test", "2000"];
const percent = (share) => (share === undefined ? "" : `${(100 * share).toFixed(1)} %`);
const seconds = ({ processorSeconds }) => `${processorSeconds.toFixed(0)} s`;
const mean = (numbers) => numbers.reduce((sum, one) => sum + one, 0) / numbers.length;

/** Pre-trains a recipe and judges it; `scratch` adds the same network with its first weights, `labels` fine-tuning with so many. */
function job(table, seed, name, args, { scratch = false, labels = "512" } = {}) {
  const path = runFolder(table, name, seed);
  const judgements = (more = [], tuning = []) => [
    ["probe", path, ...more, ...judged],
    ...(labels ? [["finetune", path, ...more, ...tuning, "--labels", labels, "--seed", String(seed), ...judged]] : []),
  ];
  const accuracies = ([probe, tuned]) => ({
    ...{ linear: probe.linear, neighbours: probe.neighbours },
    ...(tuned && { finetuned: tuned.accuracy }),
  });
  const each = judgements().length;
  const ofClassToken = labels ? [["probe", path, "--features", "class-token", ...judged]] : [];
  return {
    name,
    commands: [
      ["pretrain", ...args, "--seed", String(seed), "--threads", "1", "--run", path],
      ...judgements(),
      ...ofClassToken,
      // From scratch, all layers learn alike.
      ...(scratch ? judgements(["--untrained"], ["--layer-decay", "1"]) : []),
    ],
    row: ([{ loss, processorSeconds }, ...judged]) => ({
      ...{ loss, processorSeconds, ...accuracies(judged) },
      ...(labels && { classToken: judged[each].linear }),
      ...(scratch && { untrained: accuracies(judged.slice(each + ofClassToken.length)) }),
    }),
  };
}

/** Strategies of MAE-ST's table with the shares that they hide: the paper's, and 75 % for all. */
const strategies = [
  ["random", 0.9],
  ["tube", 0.9],
  ["frame", 0.75],
  ["block", 0.75],
  ["random", 0.75],
  ["tube", 0.75],
];

const threeTimes = set("updates=2400");
const tables = {
  /** MAE against the same network from scratch, and against AMT at equal epochs. */
  mae: {
    seeds: [0, 1, 2],
    jobs: (seed) => [
      job("mae", seed, "MNIST MAE", ["mae-mnist"], { scratch: true }),
      job("mae", seed, "MNIST AMT", ["amt-mnist"]),
      job("mae", seed, "CIFAR-10 MAE", ["mae-cifar10"], { scratch: true, labels: "2000" }),
      job("mae", seed, "CIFAR-10 AMT", ["amt-cifar10"], { labels: "2000" }),
      job("mae", seed, "CIFAR-10 MAE 12 epochs", ["mae-cifar10", ...threeTimes], { labels: "2000" }),
      // a sixth of the epochs are of random masking, as 40 of the paper's 200 are a fifth
      job("mae", seed, "CIFAR-10 AMT 12 epochs", ["amt-cifar10", ...threeTimes, ...set("warmupMasking.epochs=2")], {
        labels: "2000",
      }),
    ],
  },
  /** MAE-ST: what is hidden. Frames are hidden less often than 90 %: of four tubes in time one must be left. */
  "mae-st": {
    seeds: [0, 1],
    jobs: (seed) =>
      strategies.map(([strategy, ratio]) => {
        const masking = set(`masking.strategy=${strategy}`, `masking.ratio=${ratio}`);
        const scratch = strategy === "random" && ratio === 0.9;
        return job("mae-st", seed, `${strategy} ${100 * ratio} %`, ["mae-st", ...masking], { scratch, labels: "" });
      }),
  },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seeds: { type: "string" }, only: { type: "string" }, list: { type: "boolean", default: false } },
});
const [name] = positionals;
const table = tables[name];
if (!table) {
  const usage = `${Object.keys(tables).join("|")} [--seeds 0,1] [--only NAME,…] [--list]`;
  process.stderr.write(`usage: node experiments/masked/evidence.mjs ${usage}\n`);
  process.exit(1);
}
const seeds = values.seeds?.split(",").map(Number) ?? table.seeds;
const rows = gather(`masked/${name}.json`, seeds, table.jobs, { only: values.only?.split(","), list: values.list });

const judgedBy = ["linear", "classToken", "neighbours", "finetuned"];
const cells = (row) => judgedBy.map((key) => percent(row[key]));
/** The mean over seeds of each number of these rows. */
const meanOf = (some) =>
  Object.fromEntries(judgedBy.map((key) => [key, some[0][key] === undefined ? undefined : mean(some.map((row) => row[key]))]));

if (!values.list) {
  const header = ["", "seed", "linear probe", "of the class token", "20 neighbours", "fine-tuned", "loss", "processor time"];
  const lines = [...new Set(rows.map((row) => row.name))].flatMap((of) => {
    const some = rows.filter((row) => row.name === of);
    const bare = some.flatMap((row) => (row.untrained ? [{ ...row.untrained, seed: row.seed }] : []));
    return [
      ...some.map((row) => [of, row.seed, ...cells(row), row.loss.toFixed(3), seconds(row)]),
      [`**${of}**`, "mean", ...cells(meanOf(some)), "", ""],
      ...bare.map((row) => [`${of}, from scratch`, row.seed, ...cells(row), "", ""]),
      ...(bare.length > 0 ? [[`**${of}, from scratch**`, "mean", ...cells(meanOf(bare)), "", ""]] : []),
    ];
  });
  printTable(header, lines);
}
