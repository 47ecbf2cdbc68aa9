import { LostEpisodes } from "./lost.js";

/**
 * Waits until all have come to an end before it says what went wrong: nobody writes into anybody's arrays after that, and nobody is
 * left running. Of several errors the first is thrown that is not merely the echo of another: episodes that are lost are mended,
 * and who was told to stop did nothing wrong.
 */
export async function allDone(pending: readonly Promise<unknown>[]): Promise<void> {
  const outcomes = await Promise.allSettled(pending);
  const failed = outcomes.filter((outcome) => outcome.status === "rejected");
  const error = failed.find(({ reason }) => !isEcho(reason)) ?? failed[0];
  if (error) throw error.reason;
}

function isEcho(reason: unknown): boolean {
  return reason instanceof LostEpisodes || (reason instanceof Error && reason.name === "AbortError");
}
