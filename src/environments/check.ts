/**
 * The conformance suite: plays an environment with random legal actions and says in sentences where it keeps or breaks the
 * contract of `environment.ts`. `baton envs check` runs it; environment authors use {@link assertConforms} in their own tests.
 *
 * @module
 */
import type { Environment, VectorEnvironment } from "../environment.js";
import { BatonError } from "../errors.js";
import { completeEnvironment } from "./complete.js";
import { contractInspector, type StepCheck, stepChecks } from "./inspect.js";
import { firstDifference, Player, type TimeStepDigest } from "./player.js";
import { type SingleEnvironment, singleEnvironment } from "./single.js";
import { runAwaiting, runNow, settled, type Turns } from "./turns.js";

/** One property of the contract and whether it held. */
export interface CheckResult {
  readonly name: CheckName;
  /** What holds when the check passes. */
  readonly sentence: string;
  readonly passed: boolean;
  /** Where it failed, or what was seen; may be empty. */
  readonly detail: string;
}

export interface CheckReport {
  /** The environment's id; empty when it could not even be made. */
  readonly id: string;
  readonly passed: boolean;
  readonly checks: readonly CheckResult[];
}

export interface CheckOptions {
  /** Episodes of random legal play, at least 1. */
  readonly episodes?: number;
  /** Seed of the first episode; episode k has seed + k. */
  readonly seed?: number;
}

const sentences = {
  spec: "The environment can be made and the numbers of its spec fit together.",
  plays: "Whole episodes of random legal actions play without an error.",
  ...stepChecks,
  actions: "The given actions are only read.",
  deterministic: "The same seed and actions give the same episode in another copy, bit for bit.",
  reset: "A reset forgets everything before it, after an episode's end and in its middle.",
  independent: "Copies that are stepped in turn do not touch each other.",
} as const;

export type CheckName = "spec" | "plays" | "actions" | "deterministic" | "reset" | "independent" | StepCheck;

/** The names of all checks, in the order of the report. */
export const checkNames = Object.keys(sentences) as readonly CheckName[];

/** What the checks saw so far. */
class Findings {
  readonly #failures = new Map<CheckName, string>();
  readonly #facts = new Map<CheckName, string>();
  readonly #judged = new Set<CheckName>();

