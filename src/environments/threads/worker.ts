/**
 * A thread that steps some copies of an environment: makes them, then does as it is asked until it is told to close.
 *
 * @module
 */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import type { Environment, EpisodeInfo, Frame, VectorTimeStep } from "../../environment.js";
import { BatonError, type ErrorCode } from "../../errors.js";
import { vectorize } from "../vectorize.js";
import { Bell, Request, rowsOf, type SharedStep, writeInfo } from "./shared.js";

/** Where a thread finds its environment: a module's exported function, which is called with `argument` and gives the maker. */
export interface MakerSource {
  /** URL of the module. */
  readonly module: string;
  readonly name: string;
  /** Plain data. */
  readonly argument: unknown;
}

export interface WorkerTask {
  readonly source: MakerSource;
  readonly shared: SharedStep;
  readonly bell: Int32Array;
  /** Copies `first` … `end`−1 are this thread's. */
  readonly first: number;
  readonly end: number;
  /** Where frames and errors go: one {@link Answer} for each. */
  readonly answers: MessagePort;
}

/** A mistake as it travels between threads. */
export interface Fault {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
}

export type Answer = { readonly spec: string } | { readonly frame: Frame | undefined } | { readonly fault: Fault };

async function serve(task: WorkerTask): Promise<void> {
  const { source, shared, first, end, answers } = task;
  const bell = new Bell(task.bell);
  const reply = (answer: Answer) => answers.postMessage(answer);
  // a listener keeps this thread alive while it waits for the bell, which by itself would not
  parentPort!.on("message", () => {});
  let copies: Copies | undefined;
  for (let closed = false; !closed; bell.answer()) {
    const { request, about } = await bell.untilAsked();
    try {
      if (request === Request.start) {
        copies = new Copies(await makerFrom(source), shared, first, end);
        reply({ spec: JSON.stringify(copies.env.spec) });
      } else if (request === Request.reset) copies?.reset();
      else if (request === Request.step) copies?.step();
      else if (request === Request.frame) reply({ frame: copies?.env.frame?.(about - first) });
      else {
        closed = true;
        await copies?.env.close?.();
      }
    } catch (error) {
      reply({ fault: faultOf(error, copies?.env.spec.id ?? "the environment") });
    }
  }
  answers.close();
  parentPort!.close();
}

async function makerFrom({ module, name, argument }: MakerSource): Promise<() => Environment> {
  const exported = (await import(module)) as Record<string, (argument: unknown) => Promise<() => Environment>>;
  return exported[name]!(argument);
}

/** The copies of one thread, writing into their rows of the shared step. */
class Copies {
  readonly env;
  readonly #out: VectorTimeStep;
  readonly #actions: Int32Array;
  readonly #infos: (EpisodeInfo | undefined)[];

  constructor(
    make: () => Environment,
    readonly shared: SharedStep,
    readonly first: number,
    readonly end: number,
  ) {
    this.env = vectorize(make, end - first, undefined, first);
    this.#out = rowsOf(shared, first, end);
    const n = this.env.spec.agents;
    this.#actions = shared.actions.subarray(first * n, end * n);
    this.#infos = Array.from({ length: end - first }, () => undefined);
  }

  reset(): void {
    const { resets, seeds } = this.shared;
    const copies: number[] = [];
    for (let copy = this.first; copy < this.end; copy++) if (resets[copy] === 1) copies.push(copy - this.first);
    this.env.reset(
      copies,
      copies.map((copy) => seeds[this.first + copy]!),
      this.#out,
    );
    for (const copy of copies) this.#publish(copy);
  }

  step(): void {
    this.env.step(this.#actions, this.#out);
    for (let copy = 0; copy < this.end - this.first; copy++) this.#publish(copy);
  }

  #publish(copy: number): void {
    this.#infos[copy] = writeInfo(this.shared, this.first + copy, this.#out.infos[copy]!, this.#infos[copy]);
  }
}

/** What went wrong, in one message: where it is no mistake that we know, with the line of the environment's code. */
function faultOf(error: unknown, id: string): Fault {
  if (error instanceof BatonError) return { code: error.code, message: error.message, hint: error.hint };
  const where = error instanceof Error ? /\n\s+(at .*)/.exec(error.stack ?? "")?.[1] : undefined;
  return {
    code: "environment",
    message: `${id} failed: ${String(error)}${where === undefined ? "" : ` (${where.replace(/\?tsx-namespace=[\w-]+/, "")})`}`,
    hint: "without --env-threads the whole stack is shown",
  };
}

await serve(workerData as WorkerTask);
