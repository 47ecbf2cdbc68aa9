import { stderr } from "node:process";
import type { Trainer } from "../training/trainer.js";

/** Milliseconds between two looks at a terminal; elsewhere a line is printed every so many. */
const TERMINAL_PERIOD = 250;
const PLAIN_PERIOD = 15_000;

/** `1h 02m`, `3m 05s` or `12s`. */
export function formatDuration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  const pad = (x: number) => String(x).padStart(2, "0");
  if (s >= 3600) return `${Math.floor(s / 3600)}h ${pad(Math.floor((s % 3600) / 60))}m`;
  return s >= 60 ? `${Math.floor(s / 60)}m ${pad(s % 60)}s` : `${s}s`;
}

/** `950`, `12.3k`, `4.56M`. */
export function formatCount(x: number): string {
  if (x >= 1e6) return `${(x / 1e6).toFixed(2)}M`;
  return x >= 1e4 ? `${(x / 1e3).toFixed(1)}k` : x >= 100 ? x.toFixed(0) : x.toFixed(x < 10 ? 1 : 0);
}

/** Shows how far a run is: one line that is rewritten on a terminal, a plain line now and then elsewhere. Writes to stderr. */
export class TrainingProgress {
  readonly #terminal = stderr.isTTY === true;
  #shownAt = performance.now();
  /** Counters when this session began, and at the last look: rates are of the time between. */
  #from: { steps: number; updates: number; at: number };
  #window: { steps: number; updates: number; at: number };
  #lineOpen = false;

  constructor(trainer: Trainer) {
    this.#from = { steps: trainer.environmentSteps, updates: trainer.updates, at: performance.now() };
    this.#window = this.#from;
  }

  update(trainer: Trainer): void {
    const now = performance.now();
    if (now - this.#shownAt < (this.#terminal ? TERMINAL_PERIOD : PLAIN_PERIOD)) return;
    this.#shownAt = now;
    const line = this.#line(trainer, now);
    if (!this.#terminal) {
      stderr.write(`${line}\n`);
      return;
    }
    stderr.write(`\r\x1b[2K${line.slice(0, Math.max(20, (stderr.columns ?? 80) - 1))}`);
    this.#lineOpen = true;
  }

  /** Prints a line that stays. */
  say(text: string): void {
    this.end();
    stderr.write(`${text}\n`);
  }

  /** Leaves the terminal at the start of an empty line. */
  end(): void {
    if (this.#lineOpen) stderr.write("\r\x1b[2K");
    this.#lineOpen = false;
  }

  #line(trainer: Trainer, now: number): string {
    // rates over the last ten seconds or so, the rest of the time from the whole session
    if (now - this.#window.at > 10_000 || this.#window === this.#from) {
      const previous = this.#window;
      this.#window = { steps: trainer.environmentSteps, updates: trainer.updates, at: now };
      this.#rates = rates(previous, this.#window);
    }
    const total = trainer.config.training.environmentSteps;
    const whole = rates(this.#from, { steps: trainer.environmentSteps, updates: trainer.updates, at: now });
    const left = (total - trainer.environmentSteps) / Math.max(1e-9, whole.steps);
    const { winRate, meanReturn, loss, exploration } = trainer.latest;
    return [
      `${((100 * trainer.environmentSteps) / total).toFixed(0).padStart(3)} %`,
      `env steps ${formatCount(trainer.environmentSteps)} (${formatCount(this.#rates.steps)}/s)`,
      `updates ${formatCount(trainer.updates)} (${formatCount(this.#rates.updates)}/s)`,
      `win ${winRate === undefined ? "–" : `${(100 * winRate).toFixed(0)} %`}`,
      `return ${meanReturn === undefined ? "–" : meanReturn.toFixed(2)}`,
      `loss ${loss === undefined ? "–" : loss.toPrecision(3)}`,
      `ε ${exploration.toFixed(2)}`,
      `left ≤ ${formatDuration(left)}`,
    ].join("  ");
  }

  #rates = { steps: 0, updates: 0 };
}

/** Per second between two looks. */
function rates(from: { steps: number; updates: number; at: number }, to: { steps: number; updates: number; at: number }) {
  const seconds = Math.max(1e-9, (to.at - from.at) / 1000);
  return { steps: (to.steps - from.steps) / seconds, updates: (to.updates - from.updates) / seconds };
}
