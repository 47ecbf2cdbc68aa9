/**
 * Keeps a host running: one that dies, hangs, fails or sends garbage is replaced, and its episodes are reported as lost, until it
 * has failed too often in a row.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { EnvironmentSpec, Frame, VectorEnvironment, VectorTimeStep } from "../environment.js";
import { LostEpisodes } from "../environments/lost.js";
import type { Warn } from "../environments/opened.js";
import { BatonError } from "../errors.js";
import { openSession, type Session, type SessionOptions } from "./session.js";
import type { SimulatorSettings } from "./settings.js";

/** Longest wait between two attempts, in seconds. */
const longestBackoff = 30;

/** One host, whichever process it is at the moment. */
export class SupervisedHost {
  /** The copies, in groups that may be stepped independently. */
  readonly groups: readonly VectorEnvironment[];
  /** Failures since an episode last came to its end. */
  #failures = 0;
  #session: Promise<Session>;
  #current: Session;
  /** The session that is being replaced, or was last. */
  #failed: Session | undefined;
  readonly #closed = new AbortController();

  private constructor(
    private readonly open: (signal?: AbortSignal) => Promise<Session>,
    private readonly id: string,
    private readonly settings: SimulatorSettings,
    private readonly warn: Warn,
    session: Session,
  ) {
    this.#current = session;
    this.#session = Promise.resolve(session);
    this.groups = session.groups.map((group, k) => new SupervisedGroup(this, k, group));
  }

  /**
   * Starts a host and waits until it is ready. What goes wrong now is a mistake to mend and not an accident: nothing is tried again.
   *
   * @param signal gives up the start.
   * @throws BatonError
   */
  static async start(
    host: Pick<SessionOptions, "id" | "launch" | "copies">,
    settings: SimulatorSettings,
    warn: Warn = () => {},
    signal?: AbortSignal,
  ): Promise<SupervisedHost> {
    const patience = { start: settings.startSeconds, answer: settings.answerSeconds };
    const open = (signal?: AbortSignal) =>
      openSession({ ...host, groups: settings.inFlight, patience, ...(signal && { signal }) });
    return new SupervisedHost(open, host.id, settings, warn, await open(signal));
  }

  /** The running host, once it is running. */
  session(): Promise<Session> {
    return this.#session;
  }

  /** An episode came to its end. */
  succeed(): void {
    this.#failures = 0;
  }

  /**
   * Reports what went wrong with a session; a new one is started where that may help.
   *
   * @throws the error when nothing may help, or when it was one too many.
   */
  fail(session: Session, error: unknown): void {
    // Groups of the same host hear of the same end, and all of them of our own.
    if (session !== this.#current || session === this.#failed || this.#closed.signal.aborted) return;
    const why = this.#count(error);
    // The host has survived an exception of the simulator. The first time, beginning a new episode may do.
    if (why.code === "environment" && this.#failures === 1) return;
    this.#failed = session;
    this.#session = this.#replace(session);
    this.#session.catch(() => {}); // whoever asks next hears of it
  }

  /** Ends the host, and the one that is about to take its place. */
  async close(): Promise<void> {
    this.#closed.abort();
    await this.#current.close();
    await this.#session.catch(() => {});
  }

  /** Counts a failure and tells of it. Throws it when it cannot be mended, or is one too many. */
  #count(error: unknown): BatonError {
    if (!(error instanceof BatonError) || !["io", "incompatible", "environment"].includes(error.code)) throw error;
    this.#failures += 1;
    const { failures } = this.settings;
    if (this.#failures >= failures) {
      const often = failures === 1 ? "failed" : `failed ${failures} times in a row without finishing an episode`;
      throw new BatonError(error.code, `a host of ${this.id} ${often}: ${error.message}`, {
        hint: error.hint ?? "mend the simulator, or allow more with simulators.failures",
        cause: error,
      });
    }
    this.warn(`a host of ${this.id} failed (${this.#failures} of at most ${failures} times in a row): ${error.message}`);
    return error;
  }

  async #replace(old: Session): Promise<Session> {
    await old.close();
    for (;;) {
      const wait = Math.min(longestBackoff, this.settings.backoffSeconds * 2 ** (this.#failures - 1));
      await sleep(wait * 1000, undefined, { signal: this.#closed.signal });
      try {
        const session = await this.open(this.#closed.signal);
        // It may have been ready before it heard that nobody wants it any more, and `close` does not know of it.
        if (this.#closed.signal.aborted) await session.close();
        this.#closed.signal.throwIfAborted();
        if (JSON.stringify(session.groups.map(sizes)) === JSON.stringify(this.groups.map(sizes))) {
          this.#current = session;
          return session;
        }
        await session.close();
        throw new BatonError("invalid-value", `a host of ${this.id} that was started anew has another spec than before`);
      } catch (error) {
        this.#closed.signal.throwIfAborted();
        this.#count(error);
      }
    }
  }
}

const sizes = ({ copies, spec }: VectorEnvironment) => [copies, spec];

/** Some copies of a supervised host. */
class SupervisedGroup implements VectorEnvironment {
  /** Where the episodes of these copies run; undefined when they are lost. */
  #session: Session | undefined;

  readonly spec: EnvironmentSpec;
  readonly copies: number;
  /** Where the host's simulators can be drawn. */
  readonly frame?: (copy: number) => Frame | undefined;

  constructor(
    private readonly host: SupervisedHost,
    private readonly index: number,
    { spec, copies, frame }: VectorEnvironment,
  ) {
    this.spec = spec;
    this.copies = copies;
    if (frame) this.frame = (copy) => this.#session?.groups[index]?.frame?.(copy);
  }

  async reset(copies: readonly number[], seeds: readonly number[], out: VectorTimeStep): Promise<void> {
    const session = await this.host.session();
    const known = session === this.#session;
    if (!known && new Set(copies).size < this.copies) this.#lose("its host has been replaced");
    await this.#ask(session, (group) => group.reset(copies, seeds, out));
    this.#session = session;
  }

  async step(actions: Int32Array, out: VectorTimeStep): Promise<void> {
    const session = await this.host.session();
    if (session !== this.#session) this.#lose("its host has been replaced");
    await this.#ask(session, (group) => group.step(actions, out));
    if (out.terminated.includes(1) || out.truncated.includes(1)) this.host.succeed();
  }

  async #ask(session: Session, ask: (group: VectorEnvironment) => void | Promise<void>): Promise<void> {
    try {
      await ask(session.groups[this.index]!);
    } catch (error) {
      this.host.fail(session, error);
      this.#lose(error);
    }
  }

  #lose(why: unknown): never {
    this.#session = undefined;
    throw new LostEpisodes(why);
  }
}