  fail(name: CheckName, detail: string): void {
    this.#judged.add(name);
    if (!this.#failures.has(name)) this.#failures.set(name, detail);
  }

  failed(name: CheckName): boolean {
    return this.#failures.has(name);
  }

  /** The check ran to its end: it passes unless it failed. */
  judge(name: CheckName, fact = ""): void {
    this.#judged.add(name);
    this.#facts.set(name, fact);
  }

  report(id: string): CheckReport {
    // Of a traceback below a sentence, once is enough.
    const [cause] = (this.#failures.get("spec") ?? this.#failures.get("plays") ?? "episodes do not repeat").split("\n");
    const checks = checkNames.map((name): CheckResult => {
      const failure = this.#failures.get(name) ?? (this.#judged.has(name) ? undefined : `not judged, because ${cause}`);
      const detail = failure ?? this.#facts.get(name) ?? "";
      return { name, sentence: sentences[name], passed: failure === undefined, detail };
    });
    return { id, passed: checks.every((check) => check.passed), checks };
  }
}

/** Runs the suite. Never throws for what the environment does: that is in the report. */
export function checkEnvironment(make: () => Environment, options: CheckOptions = {}): CheckReport {
  return runNow(suite(() => completeEnvironment(make()), options));
}

/**
 * {@link checkEnvironment} for environments elsewhere; `open` opens one copy.
 *
 * @throws BatonError of `open` when it is not about the environment itself: an interpreter that is missing, a misspelt name.
 */
export async function checkRemoteEnvironment(
  open: () => Promise<VectorEnvironment>,
  options: CheckOptions = {},
): Promise<CheckReport> {
  let refusal: BatonError | undefined;
  const make = async () => {
    try {
      return singleEnvironment(await open());
    } catch (error) {
      if (error instanceof BatonError && error.code !== "environment") refusal = error;
      throw error;
    }
  };
  const report = await runAwaiting(suite(make, options));
  if (refusal) throw refusal;
  return report;
}

function* suite(
  make: () => SingleEnvironment | Promise<SingleEnvironment>,
  { episodes = 5, seed = 0 }: CheckOptions,
): Turns<CheckReport> {
  if (!Number.isInteger(episodes) || episodes < 1) {
    throw new BatonError("invalid-value", `the number of episodes is ${episodes}, but must be a whole number of at least 1`);
  }
  const findings = new Findings();
  const made: SingleEnvironment[] = [];
  const another: Make = function* () {
    const env = guardActions(yield* settled(make()), findings);
    made.push(env);
    return env;
  };
  try {
    yield* another();
    findings.judge("spec");
  } catch (error) {
    findings.fail("spec", sentenceOf(error));
    return findings.report("");
  }
  try {
    const episodesSeen = yield* checkPlay(made[0]!, findings, episodes, seed);
    yield* checkRepetition(another, episodesSeen, findings, seed);
    yield* checkReset(made[0]!, episodesSeen, findings, seed);
    if (!findings.failed("deterministic")) yield* checkIndependence(another, episodesSeen[0]!, findings, seed);
    for (const env of made.splice(1)) yield* settled(env.close?.());
    yield* settled(made[0]!.close?.());
    findings.judge("plays");
  } catch (error) {
    findings.fail("plays", sentenceOf(error));
    // What has failed may fail to close as well; the report is about the first mistake.
    for (const env of made)
      yield* settled(
        Promise.resolve(env)
          .then((e) => e.close?.())
          .catch(() => {}),
      );
  }
  return findings.report(made[0]!.spec.id);
}

/**
 * For the tests of an environment: `it("conforms", () => assertConforms(() => myEnvironment({})))`.
 *
 * @throws BatonError `environment` that lists what is broken.
 */
export function assertConforms(make: () => Environment, options: CheckOptions = {}): void {
  const report = checkEnvironment(make, options);
  if (report.passed) return;
  const broken = report.checks
    .filter((check) => !check.passed)
    .map((check) => `- ${check.name}: ${check.sentence} ${check.detail}`);
  throw new BatonError("environment", `${report.id || "the environment"} breaks its contract:\n${broken.join("\n")}`);
}

type Trace = readonly TimeStepDigest[];
type Make = () => Turns<SingleEnvironment>;

function* checkPlay(env: SingleEnvironment, findings: Findings, episodes: number, seed: number): Turns<Trace[]> {
  const player = new Player(
    env,
    contractInspector(env, (name, detail) => findings.fail(name, detail)),
  );
  let terminated = 0;
  const traces: Trace[] = [];
  for (let k = 0; k < episodes; k++) {
    traces.push(yield* player.play(seed + k));
    if (player.out.terminated) terminated += 1;
  }
  for (const name of Object.keys(stepChecks) as StepCheck[]) findings.judge(name);
  findings.judge("actions");
  const lengths = traces.map((trace) => trace.length - 1);
  const steps = `${episodes} episodes of ${Math.min(...lengths)} to ${Math.max(...lengths)} steps (limit ${env.spec.episodeLimit})`;
  findings.judge("ending", `${steps}, ${terminated} terminated, ${episodes - terminated} truncated`);
  if (!env.frame) findings.judge("frame", "there is none: the viewer shows tables only");
  return traces;
}

function* checkRepetition(make: Make, traces: readonly Trace[], findings: Findings, seed: number): Turns<void> {
  const player = new Player(yield* make());
  for (const [k, trace] of traces.entries()) {
    const difference = firstDifference(trace, yield* player.play(seed + k));
    if (difference) findings.fail("deterministic", `episode ${k} (seed ${seed + k}) differs at ${difference}`);
  }
  const other = firstDifference(traces[0]!, yield* player.play(seed + 1, { actionSeed: seed }));
  findings.judge("deterministic", other ? "another seed gives another episode" : "another seed gave the same episode");
}

function* checkReset(env: SingleEnvironment, traces: readonly Trace[], findings: Findings, seed: number): Turns<void> {
  const player = new Player(env);
  const last = traces.length - 1;
  const afterEnd = firstDifference(traces[0]!, yield* player.play(seed));
  if (afterEnd) findings.fail("reset", `played again after an episode's end, seed ${seed} differs at ${afterEnd}`);
  yield* player.play(seed, { steps: Math.floor((traces[0]!.length - 1) / 2) });
  const fromMiddle = firstDifference(traces[last]!, yield* player.play(seed + last));
  if (fromMiddle) findings.fail("reset", `played again from the middle of another, seed ${seed + last} differs at ${fromMiddle}`);
  findings.judge("reset");
}

function* checkIndependence(make: Make, trace: Trace, findings: Findings, seed: number): Turns<void> {
  const [one, other] = [new Player(yield* make()), new Player(yield* make())];
  yield* one.start(seed);
  yield* other.start(seed + 1);
  while (!one.ended || !other.ended) {
    if (!one.ended) yield* one.step();
    if (!other.ended) yield* other.step();
  }
  const difference = firstDifference(trace, one.trace);
  if (difference) findings.fail("independent", `beside another copy, seed ${seed} differs at ${difference}`);
  findings.judge("independent");
}

/** Reports an environment that writes into its actions. */
function guardActions(env: SingleEnvironment, findings: Findings): SingleEnvironment {
  const before = new Int32Array(env.spec.agents);
  return {
    ...env,
    step(actions, out) {
      before.set(actions);
      const pending = env.step(actions, out);
      const agent = actions.findIndex((action, i) => action !== before[i]);
      if (agent >= 0)
        findings.fail("actions", `the action of agent ${agent} was changed from ${before[agent]} to ${actions[agent]}`);
      return pending;
    },
  };
}

function sentenceOf(error: unknown): string {
  if (error instanceof BatonError) return error.message;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
