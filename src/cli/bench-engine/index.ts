import { Command } from "commander";
import { unknownName } from "../../names.js";
import { openDevice } from "../../tensor/devices.js";
import { wholeNumber } from "../arguments.js";
import { type BenchRow, benchRow, printBench } from "../bench-report.js";
import { formatTable, printJson, printLines } from "../output.js";
import { aceAct, aceUpdate } from "./ace.js";
import { explain, machineRate, profile } from "./explain.js";
import { mlpForward } from "./forward.js";
import { type Comparison, compare } from "./measure.js";
import { memoryOver } from "./memory.js";
import { findPeer } from "./peer.js";
import { transformerStep } from "./transformer.js";
import type { Work } from "./work.js";

/** What can be measured, by name. */
const works: Readonly<Record<string, () => Work>> = {
  transformer: transformerStep,
  mlp: mlpForward,
  "update-3m": () => aceUpdate("3m", 64, 128, { lean: 2.5 }),
  "update-5m_vs_6m": () => aceUpdate("5m_vs_6m", 64, 128, { lean: 2.5 }),
  "act-5m_vs_6m": () => aceAct("5m_vs_6m", 64, 32),
  "act-MMM2": () => aceAct("MMM2", 64, 32),
  "paper-act-5m_vs_6m": () => aceAct("5m_vs_6m", 256, 32),
  "paper-act-MMM2": () => aceAct("MMM2", 256, 32),
  "paper-5m_vs_6m": () => aceUpdate("5m_vs_6m", 256, 320, { lean: 1.2 }),
  "paper-MMM2": () => aceUpdate("MMM2", 256, 320, { lean: 1.2 }),
  "paper-authors-5m_vs_6m": () => aceUpdate("5m_vs_6m", 256, 320, { target: "environment", authors: 7 }),
  "paper-authors-MMM2": () => aceUpdate("MMM2", 256, 320, { target: "environment", authors: 7 }),
};

/** Measured unless others are named: the paper's sizes take minutes and gigabytes. */
const usual = Object.keys(works).filter((name) => !name.startsWith("paper-"));

interface Options {
  rounds: string;
  threads: string;
  peers: boolean;
  python?: string;
  explain?: boolean;
  memory?: string;
  json?: boolean;
}

export function benchEngineCommand(): Command {
  return new Command("engine")
    .description("Training steps and forward passes compiled for the CPU, beside PyTorch on the same machine, in turns.")
    .argument("[what...]", `What is measured: ${Object.keys(works).join(", ")}. Left out: all but paper-*.`)
    .option("--memory <n,…>", "Print what the process holds after these many small updates instead, e.g. 1000,20000.")
    .option("--rounds <n>", "Turns that each side gets; the median of all runs is reported.", "15")
    .option("--threads <n,…>", "Threads inside one operation, one run of the benchmark for each.", "1")
    .option("--no-peers", "Measure without PyTorch.")
    .option("--python <path>", "The Python that has PyTorch.")
    .option("--explain", "Print the operators before and after each pass and the time per operator type instead.")
    .option("--json", "Print the figures as one JSON object.")
    .action((what: string[], options: Options) => benchEngine(what, options));
}

