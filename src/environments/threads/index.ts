/**
 * Environment copies spread over worker threads: each steps its share at the same time, into shared memory. The caller's thread
 * is free meanwhile. A copy plays the same episode whatever thread it is in, so any number of threads gives the same results.
 *
 * @module
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import type {
  Environment,
  EnvironmentSpec,
  EpisodeInfo,
  Frame,
  TimeStepField,
  VectorEnvironment,
  VectorTimeStep,
} from "../../environment.js";
import { BatonError } from "../../errors.js";
import { completeEnvironment } from "../complete.js";
import { writtenFields } from "../timestep.js";
import { allDone } from "../together.js";
import { vectorize } from "../vectorize.js";
import { allocateSharedStep, Bell, copyOut, Request, readInfo, type SharedStep } from "./shared.js";
import type { Answer, MakerSource, WorkerTask } from "./worker.js";

export type { MakerSource } from "./worker.js";

/** Milliseconds that a thread may take to close or to draw, before it counts as stuck. */
const patience = 10_000;

/** What makes copies of an environment, in this thread and in others. */
export interface Maker {
  readonly make: () => Environment;
  readonly source: MakerSource;
}

/** `copies` copies behind one call: in this thread when `threads` is 0, else spread over so many others. `read` as for `vectorize`. */
export async function vectorizeOver(
  threads: number,
  maker: Maker,
  copies: number,
  read?: readonly TimeStepField[],
): Promise<VectorEnvironment> {
  if (threads === 0) return vectorize(maker.make, copies, read);
  const probe = completeEnvironment(maker.make());
  probe.close?.();
  return spreadOverThreads(maker.source, probe.spec, {
    copies,
    threads,
    fields: writtenFields(probe, read),
    draws: probe.frame !== undefined,
  });
}

/**
 * Starts `threads` threads, at most one for each copy, and has each make its share of the copies from `source`.
 *
 * Errors of an environment are BatonErrors that name the copy; nothing can be played after one, only closed.
 *
 * @param spec the environment's spec, as the copies will have it.
 * @param draws whether the environment has pictures.
 */
async function spreadOverThreads(
  source: MakerSource,
  spec: EnvironmentSpec,
  options: { copies: number; threads: number; fields: readonly TimeStepField[]; draws: boolean },
): Promise<VectorEnvironment> {
  const { copies, fields, draws } = options;
  const threads = Math.min(options.threads, copies);
  const shared = allocateSharedStep(spec, copies, fields);
  const crew = Array.from({ length: threads }, (_, k) => {
    const [first, end] = [Math.floor((k * copies) / threads), Math.floor(((k + 1) * copies) / threads)];
    return new Hand(source, shared, first, end);
  });
  try {
    await allDone(crew.map((hand) => hand.started(spec)));
  } catch (error) {
    // What the others say on their way out is not why.
    await Promise.allSettled(crew.map((hand) => hand.close()));
    throw error;
  }
  return new ThreadedVectorEnvironment(spec, copies, fields, shared, crew, draws);
}

class ThreadedVectorEnvironment implements VectorEnvironment {
  readonly frame?: (copy: number) => Frame | undefined;
  /** [E] the latest info of each copy. */
  readonly #infos: EpisodeInfo[];

  constructor(
    readonly spec: EnvironmentSpec,
    readonly copies: number,
    readonly fields: readonly TimeStepField[],
    private readonly shared: SharedStep,
    private readonly crew: readonly Hand[],
    draws: boolean,
  ) {
    this.#infos = Array.from({ length: copies }, () => ({}));
    if (draws) this.frame = (copy) => this.crew.find((hand) => hand.has(copy))?.frame(copy);
  }

  async reset(copies: readonly number[], seeds: readonly number[], out: VectorTimeStep): Promise<void> {
    const { shared, spec } = this;
    this.#checkOut(out);
    shared.resets.fill(0);
    copies.forEach((copy, k) => {
      const seed = seeds[k];
      if (!(copy >= 0 && copy < this.copies)) {
        throw new BatonError("invalid-value", `there is no copy ${copy} of ${spec.id}, only 0 … ${this.copies - 1}`);
      }
      if (seed === undefined) throw new BatonError("invalid-value", `${spec.id}: copy ${copy} is reset without a seed`);
      shared.resets[copy] = 1;
      shared.seeds[copy] = seed;
    });
    await this.#ask(
      Request.reset,
      this.crew.filter((hand) => copies.some((copy) => hand.has(copy))),
    );
    for (const copy of copies) this.#publish(copy, out, copy);
  }

  async step(actions: Int32Array, out: VectorTimeStep): Promise<void> {
    const { shared, spec } = this;
    this.#checkOut(out);
    if (actions.length !== shared.actions.length) {
      throw new BatonError(
        "invalid-value",
        `${actions.length} actions are given to ${this.copies} copies of ${spec.agents} agents of ${spec.id}`,
      );
    }
    shared.actions.set(actions);
    await this.#ask(Request.step, this.crew);
    copyOut(shared, out);
    for (let copy = 0; copy < this.copies; copy++) this.#publish(copy, out);
  }

  async close(): Promise<void> {
    await allDone(this.crew.map((hand) => hand.close()));
  }

  /** All at the same time; of several mistakes the first copy's is thrown, when all have stopped. */
  async #ask(request: Request, crew: readonly Hand[]): Promise<void> {
    for (const hand of crew) hand.ask(request);
    await allDone(crew.map((hand) => hand.answered()));
  }

  #publish(copy: number, out: VectorTimeStep, rows?: number): void {
    if (rows !== undefined) copyOut(this.shared, out, rows);
    this.#infos[copy] = readInfo(this.shared, copy) ?? this.#infos[copy]!;
    out.infos[copy] = this.#infos[copy]!;
  }

  #checkOut(out: VectorTimeStep): void {
    if (out.reward.length === this.copies) return;
    throw new BatonError(
      "invalid-value",
      `a time step of ${out.reward.length} copies is given to ${this.copies} copies of ${this.spec.id}`,
    );
  }
}

