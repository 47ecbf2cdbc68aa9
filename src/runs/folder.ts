import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { BatonError } from "../errors.js";
import { type Disk, isMissing, isTemporary, makeFolder, nodeDisk, onDisk, removeEmptyFolder, writeFileAtomic } from "./files.js";
import { acquireLock, isLeftOver } from "./lock.js";

/** Version of the layout below; a folder of another version is not opened. */
export const runFormat = 1;

/** What a run folder may contain; nothing else is ever deleted. */
const entries = [
  "config.yaml",
  "run.json",
  "lock",
  "metrics.jsonl",
  "events",
  "checkpoints",
  "replay",
  "episodes",
  "evaluation.json",
  "curve.svg",
  "reconstructions.png",
  "replay.html",
];

const runInfo = z.looseObject({
  /** Version of the folder's layout. */
  format: z.number().int(),
  /** Version of Baton that began the run. */
  baton: z.string(),
  env: z.string(),
  agent: z.string(),
  seed: z.number().int(),
});

/** What a run is, in `run.json`; constant over its life. Further JSON fields may be added. */
export type RunInfo = z.infer<typeof runInfo>;

/** What is found at a path: nothing (or an unfinished beginning of a run), a run, or something that is not Baton's. */
export type RunPresence = "absent" | "run" | "other";

/** A run on disk: `config.yaml`, `run.json`, metrics, TensorBoard events, checkpoints, replay, recorded episodes, evaluation. */
export class RunFolder {
  /** Fully resolved configuration, YAML. */
  readonly config: string;
  readonly metrics: string;
  /** TensorBoard event files: `tensorboard --logdir RUN/events`. */
  readonly events: string;
  readonly checkpoints: string;
  /** Segments of the replay. */
  readonly replay: string;
  readonly episodes: string;
  /** In marl-eval's format. */
  readonly evaluation: string;
  /** Gives back the lock that {@link create} took, until {@link lock} hands it over. */
  #release: (() => void) | undefined;

  private constructor(
    readonly path: string,
    readonly info: RunInfo,
    readonly disk: Disk,
  ) {
    this.config = join(path, "config.yaml");
    this.metrics = join(path, "metrics.jsonl");
    this.events = join(path, "events");
    this.checkpoints = join(path, "checkpoints");
    this.replay = join(path, "replay");
    this.episodes = join(path, "episodes");
    this.evaluation = join(path, "evaluation.json");
  }

  /** What is at `path`. */
  static inspect(path: string): RunPresence {
    let names: string[];
    try {
      names = readdirSync(path);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return "absent";
      if (isMissing(error)) return "other"; // A file, or below one.
      return onDisk("read the folder", path, () => {
        throw error;
      });
    }
    if (names.includes("run.json")) return "run";
    return names.every((name) => entries.includes(name) || isTemporary(name)) ? "absent" : "other";
  }

  /**
   * Begins a run. `config` is the fully resolved YAML; `run.json` is written last, so a folder with it is whole. The new run is
   * locked: its first {@link lock} hands that over, so that of several that begin the same run one goes on with it.
   *
   * @throws BatonError "invalid-value" when there is a run already, "invalid-file" when there is something else, "io" when
   * another process is just beginning one, or the disk refuses.
   */
  static create(path: string, info: Omit<RunInfo, "format">, config: string, disk: Disk = nodeDisk): RunFolder {
    refuseOccupied(path);
    const run = new RunFolder(path, { ...info, format: runFormat } as RunInfo, disk);
    makeFolder(path, disk);
    const release = acquireLock(join(path, "lock"), disk);
    try {
      refuseOccupied(path); // Again: whoever held the lock may have begun one.
      for (const folder of [run.events, run.checkpoints, run.replay, run.episodes]) makeFolder(folder, disk);
      writeFileAtomic(run.config, [Buffer.from(config)], disk);
      writeFileAtomic(join(path, "run.json"), [Buffer.from(`${JSON.stringify(run.info, null, 2)}\n`)], disk);
    } catch (error) {
      release();
      throw error;
    }
    run.#release = release;
    return run;
  }