async function benchEngine(what: readonly string[], options: Options): Promise<void> {
  const names = what.length > 0 ? what : usual;
  const wanted = names.map((name) => {
    const make = works[name];
    if (!make) throw unknownName("benchmark", name, Object.keys(works));
    return make;
  });
  const rounds = wholeNumber("--rounds", options.rounds, 1, 10_000);
  const threads = options.threads.split(",").map((text) => wholeNumber("--threads", text, 1, 256));
  if (options.memory !== undefined) {
    const counts = options.memory.split(",").map((text) => wholeNumber("--memory", text, 1));
    await printMemory(counts, threads[0]!, options.json === true);
    return;
  }
  if (options.explain) {
    for (const make of wanted) await printExplained(make(), threads[0]!, options.json === true);
    return;
  }
  const { python, complaints } = options.peers ? findPeer(options.python) : { complaints: [] };
  for (const complaint of complaints) process.stderr.write(`${complaint}\n`);
  const rows: BenchRow[] = [];
  for (const count of threads) {
    const device = await openDevice("cpu", { threads: count });
    const suffix = `${count} ${count === 1 ? "thread" : "threads"}`;
    const rate = await machineRate(device, count);
    rows.push(benchRow({ name: `large matrix product, ${suffix}`, unit: "GFLOP/s", value: rate }));
    for (const make of wanted) {
      const work = make();
      const comparison = await compare(device, work, { threads: count, rounds, python });
      rows.push(...rowsOf(work, comparison, suffix, rate));
    }
  }
  printBench(rows, options.json === true);
}

/** Times in processor and in wall-clock milliseconds against each peer, and the arithmetic per second. */
function rowsOf(work: Work, { ours, peers }: Comparison, suffix: string, rate: number): BenchRow[] {
  const rows: BenchRow[] = [];
  for (const [kind, label] of [
    ["cpu", "processor"],
    ["wall", "wall"],
  ] as const) {
    const value = ours[kind];
    const name = `${work.name}, ${suffix}, ${label} time`;
    if (peers.length === 0) rows.push(benchRow({ name, unit: "ms", value }));
    if (work.limit !== undefined) {
      rows.push(
        benchRow({ name, unit: "ms", value, peer: { name: "the limit", value: work.limit, target: 1, better: "lower" } }),
      );
    }
    for (const { peer, ...theirs } of peers) {
      const { target } = peer;
      const compared = {
        name: peer.name,
        value: theirs[kind],
        better: "lower" as const,
        ...(target !== undefined && { target }),
      };
      rows.push(benchRow({ name, unit: "ms", value, peer: compared }));
    }
  }
  const { flops } = explain(work);
  if (flops > 1e8) {
    const value = flops / Math.min(ours.cpu, ours.wall) / 1e6;
    const share = ((100 * value) / rate).toFixed(0);
    rows.push(benchRow({ name: `${work.name}, ${suffix}: products, ${share} % of the machine's rate`, unit: "GFLOP/s", value }));
  }
  return rows;
}

async function printMemory(counts: readonly number[], threads: number, json: boolean): Promise<void> {
  const work = aceUpdate("3m", 32, 32, { lean: 1 });
  const held = await memoryOver(await openDevice("cpu", { threads }), work, counts);
  const rows = held.flatMap(({ updates, rss, javascript }) => [
    benchRow({ name: `${work.name}: resident after ${updates} updates`, unit: "MB", value: rss / 1e6 }),
    benchRow({ name: `${work.name}: JavaScript after ${updates} updates`, unit: "MB", value: javascript / 1e6 }),
  ]);
  printBench(rows, json);
}

async function printExplained(work: Work, threads: number, json: boolean): Promise<void> {
  const explained = explain(work);
  const times = await profile(explained, threads);
  const { sizes, flops } = explained;
  if (json) {
    printJson({ name: work.name, passes: sizes, productFlops: flops, operators: times });
    return;
  }
  const total = times.reduce((sum, { microseconds }) => sum + microseconds, 0);
  printLines(
    work.name,
    "",
    formatTable(
      ["after", "operators"],
      sizes.map(({ after, nodes }) => [after, nodes]),
    ),
    "",
    formatTable(
      ["operator", "nodes", "µs", "%"],
      times.map(({ op, nodes, microseconds }) => [op, nodes, Math.round(microseconds), Math.round((100 * microseconds) / total)]),
    ),
    "",
    `${times.reduce((sum, { nodes }) => sum + nodes, 0)} operators left by ONNX Runtime, ${Math.round(total)} µs with profiling; ` +
      `products: ${(flops / 1e9).toFixed(2)} GFLOP`,
    "",
  );
}
