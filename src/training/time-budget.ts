/** What the loop spends its time on. `idle` is waiting for simulators with nothing to learn meanwhile; `other` is all that is not named. */
export const activities = ["act", "collect", "learn", "evaluate", "idle", "other"] as const;
export type Activity = (typeof activities)[number];

/** Seconds by activity. */
export type Seconds = { readonly [A in Activity]: number };

const none = (): Record<Activity, number> => ({ act: 0, collect: 0, learn: 0, evaluate: 0, idle: 0, other: 0 });

/** Adds up where the time of one thread goes. What is booked within another activity is taken off that one. */
export class TimeBudget {
  #seconds = none();
  #since = performance.now();

  /** Runs `work` and books its time, until the promise that it returns is settled. */
  async spend<T>(activity: Exclude<Activity, "other">, work: () => Promise<T>): Promise<T> {
    const stop = this.#start(activity);
    try {
      return await work();
    } finally {
      stop();
    }
  }

  /** Runs `work` and books its time, but not that of a promise which it returns. */
  book<T>(activity: Exclude<Activity, "other">, work: () => T): T {
    const stop = this.#start(activity);
    try {
      return work();
    } finally {
      stop();
    }
  }

  #start(activity: Activity): () => void {
    const start = performance.now();
    const before = this.#booked();
    return () => {
      this.#seconds[activity] += (performance.now() - start) / 1000 - (this.#booked() - before);
    };
  }

  #booked(): number {
    return activities.reduce((sum, activity) => sum + this.#seconds[activity], 0);
  }

  /** Seconds since the last call (or the start), which they add up to. */
  take(): Seconds {
    const now = performance.now();
    const total = (now - this.#since) / 1000;
    const taken = { ...this.#seconds, other: Math.max(0, total - this.#booked()) };
    this.#seconds = none();
    this.#since = now;
    return taken;
  }
}

/** Shares of the whole as metrics, `timeAct`, `timeLearn`, …, 0 to 1. */
export function sharesOf(seconds: Seconds): { [name: string]: number } {
  const total = activities.reduce((sum, activity) => sum + seconds[activity], 0);
  const name = (activity: Activity) => `time${activity[0]!.toUpperCase()}${activity.slice(1)}`;
  return Object.fromEntries(activities.map((activity) => [name(activity), total > 0 ? seconds[activity] / total : 0]));
}
