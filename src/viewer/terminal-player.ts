import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { RecordedEpisode } from "../runs/episodes.js";
import { renderStep } from "./terminal.js";

/** Where to play: `process.stdout`, or anything like it. */
export type TerminalOutput = Pick<NodeJS.WritableStream, "write"> & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

export interface PlayOptions {
  readonly output: TerminalOutput;
  /** Steps a second; a pipe or a file gets every step at once. */
  readonly stepsPerSecond: number;
  readonly color: boolean;
  /** Stops the play. */
  readonly signal?: AbortSignal;
}

const plainColumns = 100;
const enterScreen = "\x1b[?1049h\x1b[?25l"; // the alternate screen, cursor hidden
const leaveScreen = "\x1b[?25h\x1b[?1049l";
const clear = "\x1b[H\x1b[2J";

/** Plays on the alternate screen and leaves the last step seen on the normal one. */
async function playOnScreen(episode: RecordedEpisode, options: PlayOptions, stop: AbortSignal): Promise<void> {
  const { output, color } = options;
  // A terminal that has not been told its size says 0.
  const [columns, rows] = [() => output.columns || 80, () => (output.rows || 24) - 1];
  let t = 0;
  output.write(enterScreen);
  try {
    for (; t < episode.steps.length && !stop.aborted; t++) {
      const lines = renderStep(episode, t, { columns: columns(), rows: rows(), color }).split("\n");
      output.write(clear + lines.slice(0, rows()).join("\n"));
      await sleep(1000 / options.stepsPerSecond, undefined, { signal: stop }).catch(() => {});
    }
  } finally {
    output.write(leaveScreen);
  }
  output.write(`${renderStep(episode, Math.max(0, t - 1), { columns: columns(), color })}\n`);
}

/**
 * Plays an episode in the terminal; elsewhere (a pipe, a file) prints one block a step. Ctrl-C, SIGTERM, SIGHUP or the signal
 * of the options ends it, and the terminal is as it was.
 */
export async function playInTerminal(episode: RecordedEpisode, options: PlayOptions): Promise<void> {
  const { output } = options;
  const stop = new AbortController();
  const abort = () => stop.abort();
  const signals = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  // Who sends these wants to see in the exit code that they were heard; Ctrl-C is the usual way to leave.
  const end = (name: NodeJS.Signals) => {
    process.exitCode = 128 + constants.signals[name];
    abort();
  };
  process.on("SIGINT", abort);
  process.on("SIGTERM", end);
  process.on("SIGHUP", end);
  try {
    if (output.isTTY) return await playOnScreen(episode, options, signals);
    for (let t = 0; t < episode.steps.length && !signals.aborted; t++) {
      output.write(`${renderStep(episode, t, { columns: plainColumns, color: false })}\n\n`);
      await new Promise(setImmediate); // lets Ctrl-C and a closed pipe be heard
    }
  } finally {
    process.off("SIGINT", abort);
    process.off("SIGTERM", end);
    process.off("SIGHUP", end);
  }
}
