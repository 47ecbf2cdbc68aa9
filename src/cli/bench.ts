import { Command } from "commander";
import { type TimeStepField, timeStepFields, type VectorEnvironment } from "../environment.js";
import { randomLegalAction } from "../environments/player.js";
import { allocateVectorTimeStep } from "../environments/timestep.js";
import { unknownName } from "../names.js";
import { RandomStream } from "../tensor/random.js";
import { collect, environmentId, environmentSettings, openFromCommandLine, positiveNumber, wholeNumber } from "./arguments.js";
import { benchBridgeCommand } from "./bench-bridge.js";
import { benchEngineCommand } from "./bench-engine/index.js";
import { benchLearnerCommand } from "./bench-learner.js";
import { benchMaskedCommand } from "./bench-masked.js";
import { benchPoliciesCommand } from "./bench-policies.js";
import { type BenchRow, benchRow, median, printBench } from "./bench-report.js";
import { closingAfter } from "./closing.js";
import { cpuSeconds, descendants } from "./cpu-time.js";

export function benchCommand(): Command {
  return new Command("bench")
    .description("Measure how fast parts of Baton are on this machine.")
    .addCommand(benchEnvironmentCommand())
    .addCommand(benchEngineCommand())
    .addCommand(benchLearnerCommand())
    .addCommand(benchBridgeCommand())
    .addCommand(benchMaskedCommand())
    .addCommand(benchPoliciesCommand());
}

interface BenchEnvironmentOptions {
  copies: string;
  rounds: string;
  seconds: string;
  seed: string;
  envThreads: string;
  read?: string;
  set: readonly string[];
  json?: boolean;
}

function benchEnvironmentCommand(): Command {
  return new Command("env")
    .description(
      "Environment steps per second, and per second of processor time, with random legal actions and all features written, on one copy and on several.",
    )
    .argument("<id>", environmentId)
    .option("--copies <n>", "Environment copies that are stepped together.", "32")
    .option("--rounds <n>", "Rounds of measurement; the median is reported.", "7")
    .option("--seconds <s>", "Length of each round in seconds.", "0.5")
    .option("--read <fields>", `Write only these, where the environment can skip others: ${timeStepFields.join(",")}.`)
    .option("--env-threads <n>", "Also spread the several copies over so many threads.", "0")
    .option("--seed <n>", "Seed of the episodes and the actions, a whole number from 0.", "0")
    .option(...environmentSettings, collect, [])
    .option("--json", "Print the figures as one JSON object.")
    .action((id: string, options: BenchEnvironmentOptions) => benchEnvironment(id, options));
}

async function benchEnvironment(id: string, options: BenchEnvironmentOptions): Promise<void> {
  const copies = wholeNumber("--copies", options.copies, 1, 100_000);
  const rounds = wholeNumber("--rounds", options.rounds, 1, 10_000);
  const seconds = positiveNumber("--seconds", options.seconds);
  const seed = wholeNumber("--seed", options.seed, 0);
  const threads = wholeNumber("--env-threads", options.envThreads, 0, 256);
  const read = options.read === undefined ? undefined : fieldsOf(options.read);
  const { opened, resources } = await openFromCommandLine(id, options.set);
  const ways = [...new Set([1, copies])].map((size) => ({ size, threads: 0 }));
  if (threads > 0) ways.push({ size: copies, threads });
  const rows = await closingAfter(async (keep) => {
    const players: RandomPlayer[] = [];
    for (const way of ways) {
      const given = { ...resources, envThreads: way.threads, ...(read && { read }) };
      players.push(new RandomPlayer(keep(await opened.vectorize(way.size, given)), seed));
    }
    return measureInTurns(id, ways, players, opened.served !== undefined, rounds, seconds);
  });
  printBench(rows, options.json === true);
}

interface Way {
  /** Copies that are stepped together. */
  readonly size: number;
  readonly threads: number;
}

