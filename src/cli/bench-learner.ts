import * as tf from "@tensorflow/tfjs";
import { Command } from "commander";
import type { BatchTensors } from "../agent.js";
import type { VectorEnvironment } from "../environment.js";
import { randomLegalAction } from "../environments/player.js";
import { allocateVectorTimeStep } from "../environments/timestep.js";
import { allocateBatch, ReplayBuffer } from "../replay/index.js";
import type { Device } from "../tensor/device.js";
import { openDevice } from "../tensor/devices.js";
import { RandomStream } from "../tensor/random.js";
import { HostArray, type HostTree, specOf, type TensorTree } from "../tensor/tree.js";
import { matrixOperations } from "../tensor/work.js";
import type { Config } from "../training/config.js";
import { type Experiment, resolveExperiment } from "../training/experiment.js";
import { mergeLayers, optionLayer, setLayer } from "../training/layers.js";
import { Learner } from "../training/learner.js";
import { presetLayer } from "../training/presets.js";
import { activities } from "../training/time-budget.js";
import { Trainer } from "../training/trainer.js";
import { collect, positiveNumber, wholeNumber } from "./arguments.js";
import { type BenchRow, benchRow, median, printBench } from "./bench-report.js";
import { closingAfter } from "./closing.js";

interface Options {
  preset: string;
  env?: string;
  set: readonly string[];
  device?: string;
  threads?: string;
  rounds: string;
  seconds: string;
  train: string;
  json?: boolean;
}

export function benchLearnerCommand(): Command {
  return new Command("learner")
    .description(
      "Updates and samples per second of a preset's learner, its share of the machine's peak, and where training time goes.",
    )
    .requiredOption("--preset <name>", "Name of a preset in experiments/, or a YAML file, e.g. ace/5m_vs_6m.")
    .option("--env <id>", "Another environment than the preset's.")
    .option("--set <key=value>", "Any other setting, e.g. agent.hidden=128; may be repeated.", collect, [])
    .option("--device <name>", "Where the network runs (default: the preset's).")
    .option("--threads <n>", "Threads inside one operation (default: the preset's).")
    .option("--rounds <n>", "Rounds of measurement; the median is reported.", "7")
    .option("--seconds <s>", "Length of each round in seconds.", "1")
    .option("--train <s>", "Seconds of whole training whose time budget is shown; 0 leaves it out.", "15")
    .option("--json", "Print the figures as one JSON object.")
    .action((options: Options) => benchLearner(options));
}

async function benchLearner(options: Options): Promise<void> {
  const rounds = wholeNumber("--rounds", options.rounds, 1, 10_000);
  const seconds = positiveNumber("--seconds", options.seconds);
  const train = options.train === "0" ? 0 : positiveNumber("--train", options.train);
  const given = {
    ...(options.env === undefined ? {} : { env: { id: options.env } }),
    ...(options.device === undefined ? {} : { device: options.device }),
    ...(options.threads === undefined ? {} : { threads: wholeNumber("--threads", options.threads, 0, 256) }),
  };
  const layers = [presetLayer(options.preset), optionLayer(given, (path) => `--${String(path[0])}`), setLayer(options.set)];
  const experiment = await resolveExperiment(mergeLayers(layers));
  const device = await openDevice(experiment.config.device, { threads: experiment.config.threads });
  const rows = await learnerRows(experiment, device, rounds, seconds, options.preset);
  if (train > 0) rows.push(...(await budgetRows(experiment, device, train)));
  printBench(rows, options.json === true);
}

async function learnerRows(
  experiment: Experiment,
  device: Device,
  rounds: number,
  seconds: number,
  preset: string,
): Promise<BenchRow[]> {
  const { agent } = experiment;
  const replay = await playedReplay(experiment);
  const learner = await Learner.create(device, agent, replay, experiment.config.seed);
  const matrix = await largeProduct(device);
  const rates: number[] = [];
  /** Seconds of the fastest update and of the fastest product: machines are shared, and both are asked what they can do at best. */
  const fastest = { update: Number.POSITIVE_INFINITY, product: Number.POSITIVE_INFINITY };
  // Learner and product take turns, so that whatever else the machine does falls on both; the first turn only warms up.
  for (let round = 0; round <= rounds; round++) {
    const updates = await timed(round === 0 ? seconds / 2 : seconds, () => learner.update());
    const products = await timed(Math.min(seconds, 0.5), () => matrix.run());
    if (round === 0) continue;
    rates.push(updates.rate);
    fastest.update = Math.min(fastest.update, updates.fastest);
    fastest.product = Math.min(fastest.product, products.fastest);
  }
  const operations = updateOperations(experiment, replay);
  learner.dispose();
  matrix.dispose();
  const updates = median(rates);
  const peak = productOperations / fastest.product;
  const share = operations / fastest.update / peak;
  return [
    benchRow({ name: `${preset}, learner`, unit: "updates/s", value: updates }),
    benchRow({ name: `${preset}, learner`, unit: "samples/s", value: updates * agent.batchSize }),
    benchRow({ name: "matrix products of one update", unit: "GFLOP", value: operations / 1e9 }),
    benchRow({ name: "peak: one product of 1024³ on this device", unit: "GFLOP/s", value: peak / 1e9 }),
    benchRow({ name: "share of that peak in the fastest update", unit: "of 1", value: share }),
  ];
}

/** A replay filled by random play: a few thousand steps are as good as a million for speed. */
function playedReplay(experiment: Experiment): Promise<ReplayBuffer> {
  const { config, environment } = experiment;
  const copies = Math.min(16, config.training.copies);
  return closingAfter(async (keep) => fill(keep(await environment.vectorize(copies, { ...config, envThreads: 0 })), experiment));
}