  /**
   * Opens a run, e.g. to resume or to look at it. To write into it, call {@link lock} first.
   *
   * @throws BatonError "invalid-file" when it is not a run folder, "incompatible" when it is of another version.
   */
  static open(path: string, disk: Disk = nodeDisk): RunFolder {
    const presence = RunFolder.inspect(path);
    if (presence === "absent") throw notARun(path, "there is none (no run.json)");
    if (presence === "other") throw notARun(path, "it has no run.json");
    const file = join(path, "run.json");
    const text = onDisk("read", file, () => readFileSync(file, "utf8"));
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw notARun(path, "its run.json is not JSON", error);
    }
    const format = z.looseObject({ format: z.number(), baton: z.string().optional() }).safeParse(value);
    if (format.success && format.data.format !== runFormat) {
      const writer = format.data.baton ? ` (written by Baton ${format.data.baton})` : "";
      throw new BatonError(
        "incompatible",
        `the run folder ${path} has format ${format.data.format}${writer}; this Baton reads format ${runFormat}`,
        {
          hint: "use the Baton version that wrote it, or start a new run with --fresh or another --run folder",
        },
      );
    }
    const parsed = runInfo.safeParse(value);
    if (!parsed.success) {
      const issue = parsed.error.issues[0]!;
      throw notARun(path, `run.json, ${issue.path.join(".") || "top level"}: ${issue.message}`, parsed.error);
    }
    const run = new RunFolder(path, parsed.data, disk);
    return run;
  }

  /**
   * Deletes what a run consists of, and the folder when nothing else is in it. Anything that is not Baton's stays.
   *
   * @throws BatonError "invalid-file" when it is not a run folder, "io" when another process is writing into it.
   */
  static remove(path: string): void {
    if (RunFolder.inspect(path) === "other") throw notARun(path, "it has no run.json, so nothing was deleted");
    acquireLock(join(path, "lock")); // goes with the rest
    onDisk("delete", path, () => {
      const names = readdirSync(path);
      // First the file that makes it a run: what is left of an interrupted removal is no run. The lock guards it to the end.
      const turn = (name: string) => (name === "run.json" ? 0 : name === "lock" ? 2 : 1);
      const ours = names.filter((name) => entries.includes(name) || isTemporary(name));
      for (const name of ours.sort((a, b) => turn(a) - turn(b))) {
        rmSync(join(path, name), { recursive: true, force: true });
      }
      if (ours.length === names.length) removeEmptyFolder(path); // not when another run has begun in it since
    });
  }

  /** Text of `config.yaml`. */
  readConfig(): string {
    return onDisk("read", this.config, () => readFileSync(this.config, "utf8"));
  }

  /**
   * Makes this process the run's only writer until the returned function is called, and removes what an interrupted writer left.
   *
   * @throws BatonError "io" when another process is writing.
   */
  lock(): () => void {
    const release = this.#release ?? acquireLock(join(this.path, "lock"), this.disk);
    this.#release = undefined;
    for (const folder of [this.path, this.events, this.checkpoints, this.replay, this.episodes]) {
      makeFolder(folder, this.disk);
      for (const name of readdirSync(folder).filter(isLeftOver)) {
        onDisk("delete", join(folder, name), () => this.disk.rmSync(join(folder, name), { force: true }));
      }
    }
    return release;
  }
}

function refuseOccupied(path: string): void {
  const presence = RunFolder.inspect(path);
  if (presence === "run") {
    throw new BatonError("invalid-value", `${path} already holds a run`, {
      hint: "leave out --fresh to resume it, or choose another folder with --run",
    });
  }
  if (presence === "other") throw notARun(path, "it is not empty and not a run folder");
}

function notARun(path: string, why: string, cause?: unknown): BatonError {
  return new BatonError("invalid-file", `${path} is not a run folder: ${why}`, {
    hint: "give a folder that `baton train --run DIR` made; `baton train` makes a new one",
    cause,
  });
}
