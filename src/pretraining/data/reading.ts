/** Reading of many files: says how far it is, and can be stopped. */
import { setImmediate } from "node:timers/promises";
import { BatonError } from "../../errors.js";

export interface ReadingOptions {
  /** Hears how many files of how many are read, every few seconds where it takes longer than that. */
  readonly onRead?: ((read: number, of: number, what: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Most bytes of decoded samples that are held in memory; the rest is in a temporary file. */
  readonly memory?: number | undefined;
}

/** Milliseconds between two reports, and between two looks at the signal. */
const [REPORT, LOOK] = [5000, 50];

export class Reading {
  #read = 0;
  #reported = performance.now();
  #looked = performance.now();

  /** @param what is read, in the plural, for people. */
  constructor(
    readonly folder: string,
    readonly of: number,
    readonly what: string,
    readonly options: ReadingOptions,
  ) {}

  /**
   * One more is read. Lets Ctrl-C come through, since decoding never waits for anything by itself.
   *
   * @throws BatonError "cancelled" when the signal says so.
   */
  async next(): Promise<void> {
    this.#read += 1;
    const now = performance.now();
    if (now - this.#looked < LOOK) return;
    await setImmediate();
    this.#looked = now;
    const { onRead, signal } = this.options;
    if (signal?.aborted) {
      throw new BatonError("cancelled", `stopped while reading ${this.folder} (${this.#read} of ${this.of} ${this.what})`);
    }
    if (now - this.#reported < REPORT) return;
    this.#reported = now;
    onRead?.(this.#read, this.of, this.what);
  }
}
