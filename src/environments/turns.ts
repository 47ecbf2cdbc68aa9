/**
 * Computations that are written once for callers who wait and for those who need not: a generator yields whatever must have come
 * to pass before it goes on, and gets back what that brought.
 *
 * @module
 */

export type Turns<T> = Generator<unknown, T, unknown>;

/** What `value` is or becomes: `const answer = yield* settled(ask())`. */
export function* settled<T>(value: T | Promise<T>): Turns<T> {
  return (yield value) as T;
}

/** Runs a computation in which nothing has to be waited for. */
export function runNow<T>(turns: Turns<T>): T {
  let turn = turns.next();
  while (!turn.done) turn = turns.next(turn.value);
  return turn.value;
}

/** Runs a computation and awaits whatever it yields; rejections are thrown into it. */
export async function runAwaiting<T>(turns: Turns<T>): Promise<T> {
  let turn = turns.next();
  while (!turn.done) {
    const outcome = await Promise.resolve(turn.value).then(
      (value) => () => turns.next(value),
      (error: unknown) => () => turns.throw(error),
    );
    turn = outcome();
  }
  return turn.value;
}