async function fill(environment: VectorEnvironment, { config, spec, agent }: Experiment): Promise<ReplayBuffer> {
  const { copies } = environment;
  const steps = Math.ceil(Math.max(2 * agent.batchSize, 512) / copies) + agent.transition.nStep;
  const replay = new ReplayBuffer(spec, agent.transition, { lanes: copies, capacity: 2 * copies * steps });
  const out = allocateVectorTimeStep(spec, copies);
  const rng = RandomStream.from(config.seed, "bench");
  const all = Array.from({ length: copies }, (_, copy) => copy);
  await environment.reset(
    all,
    all.map(() => rng.uint32()),
    out,
  );
  const actions = new Int32Array(copies * spec.agents);
  for (let t = 0; t < steps; t++) {
    for (let row = 0; row < actions.length; row++) {
      actions[row] = randomLegalAction(out.actionMask, row * spec.actions, spec.actions, rng);
    }
    for (const [copy, lane] of replay.lanes.entries()) lane.decide(out, copy, actions);
    await environment.step(actions, out);
    for (const [copy, lane] of replay.lanes.entries()) lane.conclude(out, copy);
    const ended = all.filter((copy) => out.terminated[copy] === 1 || out.truncated[copy] === 1);
    if (ended.length > 0) {
      await environment.reset(
        ended,
        ended.map(() => rng.uint32()),
        out,
      );
    }
  }
  return replay;
}

function updateOperations({ agent }: Experiment, replay: ReplayBuffer): number {
  const batch = allocateBatch(replay.spec, agent.transition, agent.batchSize);
  const random = agent.drawUpdate(RandomStream.from(0));
  const state = agent.init(RandomStream.from(0));
  const fn = (s: TensorTree, b: TensorTree, r: TensorTree) => {
    const { state: next, metrics } = agent.update(s, b as unknown as BatchTensors, r);
    return { state: next, metrics };
  };
  return matrixOperations(fn, [specOf(state), specOf(batch as HostTree), specOf(random)] as never, "update");
}

/** Rows and columns of the square matrices whose product is taken as the most that the device gives. */
const SIZE = 1024;
const productOperations = 2 * SIZE ** 3;

async function largeProduct(device: Device): Promise<{ run(): Promise<unknown>; dispose(): void }> {
  const matrix = HostArray.float32(new Float32Array(SIZE * SIZE).fill(1 / SIZE), SIZE, SIZE);
  // one number comes out, so that no time goes into copying the product
  const fn = (a: tf.Tensor, b: tf.Tensor) => tf.max(tf.matMul(a, b));
  const compiled = await device.compile(fn, [specOf(matrix as HostTree), specOf(matrix as HostTree)] as never, "product");
  return { run: () => compiled.run([matrix, matrix]), dispose: () => compiled.dispose() };
}

/** Runs `work` again and again for `seconds`: how often in a second, and how many seconds the fastest took. */
async function timed(seconds: number, work: () => Promise<unknown>): Promise<{ rate: number; fastest: number }> {
  const start = performance.now();
  let fastest = Number.POSITIVE_INFINITY;
  let done = 0;
  let last = start;
  while (last - start < 1000 * seconds || done < 2) {
    await work();
    const now = performance.now();
    fastest = Math.min(fastest, (now - last) / 1000);
    last = now;
    done += 1;
  }
  return { rate: (1000 * done) / (last - start), fastest };
}

/** Trains for `seconds` after the warm-up and tells what each second went into. */
function budgetRows(experiment: Experiment, device: Device, seconds: number): Promise<BenchRow[]> {
  const { spec, agent, environment: opened } = experiment;
  const { training, evaluation } = experiment.config;
  // one evaluation at the very end: its share is reckoned with the preset's own distance between evaluations
  const config = { ...experiment.config, evaluation: { ...evaluation, everySteps: Number.MAX_SAFE_INTEGER } };
  return closingAfter(async (keep) => {
    const environment = keep(await opened.vectorize(training.copies, config));
    const evaluationEnvironment = keep(await opened.vectorize(Math.min(evaluation.episodes, 32), config));
    const trainer = await Trainer.create({ config, spec, agent, device, environment, evaluationEnvironment });
    try {
      return await budgetOf(trainer, experiment.config, seconds);
    } finally {
      trainer.dispose();
    }
  });
}

async function budgetOf(trainer: Trainer, { training, evaluation }: Config, seconds: number): Promise<BenchRow[]> {
  const warm = new AbortController();
  await trainer.run(
    {
      onStep(t) {
        if (t.environmentSteps > training.warmupSteps) warm.abort();
      },
    },
    warm.signal,
  );
  const [steps, updates] = [trainer.environmentSteps, trainer.updates];
  const stop = new AbortController();
  const start = performance.now();
  await trainer.run(
    {
      onStep() {
        if (performance.now() - start > 1000 * seconds) stop.abort();
      },
    },
    stop.signal,
  );
  const elapsed = (performance.now() - start) / 1000;
  const learning = trainer.takeSeconds();
  const collected = trainer.environmentSteps - steps;
  const learnt = trainer.updates - updates;
  const evaluating = performance.now();
  await trainer.evaluate({});
  const evaluate = ((performance.now() - evaluating) / 1000) * (collected / evaluation.everySteps);
  const total = elapsed + evaluate;
  const spent = { ...learning, evaluate };
  const row = (name: string, unit: string, value: number) => benchRow({ name, unit, value });
  return [
    row("whole training", "env steps/s", collected / total),
    row("whole training", "updates/s", learnt / total),
    ...activities.map((activity) => row(`whole training: ${activity}`, "s per second", spent[activity] / total)),
  ];
}
