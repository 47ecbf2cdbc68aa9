import { join } from "node:path";
import { stderr } from "node:process";
import { Command } from "commander";
import { openDevice } from "../tensor/devices.js";
import { parsePolicy } from "../trajectory/policies.js";
import { defaultFields, parseFields, record } from "../trajectory/record.js";
import {
  checkpointOf,
  collect,
  environmentId,
  environmentSettings,
  fileName,
  openFromCommandLine,
  refuseOptions,
  wholeNumber,
} from "./arguments.js";
import { onInterrupt } from "./interrupt.js";
import { printJson, printLines } from "./output.js";
import { formatCount, formatDuration } from "./progress.js";

interface Options {
  readonly env: string;
  readonly to?: string;
  readonly policy: readonly string[];
  readonly checkpoint?: string;
  readonly episodes: string;
  readonly seed: string;
  readonly copies: string;
  readonly envThreads: string;
  readonly fields: string;
  readonly device?: string;
  readonly threads?: string;
  readonly set: readonly string[];
  readonly json?: boolean;
}

export function recordCommand(): Command {
  return new Command("record")
    .description("Play episodes and write down everything that a learner sees of them, or go on where that was stopped.")
    .requiredOption("--env <id>", environmentId)
    .option("--to <dir>", "Folder of the recording; an existing one is gone on with (default: recordings/ENV-POLICIES-SEED).")
    .option(
      "--policy <what>",
      "Who plays: random (the default), a scripted policy, or a run's folder; WHAT:EPSILON acts at random that often, WHAT:EPSILON=WEIGHT says its share; may be repeated.",
      collect,
      [],
    )
    .option("--checkpoint <which>", "Weights of runs: best (the default), latest, or the environment step of a checkpoint.")
    .option("--episodes <n>", "Episodes in the recording.", "1000")
    .option("--seed <n>", "Seed of the episodes and of all chance in them, a whole number from 0.", "0")
    .option("--copies <n>", "Environment copies that are stepped together.", "16")
    .option("--env-threads <n>", "Threads that step environment copies; 0 has none.", "0")
    .option("--fields <list>", "Arrays of the time steps that are written, with commas between them.", defaultFields.join(","))
    .option("--device <name>", "Where the networks of runs act (default: auto).")
    .option("--threads <n>", "Threads inside one operation of a network (default: 1).")
    .option(...environmentSettings, collect, [])
    .option("--json", "Print the result as one JSON object.")
    .action(recordFromCommandLine);
}

async function recordFromCommandLine(options: Options): Promise<void> {
  const policies = (options.policy.length > 0 ? options.policy : ["random"]).map(parsePolicy);
  const episodes = wholeNumber("--episodes", options.episodes, 1, 100_000_000);
  const seed = wholeNumber("--seed", options.seed, 0);
  const copies = wholeNumber("--copies", options.copies, 1, 4096);
  const envThreads = wholeNumber("--env-threads", options.envThreads, 0, 256);
  const threads = wholeNumber("--threads", options.threads ?? "1", 0, 256);
  const checkpoint = checkpointOf(options.checkpoint ?? "best");
  const fields = parseFields(options.fields);
  const who = policies.map(({ what }) => fileName(what)).join("-");
  const path = options.to ?? join("recordings", `${fileName(options.env)}-${who}-${seed}`);
  const { opened, resources } = await openFromCommandLine(options.env, options.set, envThreads);
  const isRun = ({ what }: { readonly what: string }) => what !== "random" && !Object.hasOwn(opened.policies, what);
  if (!policies.some(isRun)) {
    const where = "here: no policy is a run's, so there is no network";
    refuseOptions(options, ["checkpoint", "device", "threads"], where, "name the run's folder with --policy");
  }
  const interrupt = onInterrupt("stopping: writing what is whole (press Ctrl-C again to leave without it)");
  const progress = new RecordProgress(episodes);
  const started = performance.now();
  try {
    const done = await record(
      {
        opened,
        resources,
        path,
        policies,
        checkpoint,
        episodes,
        seed,
        copies,
        fields,
        device: () => openDevice(options.device ?? "auto", { threads }),
      },
      {
        onBegin(before) {
          progress.begin(before);
          const going = before > 0 ? `going on at episode ${before} of` : "recording";
          stderr.write(
            `${going} ${path}: ${options.env}, played by ${policies.map(({ what }) => what).join(", ")}, seed ${seed}\n`,
          );
        },
        onStep: (writer, wins) => progress.update(writer, wins),
        onWarning: (sentence) => stderr.write(`warning: ${sentence}\n`),
      },
      interrupt.signal,
    );
    progress.end();
    const finished = done.episodes >= episodes;
    const seconds = (performance.now() - started) / 1000;
    if (options.json) printJson({ recording: path, env: options.env, seed, ...done, seconds, finished });
    else {
      printLines(
        `${finished ? "done" : "stopped"}: ${done.episodes} episodes, ${done.rows} time steps, ${megabytes(done.bytes)} in ${path} (${done.recorded} episodes recorded now, ${done.wins} won)`,
        finished ? `learn from it with: baton pretrain trajectory --recording ${path}` : "go on with the same command",
      );
    }
    if (!finished) process.exitCode = 130;
  } finally {
    progress.end();
    interrupt.done();
  }
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

/** One line that is rewritten on a terminal, a plain line now and then elsewhere. */
class RecordProgress {
  readonly #period = stderr.isTTY ? 250 : 15_000;
  readonly #started = performance.now();
  #before = 0;
  #shownAt = performance.now();
  #open = false;

  constructor(private readonly episodes: number) {}

  begin(before: number): void {
    this.#before = before;
  }

  update(writer: { readonly episodes: number; readonly rows: number; readonly bytes: number }, wins: number): void {
    const now = performance.now();
    if (now - this.#shownAt < this.#period) return;
    this.#shownAt = now;
    const recorded = writer.episodes - this.#before;
    const left = ((now - this.#started) / 1000 / Math.max(1, recorded)) * (this.episodes - writer.episodes);
    const line = [
      `episodes ${writer.episodes} of ${this.episodes}`,
      `steps ${formatCount(writer.rows)}`,
      megabytes(writer.bytes),
      `won ${((100 * wins) / Math.max(1, recorded)).toFixed(0)} %`,
      `left ${recorded > 0 ? formatDuration(left) : "–"}`,
    ].join("  ");
    if (stderr.isTTY) stderr.write(`\r\x1b[2K${line.slice(0, Math.max(20, (stderr.columns ?? 80) - 1))}`);
    else stderr.write(`${line}\n`);
    this.#open = stderr.isTTY;
  }

  end(): void {
    if (this.#open) stderr.write("\r\x1b[2K");
    this.#open = false;
  }
}