async function measureInTurns(
  id: string,
  ways: readonly Way[],
  players: readonly RandomPlayer[],
  served: boolean,
  rounds: number,
  seconds: number,
): Promise<BenchRow[]> {
  // Hosts that were started here are counted; those in containers or elsewhere are nobody's children.
  const hosts = served ? descendants() : [];
  const whose = served ? (hosts.length > 0 ? " (with the hosts')" : " (without the hosts')") : "";
  const rates = ways.map((): number[] => []);
  const cpuRates = ways.map((): number[] => []);
  // The ways take turns, so that whatever else the machine does falls on all alike; the first turn only warms up.
  for (let round = 0; round <= rounds; round++) {
    for (const [k, player] of players.entries()) {
      const { rate, cpuRate } = await player.stepsPerSecond(round === 0 ? seconds / 2 : seconds, hosts);
      if (round === 0) continue;
      rates[k]!.push(rate);
      cpuRates[k]!.push(cpuRate);
    }
  }
  const counted = (n: number, one: string, many: string) => `${n} ${n === 1 ? one : many}`;
  return ways.flatMap((way, k) => {
    const spread = way.threads === 0 ? "" : ` over ${counted(way.threads, "thread", "threads")}`;
    const name = `${id}, ${counted(way.size, "copy", "copies")}${spread}`;
    return [
      benchRow({ name, unit: "env steps/s", value: median(rates[k]!) }),
      benchRow({ name, unit: `env steps/CPU s${whose}`, value: median(cpuRates[k]!) }),
    ];
  });
}

function fieldsOf(list: string): TimeStepField[] {
  return list.split(",").map((name) => {
    const field = timeStepFields.find((known) => known === name.trim());
    if (field === undefined) throw unknownName("field of a time step", name, timeStepFields);
    return field;
  });
}

/** Plays random legal actions for ever, starting ended episodes anew. */
class RandomPlayer {
  readonly #out;
  readonly #actions: Int32Array;
  readonly #random: RandomStream;
  #nextSeed: number;
  #started = false;

  constructor(
    readonly environment: VectorEnvironment,
    seed: number,
  ) {
    this.#out = allocateVectorTimeStep(environment.spec, environment.copies, environment.fields);
    this.#actions = new Int32Array(environment.copies * environment.spec.agents);
    this.#random = RandomStream.from(seed, "bench");
    this.#nextSeed = seed;
  }

  /**
   * Plays for about `seconds`: steps, summed over copies, per second, and per second of processor time of all this process's threads and of the given hosts.
   * On a machine with other work to do only the latter says how fast an idle core would be.
   */
  async stepsPerSecond(seconds: number, hosts: readonly number[]): Promise<{ rate: number; cpuRate: number }> {
    if (!this.#started) await this.#reset(Array.from({ length: this.environment.copies }, (_, copy) => copy));
    this.#started = true;
    const start = performance.now();
    const cpuBefore = cpuSeconds(hosts);
    let steps = 0;
    let elapsed = 0;
    while (elapsed < seconds) {
      // Embedded environments answer at once: awaiting them would measure the event loop.
      const pending = this.#step();
      if (pending) await pending;
      steps += this.environment.copies;
      elapsed = (performance.now() - start) / 1000;
    }
    return { rate: steps / elapsed, cpuRate: steps / Math.max(cpuSeconds(hosts) - cpuBefore, 1e-6) };
  }

  #step(): void | Promise<void> {
    const { environment } = this;
    const A = environment.spec.actions;
    for (let row = 0; row < this.#actions.length; row++) {
      this.#actions[row] = randomLegalAction(this.#out.actionMask, row * A, A, this.#random);
    }
    const pending = environment.step(this.#actions, this.#out);
    return pending ? pending.then(() => this.#restartEnded()) : this.#restartEnded();
  }

  #restartEnded(): void | Promise<void> {
    const { terminated, truncated } = this.#out;
    const ended: number[] = [];
    for (let copy = 0; copy < this.environment.copies; copy++) {
      if (terminated[copy] === 1 || truncated[copy] === 1) ended.push(copy);
    }
    return ended.length > 0 ? this.#reset(ended) : undefined;
  }

  #reset(copies: readonly number[]): void | Promise<void> {
    const seeds = copies.map(() => this.#nextSeed++);
    return this.environment.reset(copies, seeds, this.#out);
  }
}
