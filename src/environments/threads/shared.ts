/**
 * What the main thread and the threads that step environments have in common: the memory, and the bell by which they call each
 * other.
 *
 * @module
 */
import { deserialize, serialize } from "node:v8";
import type { EnvironmentSpec, EpisodeInfo, TimeStepField, VectorTimeStep } from "../../environment.js";
import { timeStepFields } from "../../environment.js";
import { BatonError } from "../../errors.js";
import { allocateVectorTimeStep } from "../timestep.js";

/** Most bytes of one copy's `info`. */
const infoCapacity = 4096;

/** All that passes between threads in a step; plain arrays over shared memory, so that it can be posted once and kept. */
export interface SharedStep {
  readonly copies: number;
  readonly step: Omit<VectorTimeStep, "infos">;
  /** [E, n] */
  readonly actions: Int32Array;
  /** [E] 1 = start a new episode in this copy. */
  readonly resets: Uint8Array;
  /** [E] seeds of the new episodes. */
  readonly seeds: Float64Array;
  /** [E, infoCapacity] each copy's `info`, serialised. */
  readonly infos: Uint8Array;
  /** [E] bytes of it; −1 = as it was. */
  readonly infoBytes: Int32Array;
}

export function allocateSharedStep(spec: EnvironmentSpec, copies: number, fields?: readonly TimeStepField[]): SharedStep {
  const memory = (bytes: number) => new SharedArrayBuffer(bytes);
  const { infos: _, ...step } = allocateVectorTimeStep(spec, copies, fields, memory);
  return {
    copies,
    step,
    actions: new Int32Array(memory(4 * copies * spec.agents)),
    resets: new Uint8Array(memory(copies)),
    seeds: new Float64Array(memory(8 * copies)),
    infos: new Uint8Array(memory(copies * infoCapacity)),
    infoBytes: new Int32Array(memory(4 * copies)),
  };
}

const perCopy = [...timeStepFields, "reward", "terminated", "truncated"] as const;

/** The rows of copies `first` … `end`−1 as a vector time step of their own, over the same memory. */
export function rowsOf(shared: SharedStep, first: number, end: number): VectorTimeStep {
  const rows = perCopy.map((field) => {
    const array: ArrayLike<number> & { subarray(from: number, to: number): unknown } = shared.step[field];
    const size = array.length / shared.copies;
    return [field, array.subarray(first * size, end * size)] as const;
  });
  return {
    ...(Object.fromEntries(rows) as Omit<VectorTimeStep, "infos">),
    infos: Array.from({ length: end - first }, () => ({})),
  };
}

/** Copies everything, or only one copy's rows, out of shared memory. */
export function copyOut(shared: SharedStep, out: VectorTimeStep, copy?: number): void {
  for (const field of perCopy) {
    const from = shared.step[field];
    if (copy === undefined) out[field].set(from);
    else {
      const size = from.length / shared.copies;
      out[field].set(from.subarray(copy * size, (copy + 1) * size), copy * size);
    }
  }
}

/** Puts a copy's `info` where the main thread finds it, unless it is as `before`. Returns what to compare with next time. */
export function writeInfo(shared: SharedStep, copy: number, info: EpisodeInfo, before: EpisodeInfo | undefined): EpisodeInfo {
  if (before && sameInfo(info, before)) {
    shared.infoBytes[copy] = -1;
    return before;
  }
  const bytes = serialize(info);
  if (bytes.length > infoCapacity) {
    throw new BatonError("environment", `the info of copy ${copy} takes ${bytes.length} bytes, but at most ${infoCapacity} fit`, {
      hint: "keep long texts out of out.info, or step the environment without --env-threads",
    });
  }
  shared.infos.set(bytes, copy * infoCapacity);
  shared.infoBytes[copy] = bytes.length;
  return { ...info };
}

function sameInfo(a: EpisodeInfo, b: EpisodeInfo): boolean {
  let keys = 0;
  for (const key in a) {
    if (!Object.is(a[key], b[key]) || !(key in b)) return false;
    keys++;
  }
  for (const _ in b) keys--;
  return keys === 0;
}

/** A copy's `info` when it has changed since it was last read. */
export function readInfo(shared: SharedStep, copy: number): EpisodeInfo | undefined {
  const bytes = shared.infoBytes[copy]!;
  if (bytes < 0) return undefined;
  const at = copy * infoCapacity;
  return deserialize(shared.infos.slice(at, at + bytes)) as EpisodeInfo;
}

/** What a thread may be asked for. */
export const Request = { start: 0, reset: 1, step: 2, frame: 3, close: 4 } as const;
export type Request = (typeof Request)[keyof typeof Request];

const [asked, kind, argument, answered] = [0, 1, 2, 3];

/** Whether request `a` came before `b`; both count up and begin anew after 2³² requests. */
const before = (a: number, b: number) => ((b - a) | 0) > 0;

/** Milliseconds of one wait of {@link Bell.waitForAnswer}. */
const slice = 250;

/** One thread's bell: who rings counts up, who answers says up to which ring it has got. */
export class Bell {
  /** Other thread: the ring that it is at. */
  #at = 0;

  constructor(readonly memory: Int32Array = new Int32Array(new SharedArrayBuffer(64))) {}

  /** Main thread: asks for something. */
  ring(request: Request, about = 0): void {
    this.memory[kind] = request;
    this.memory[argument] = about;
    Atomics.add(this.memory, asked, 1);
    Atomics.notify(this.memory, asked);
  }

  /** Main thread: until the answer is there. Keeps no process alive by itself. */
  async untilAnswered(): Promise<void> {
    const wanted = Atomics.load(this.memory, asked);
    for (let now = Atomics.load(this.memory, answered); before(now, wanted); now = Atomics.load(this.memory, answered)) {
      await Atomics.waitAsync(this.memory, answered, now).value;
    }
  }

  /** Main thread: the same, standing still. Returns whether the answer came in time. */
  waitForAnswer(milliseconds: number): boolean {
    const wanted = Atomics.load(this.memory, asked);
    // In slices: where the whole machine slept in the middle, both sides with it, that was one slice and not all of the time.
    for (let left = milliseconds; left > 0; left -= slice) {
      const now = Atomics.load(this.memory, answered);
      if (!before(now, wanted)) return true;
      Atomics.wait(this.memory, answered, now, Math.min(slice, left));
    }
    return !before(Atomics.load(this.memory, answered), wanted);
  }

  /** Other thread: until there is something to do. */
  async untilAsked(): Promise<{ request: Request; about: number }> {
    while (Atomics.load(this.memory, asked) === this.#at) await Atomics.waitAsync(this.memory, asked, this.#at).value;
    this.#at = Atomics.load(this.memory, asked);
    return { request: this.memory[kind] as Request, about: this.memory[argument]! };
  }

  /** Other thread: it is done. */
  answer(): void {
    Atomics.store(this.memory, answered, this.#at);
    Atomics.notify(this.memory, answered);
  }

  /** Main thread: nobody will answer any more, so that nobody waits. */
  giveUp(): void {
    this.#at = Atomics.load(this.memory, asked);
    this.answer();
  }
}
