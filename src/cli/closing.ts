import { allDone } from "../environments/together.js";

/** What has to be closed after use: environments, hosts, players. */
export interface Closable {
  close?(): void | Promise<void>;
}

/**
 * Runs `use`, which passes what it opens through `keep`, and closes all of that afterwards, whatever happens: hosts and threads would
 * outlive a mistake.
 */
export async function closingAfter<T>(use: (keep: <C extends Closable>(one: C) => C) => Promise<T>): Promise<T> {
  const kept: Closable[] = [];
  const close = () => kept.map(async (one) => one.close?.());
  let result: T;
  try {
    result = await use((one) => {
      kept.push(one);
      return one;
    });
  } catch (error) {
    // What goes wrong on the way out is not why.
    await Promise.allSettled(close());
    throw error;
  }
  await allDone(close());
  return result;
}
