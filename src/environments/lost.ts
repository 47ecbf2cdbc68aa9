/**
 * The simulators of some copies broke and are being replaced: whatever episodes ran in these copies are gone, and each must be
 * reset before it is stepped again. Thrown by `reset` and `step` of environments that mend themselves.
 */
export class LostEpisodes extends Error {
  constructor(cause: unknown) {
    super("the simulators of these copies broke", { cause });
    this.name = "LostEpisodes";
  }
}

/** Says whether the episodes were lost with their simulators. */
export async function orLost(act: () => void | Promise<void>): Promise<boolean> {
  try {
    await act();
    return false;
  } catch (error) {
    if (error instanceof LostEpisodes) return true;
    throw error;
  }
}
