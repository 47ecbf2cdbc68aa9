import type { FrameEvent } from "../../src/environment.js";

const Kind = { shot: 0, heal: 1, splash: 2, death: 3 } as const;
type Kind = (typeof Kind)[keyof typeof Kind];

/** More than happens in any step of 90 units; what comes after is not shown. */
const capacity = 4096;

/** What happened in the running step, for the viewer. Nothing is allocated while the battle goes on. */
export class EventLog {
  #count = 0;
  #tick = 0;
  readonly #kind = new Uint8Array(capacity);
  readonly #at = new Int32Array(capacity);
  readonly #from = new Int32Array(capacity);
  readonly #to = new Int32Array(capacity);
  /** Hit points of a shot or healing; x, y and radius of a splash. */
  readonly #amount = new Float32Array(3 * capacity);

  /** A new step begins. */
  clear(): void {
    this.#count = 0;
    this.#tick = 0;
  }

  /** A new tick of the step begins. */
  tick(): void {
    this.#tick++;
  }

  shot(from: number, to: number, amount: number): void {
    this.#add(Kind.shot, from, to, amount);
  }

  /** Healing goes on from tick to tick: all of one healer's in a step is one event, as long as its patient is the same. */
  heal(from: number, to: number, amount: number): void {
    for (let k = this.#count - 1; k >= 0; k--) {
      if (this.#kind[k] !== Kind.heal || this.#from[k] !== from) continue;
      if (this.#to[k] !== to) break;
      this.#amount[3 * k] += amount;
      return;
    }
    this.#add(Kind.heal, from, to, amount);
  }

  splash(from: number, x: number, y: number, radius: number): void {
    const at = 3 * this.#count;
    if (!this.#add(Kind.splash, from, -1, x)) return;
    this.#amount[at + 1] = y;
    this.#amount[at + 2] = radius;
  }

  death(unit: number): void {
    this.#add(Kind.death, unit, -1, 0);
  }

  #add(kind: Kind, from: number, to: number, amount: number): boolean {
    const k = this.#count;
    if (k === capacity) return false;
    this.#kind[k] = kind;
    this.#at[k] = this.#tick;
    this.#from[k] = from;
    this.#to[k] = to;
    this.#amount[3 * k] = amount;
    this.#count++;
    return true;
  }

  /** The events of the step, their time as a share of its `ticks`. */
  list(ticks: number): FrameEvent[] {
    return Array.from({ length: this.#count }, (_, k): FrameEvent => {
      const at = Math.min(1, this.#at[k] / ticks);
      const [from, to] = [this.#from[k], this.#to[k]];
      const [amount, y, radius] = this.#amount.subarray(3 * k, 3 * k + 3);
      if (this.#kind[k] === Kind.shot) return { kind: "shot", at, from, to, amount };
      if (this.#kind[k] === Kind.heal) return { kind: "heal", at, from, to, amount };
      if (this.#kind[k] === Kind.splash) return { kind: "splash", at, x: amount, y, radius };
      return { kind: "death", at, unit: from };
    });
  }
}
