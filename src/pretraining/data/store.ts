/**
 * Decoded samples, however many: a folder is decoded once, in the order of its files, and drawn from in any order ever after.
 *
 * @module
 */
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BatonError } from "../../errors.js";
import { onDisk } from "../../runs/files.js";

/** Bytes of decoded pixels that are held in memory; what is more goes to a file. */
const MEMORY = 256 * 2 ** 20;
/** Bytes that are written to the file at once. */
const BLOCK = 4 * 2 ** 20;

/** Closes the file of a store that nobody holds any more. */
const abandoned = new FinalizationRegistry<number>(closeSync);

/**
 * Records of `length` bytes each. The first are held in memory, those beyond its limit in a file in the system's folder for temporary files
 * (`TMPDIR`) that has no name any more once it is open: it is gone with the process, however that ends. The operating system keeps in memory what of it there is room for.
 */
export class ByteStore {
  readonly #inMemory: Uint8Array[] = [];
  readonly #most: number;
  readonly #scratch: Uint8Array;
  #file: number | undefined;
  /** Records that are to be written next, and how many of them there are. */
  #block = new Uint8Array(0);
  #waiting = 0;
  #onDisk = 0;

  /** @param memory most bytes that are held in memory. */
  constructor(
    readonly length: number,
    memory: number | undefined = MEMORY,
  ) {
    this.#most = Math.floor(memory / length);
    this.#scratch = new Uint8Array(length);
  }

  get size(): number {
    return this.#inMemory.length + this.#onDisk + this.#waiting;
  }

  /**
   * Appends a record, which `write` fills from an offset on.
   *
   * @throws BatonError "io" where there is no room for the file.
   */
  append(write: (out: Uint8Array, offset: number) => void): void {
    if (this.#inMemory.length < this.#most) {
      const record = new Uint8Array(this.length);
      write(record, 0);
      this.#inMemory.push(record);
      return;
    }
    if (this.#block.length === 0) this.#block = new Uint8Array(Math.max(1, Math.floor(BLOCK / this.length)) * this.length);
    write(this.#block, this.#waiting * this.length);
    this.#waiting += 1;
    if (this.#waiting * this.length === this.#block.length) this.#flush();
  }

  /** Bytes of record `i`, overwritten by the next call. */
  record(i: number): Uint8Array {
    const held = this.#inMemory[i];
    if (held) return held;
    const at = i - this.#inMemory.length;
    if (!(at >= 0 && at < this.#onDisk + this.#waiting)) throw new RangeError(`record ${i} of ${this.size}`);
    if (at >= this.#onDisk) {
      const from = (at - this.#onDisk) * this.length;
      return this.#block.subarray(from, from + this.length);
    }
    this.#readAt(at * this.length);
    return this.#scratch;
  }

  #readAt(position: number): void {
    const place = tmpdir();
    onDisk("read decoded samples in", place, () => {
      for (let done = 0; done < this.length; ) {
        const read = readSync(this.#file!, this.#scratch, done, this.length - done, position + done);
        if (read === 0)
          throw new BatonError("io", `decoded samples in ${place} are gone`, { hint: "start the same command again" });
        done += read;
      }
    });
  }

  #flush(): void {
    const place = tmpdir();
    try {
      this.#file ??= this.#open(place);
      const bytes = this.#waiting * this.length;
      for (let done = 0; done < bytes; ) {
        done += writeSync(this.#file, this.#block, done, bytes - done, this.#onDisk * this.length + done);
      }
    } catch (error) {
      throw new BatonError("io", `no room for decoded samples in ${place}: ${(error as Error).message}`, {
        hint: `set TMPDIR to a folder with more room, or make the samples smaller (data.size): each has ${this.length} bytes`,
        cause: error,
      });
    }
    this.#onDisk += this.#waiting;
    this.#waiting = 0;
  }

  #open(place: string): number {
    const folder = mkdtempSync(join(place, "baton-samples-"));
    try {
      const file = openSync(join(folder, "samples"), "wx+", 0o600);
      abandoned.register(this, file);
      return file;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}
