import { totalmem } from "node:os";
import type { TransitionSpec } from "../agent.js";
import type { EnvironmentSpec } from "../environment.js";
import { BatonError } from "../errors.js";
import { Lane } from "./lane.js";
import { type Column, columnsOf, replayBytes } from "./layout.js";

export interface ReplayOptions {
  /** E, environment copies that write; the capacity is split evenly between them. */
  readonly lanes: number;
  /** Time steps that are kept in all. */
  readonly capacity: number;
  /** Bytes that the replay may occupy; the default is 80 % of the machine's (or container's) memory. */
  readonly memoryLimit?: number;
}

/** The machine's memory or the container's limit, in bytes. */
function machineMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

const gigabytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(2)} GiB`;

/**
 * A replay of time steps in typed arrays. Each environment copy writes into a lane of its own, in the order of time, so an
 * observation is stored once and serves as the next one of the steps before it. An episode's last time step is stored too: a
 * truncated episode is bootstrapped from what was really seen.
 *
 * Per vector step, for every copy:
 *
 * @example
 * replay.lanes[copy].decide(step, copy, actions); // before the environment overwrites `step`
 * await environment.step(actions, step);
 * replay.lanes[copy].conclude(step, copy); // reward, end of episode, and the last time step where an episode ended
 */
export class ReplayBuffer {
  readonly spec: EnvironmentSpec;
  readonly transition: TransitionSpec;
  /** Rows that each lane keeps. */
  readonly rowsPerLane: number;
  readonly layout: readonly Column[];
  readonly lanes: readonly Lane[];

  /** @throws BatonError "invalid-value" when the capacity is too small or needs more memory than there is. */
  constructor(spec: EnvironmentSpec, transition: TransitionSpec, options: ReplayOptions) {
    const { lanes, capacity } = options;
    this.spec = spec;
    this.transition = transition;
    this.rowsPerLane = Math.floor(capacity / lanes);
    const fewest = transition.nStep + 1;
    if (!(this.rowsPerLane >= fewest)) {
      throw new BatonError(
        "invalid-value",
        `replay capacity ${capacity} leaves ${this.rowsPerLane} time steps for each of ${lanes} environment copies; ` +
          `${transition.nStep}-step returns need ${fewest}`,
        {
          hint: `set the capacity to at least ${lanes * fewest}, better to many episodes (one has up to ${spec.episodeLimit} steps)`,
        },
      );
    }
    const bytes = replayBytes(spec, transition.fields, lanes * this.rowsPerLane);
    const limit = options.memoryLimit ?? 0.8 * machineMemory();
    const tooLarge = (cause?: unknown) =>
      new BatonError(
        "invalid-value",
        `replay capacity ${capacity} needs ${gigabytes(bytes)} of memory for ${spec.id}, ${gigabytes(limit)} may be used`,
        { hint: `set the capacity to at most ${Math.floor((capacity * limit) / bytes)} time steps`, cause },
      );
    if (bytes > limit) throw tooLarge();
    this.layout = columnsOf(spec, transition.fields);
    try {
      this.lanes = Array.from({ length: lanes }, () => new Lane(this.layout, this.rowsPerLane));
    } catch (error) {
      if (error instanceof RangeError) throw tooLarge(error);
      throw error;
    }
  }

  /** Time steps held. */
  get rows(): number {
    return this.lanes.reduce((sum, lane) => sum + lane.end - lane.begin, 0);
  }

  /** n-step transitions that can be sampled: rows with actions whose whole window is known. */
  get transitions(): number {
    const { nStep } = this.transition;
    return this.lanes.reduce((sum, lane) => sum + Math.max(0, lane.windowEnd(nStep) - lane.begin - lane.boundaries), 0);
  }
}
