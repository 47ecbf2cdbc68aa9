import { type TimeStep, timeStepFields } from "../environment.js";
import { RandomStream } from "../tensor/random.js";
import type { SingleEnvironment } from "./single.js";
import { allocateTimeStep } from "./timestep.js";
import { settled, type Turns } from "./turns.js";

/** What one time step held, a 32-bit digest for each array and the scalars as text: two traces are equal exactly when this is. */
export type TimeStepDigest = Readonly<Record<string, number | string>>;

/** Called after `reset` (step 0) and after every step; `given` holds the arrays as the environment was given them. */
export type Inspector = (out: TimeStep, given: TimeStep, step: number) => void;

/** Plays one environment with random legal actions that depend on nothing but a seed, and keeps a trace of what it saw. */
export class Player {
  readonly out: TimeStep;
  /** Digests of the running episode: entry t is time step t. */
  trace: TimeStepDigest[] = [];
  /** [n] the actions of the last step. */
  readonly actions: Int32Array;
  readonly #given: TimeStep;
  #random = RandomStream.from(0);

  constructor(
    readonly env: SingleEnvironment,
    readonly inspect: Inspector = () => {},
  ) {
    this.out = allocateTimeStep(env.spec);
    this.#given = { ...this.out };
    this.actions = new Int32Array(env.spec.agents);
  }

  /** Begins an episode; its actions are drawn from `actionSeed`. */
  *start(seed: number, actionSeed = seed): Turns<void> {
    this.#random = RandomStream.from(actionSeed, "check");
    this.trace = [];
    yield* settled(this.env.reset(seed, this.out));
    this.#record();
  }

  /** The episode is over, or should be. */
  get ended(): boolean {
    return this.out.terminated || this.out.truncated || this.trace.length > this.env.spec.episodeLimit;
  }

  /** One step of random legal actions; an agent that has none takes action 0. */
  *step(): Turns<void> {
    const { agents: n, actions: A } = this.env.spec;
    for (let i = 0; i < n; i++) this.actions[i] = randomLegalAction(this.out.actionMask, i * A, A, this.#random);
    yield* settled(this.env.step(this.actions, this.out));
    this.#record();
  }

  /** A whole episode, or its first `steps` steps. Returns its trace. */
  *play(seed: number, { actionSeed = seed, steps = Number.POSITIVE_INFINITY } = {}): Turns<readonly TimeStepDigest[]> {
    yield* this.start(seed, actionSeed);
    while (!this.ended && this.trace.length <= steps) yield* this.step();
    return this.trace;
  }

  #record(): void {
    this.inspect(this.out, this.#given, this.trace.length);
    this.trace.push(digestOf(this.out));
  }
}

/** Uniform over the entries of `mask[offset … offset+A)` that are 1; 0 when there are none. */
export function randomLegalAction(mask: Uint8Array, offset: number, A: number, random: RandomStream): number {
  let legal = 0;
  for (let a = 0; a < A; a++) legal += mask[offset + a]! === 0 ? 0 : 1;
  let skip = legal === 0 ? 0 : random.integer(legal);
  for (let a = 0; a < A; a++) {
    if (mask[offset + a]! !== 0 && skip-- === 0) return a;
  }
  return 0;
}

/** Where two traces first differ, in words; undefined when they are equal. */
export function firstDifference(a: readonly TimeStepDigest[], b: readonly TimeStepDigest[]): string | undefined {
  for (let t = 0; t < Math.min(a.length, b.length); t++) {
    const fields = Object.keys(a[t]!).filter((field) => a[t]![field] !== b[t]![field]);
    if (fields.length > 0) return `step ${t}: ${fields.join(", ")}`;
  }
  return a.length === b.length ? undefined : `the episode's length: ${a.length - 1} or ${b.length - 1} steps`;
}

function digestOf(out: TimeStep): TimeStepDigest {
  const digest: Record<string, number | string> = {};
  for (const field of timeStepFields) digest[field] = hashBytes(out[field]);
  // String() keeps −0 and NaN apart from 0, which JSON would not.
  digest.reward = Object.is(out.reward, -0) ? "-0" : String(out.reward);
  digest.terminated = String(out.terminated);
  digest.truncated = String(out.truncated);
  digest.info = JSON.stringify(out.info);
  return digest;
}

/** FNV-1a over the bytes. */
function hashBytes(array: Float32Array | Uint8Array | Int32Array): number {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  let h = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) h = Math.imul(h ^ bytes[i]!, 0x01000193);
  return h >>> 0;
}
