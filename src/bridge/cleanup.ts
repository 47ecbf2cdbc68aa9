/**
 * Last things to do before this process ends, however it ends (save `kill -9`): child processes and socket files must not outlive it.
 *
 * @module
 */

/** What the process owns. Global because the end of a process is. */
const cleanups = new Set<() => void>();

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs `cleanup`, which must be synchronous, when the process exits or a signal ends it. A signal that somebody else handles is
 * left to them: their `process.exit` comes by here. Returns a function that takes it back.
 */
export function atProcessEnd(cleanup: () => void): () => void {
  if (cleanups.size === 0) watch();
  cleanups.add(cleanup);
  return () => {
    if (cleanups.delete(cleanup) && cleanups.size === 0) unwatch();
  };
}

function watch(): void {
  process.on("exit", runCleanups);
  // Before other listeners: one that was added with `once` is only counted until it has run.
  for (const signal of signals) process.prependListener(signal, endBySignal);
}

function unwatch(): void {
  process.off("exit", runCleanups);
  for (const signal of signals) process.off(signal, endBySignal);
}

function runCleanups(): void {
  for (const cleanup of cleanups) cleanup();
  cleanups.clear();
}

function endBySignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  runCleanups();
  unwatch();
  // With no listener left, the signal does what it would have done without us.
  process.kill(process.pid, signal);
}
