import { readFileSync } from "node:fs";
import { z } from "zod";
import { BatonError } from "../errors.js";
import { isMissing, onDisk, writeFileAtomic } from "./files.js";
import type { RunFolder } from "./folder.js";

/** One number per evaluation episode, e.g. `{ return: […], win_rate: […] }`. */
export type EvaluationMetrics = { readonly [name: string]: readonly number[] };

/** One evaluation in the course of training. */
export interface EvaluationPoint {
  /** Environment steps trained for. */
  readonly stepCount: number;
  /** Seconds trained for. */
  readonly elapsedTime: number;
  readonly metrics: EvaluationMetrics;
}

const numbers = z.array(z.number());
const step = z.object({ step_count: z.number(), elapsed_time: z.number() }).catchall(numbers);
/** marl-eval: environment → task → algorithm → run → step_0, step_1, … and absolute_metrics. */
const file = z.record(
  z.string(),
  z.record(z.string(), z.record(z.string(), z.record(z.string(), z.record(z.string(), z.unknown())))),
);

/** `skirmish/3m` is the task `3m` of the environment `skirmish`; an id without a slash is both. */
function taskOf(id: string): [environment: string, task: string] {
  const slash = id.indexOf("/");
  return slash < 0 ? [id, id] : [id.slice(0, slash), id.slice(slash + 1)];
}

/**
 * A run's evaluations in `evaluation.json`, in the format that marl-eval (Gorsane et al. 2022) aggregates: concatenate the files of
 * several runs and give them to its plotting tools. https://github.com/instadeepai/marl-eval
 */
export class EvaluationLog {
  readonly points: EvaluationPoint[];
  #absolute: EvaluationMetrics;

  private constructor(
    readonly run: RunFolder,
    points: EvaluationPoint[],
    absolute: EvaluationMetrics,
  ) {
    this.points = points;
    this.#absolute = absolute;
  }

  /**
   * What was evaluated so far; empty when there is no file. `upTo` (environment steps of the resumed checkpoint) leaves out later points.
   *
   * @throws BatonError "invalid-file" when the file is damaged.
   */
  static open(run: RunFolder, upTo = Number.POSITIVE_INFINITY): EvaluationLog {
    const text = onDisk("read", run.evaluation, () => {
      try {
        return readFileSync(run.evaluation, "utf8");
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    });
    if (text === undefined) return new EvaluationLog(run, [], {});
    try {
      const [environment, task] = taskOf(run.info.env);
      const steps = file.parse(JSON.parse(text))[environment]?.[task]?.[run.info.agent]?.[`seed_${run.info.seed}`];
      if (steps === undefined) throw new Error("it holds no results of this run");
      const { absolute_metrics: absolute = {}, ...rest } = steps;
      const points = Object.entries(rest).map(([, value]): EvaluationPoint => {
        const { step_count, elapsed_time, ...metrics } = step.parse(value);
        return { stepCount: step_count as number, elapsedTime: elapsed_time as number, metrics: metrics as EvaluationMetrics };
      });
      points.sort((a, b) => a.stepCount - b.stepCount);
      const kept = points.filter(({ stepCount }) => stepCount <= upTo);
      return new EvaluationLog(run, kept, z.record(z.string(), numbers).parse(absolute));
    } catch (error) {
      throw new BatonError("invalid-file", `${run.evaluation} is not a file in marl-eval's format: ${(error as Error).message}`, {
        hint: "delete it; it is written again with the next evaluation",
        cause: error,
      });
    }
  }

  /** Metrics of the best checkpoint over ten times as many episodes (the "absolute metric"); empty until set. */
  get absolute(): EvaluationMetrics {
    return this.#absolute;
  }

  /** Adds an evaluation and writes the file. The absolute metrics of a shorter training no longer hold. */
  add(point: EvaluationPoint): void {
    this.points.push(point);
    this.#absolute = {};
    this.#write();
  }

  /** Sets the absolute metrics and writes the file. */
  setAbsolute(metrics: EvaluationMetrics): void {
    this.#absolute = metrics;
    this.#write();
  }

  #write(): void {
    const { env, agent, seed } = this.run.info;
    const [environment, task] = taskOf(env);
    const steps = this.points.map(({ stepCount, elapsedTime, metrics }, i) => [
      `step_${i}`,
      { step_count: stepCount, elapsed_time: elapsedTime, ...metrics },
    ]);
    const results = { ...Object.fromEntries(steps), absolute_metrics: this.#absolute };
    const contents = { [environment]: { [task]: { [agent]: { [`seed_${seed}`]: results } } } };
    writeFileAtomic(this.run.evaluation, [Buffer.from(`${JSON.stringify(contents, null, 1)}\n`)], this.run.disk);
  }
}