/** One thread, as the main thread knows it. */
class Hand {
  readonly #worker: Worker;
  readonly #bell = new Bell();
  readonly #answers: MessagePort;
  readonly #exited: Promise<void>;
  /** Why the thread is no more. */
  #lost: BatonError | undefined;

  constructor(
    source: MakerSource,
    shared: SharedStep,
    readonly first: number,
    readonly end: number,
  ) {
    const { port1, port2 } = new MessageChannel();
    this.#answers = port1;
    this.#bell.ring(Request.start);
    const task: WorkerTask = { source, shared, bell: this.#bell.memory, first, end, answers: port2 };
    this.#worker = startWorker(task, port2);
    this.#worker.once("error", (error: Error) => this.#lose(error.message));
    this.#exited = new Promise((resolve) => {
      this.#worker.once("exit", (code) => {
        this.#lose(`it ended by itself with exit code ${code}`);
        resolve();
      });
    });
  }

  has(copy: number): boolean {
    return copy >= this.first && copy < this.end;
  }

  async started(spec: EnvironmentSpec): Promise<void> {
    const answer = await this.answered();
    if (answer && "spec" in answer && answer.spec === JSON.stringify(spec)) return;
    throw new BatonError("environment", `${spec.id}: its copies in other threads have another spec`, {
      hint: "make the environment from its options alone, not from what differs between threads",
    });
  }

  /** A thread that is gone is not asked: who waits for its answer hears of it. */
  ask(request: Request, about = 0): void {
    if (!this.#lost) this.#bell.ring(request, about);
  }

  /** Until the thread has done what it was asked for: what it posted. Throws what went wrong there. */
  async answered(): Promise<Answer | undefined> {
    // waiting for a bell keeps no process alive, but a referenced thread does
    this.#worker.ref();
    await this.#bell.untilAnswered();
    this.#worker.unref();
    return this.#take();
  }

  frame(copy: number): Frame | undefined {
    this.ask(Request.frame, copy);
    if (!this.#bell.waitForAnswer(patience)) {
      throw new BatonError("environment", `copy ${copy} was not drawn within ${patience / 1000} s by the thread that steps it`);
    }
    const answer = this.#take();
    return answer && "frame" in answer ? answer.frame : undefined;
  }

  async close(): Promise<void> {
    const lost = this.#lost;
    let timer: NodeJS.Timeout | undefined;
    this.#worker.ref();
    this.ask(Request.close);
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patience);
    });
    await Promise.race([this.#exited, late]);
    clearTimeout(timer);
    await this.#worker.terminate();
    try {
      if (!lost) this.#takePosted();
    } finally {
      this.#answers.close();
    }
  }

  /** The thread is gone: whoever waits for it is told. */
  #lose(why: string): void {
    this.#lost ??= new BatonError("environment", `a thread that steps environments broke: ${why}`, {
      hint: "without --env-threads the environment runs in the main thread, where it is easier to see why",
    });
    this.#bell.giveUp();
  }

  /** What the thread posted with its answer. Throws a mistake that it reports. */
  #take(): Answer | undefined {
    if (this.#lost) throw this.#lost;
    return this.#takePosted();
  }

  #takePosted(): Answer | undefined {
    const answer = (receiveMessageOnPort(this.#answers) as { message: Answer } | undefined)?.message;
    if (answer && "fault" in answer) {
      const { code, message, hint } = answer.fault;
      throw new BatonError(code, message, hint === undefined ? {} : { hint });
    }
    return answer;
  }
}

/** Runs `worker.ts` in a thread; from source it is TypeScript, which the thread must first learn to read. */
function startWorker(task: WorkerTask, port: MessagePort): Worker {
  const options = { workerData: task, transferList: [port], execArgv: [] };
  if (!import.meta.url.endsWith(".ts")) return new Worker(new URL("./worker.js", import.meta.url), options);
  const tsx = import.meta.resolve("tsx/esm/api");
  const worker = new URL("./worker.ts", import.meta.url).href;
  const code = `import(${JSON.stringify(tsx)}).then(({ register }) => { register(); return import(${JSON.stringify(worker)}); })`;
  return new Worker(code, { ...options, eval: true });
}
