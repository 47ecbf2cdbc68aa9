import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";

/** The whole state of a {@link RandomStream}: four 32-bit integers, safe in JSON. */
export type RandomState = readonly [number, number, number, number];

/** 32-bit finaliser of MurmurHash3: spreads neighbouring seeds over the whole range. */
function mix(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** FNV-1a over the label's UTF-16 units. */
function hashLabel(label: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < label.length; i++) h = Math.imul(h ^ label.charCodeAt(i), 0x01000193);
  return h | 0;
}

/**
 * A seeded stream of random numbers (xoroshiro128+). Nothing in Baton draws from anywhere else, each purpose has a stream
 * of its own (`RandomStream.from(seed, "collector")`), and a stream's state goes into the checkpoint.
 */
export class RandomStream {
  #generator: ReturnType<typeof xoroshiro128plusFromState>;

  private constructor(state: RandomState) {
    this.#generator = xoroshiro128plusFromState(state);
  }

  /** The stream of `seed` for one purpose; streams with different labels are independent. */
  static from(seed: number, label = ""): RandomStream {
    const low = seed | 0;
    const high = Math.floor(seed / 2 ** 32) | 0;
    const tag = hashLabel(label);
    const word = (k: number) => mix(mix(low + Math.imul(k, 0x9e3779b9)) ^ mix(high + k) ^ mix(tag + Math.imul(k, 0x7f4a7c15)));
    return new RandomStream([word(1), word(2), word(3), word(4) | 1]);
  }

  static restore(state: RandomState): RandomStream {
    return new RandomStream(state);
  }

  state(): RandomState {
    const [a, b, c, d] = this.#generator.getState() as [number, number, number, number];
    return [a, b, c, d];
  }

  /** Uniform over all 32-bit integers, as unsigned. */
  uint32(): number {
    return this.#generator.next() >>> 0;
  }

  /** Uniform in [0, 1) with 24 random bits: exact in float32. */
  uniform(): number {
    return (this.#generator.next() >>> 8) / 0x1000000;
  }

  /** Uniform over 0 … n−1. */
  integer(n: number): number {
    return Math.floor((this.uint32() / 0x100000000) * n);
  }

  /** Standard normal (Box–Muller, one of the pair). */
  normal(): number {
    const u = 1 - this.uniform();
    return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Writes a random permutation of 0 … n−1 into `out[offset … offset+n)` (Fisher–Yates). */
  permutation(out: Int32Array, offset: number, n: number): void {
    for (let i = 0; i < n; i++) {
      const j = this.integer(i + 1);
      out[offset + i] = out[offset + j]!;
      out[offset + j] = i;
    }
  }
}
