import type { Agent } from "../agent.js";
import type { VectorEnvironment, VectorTimeStep } from "../environment.js";
import { sliceOf } from "../environments/timestep.js";
import type { Device } from "../tensor/device.js";
import type { HostTree } from "../tensor/tree.js";
import { Actor } from "./policy.js";
import type { TimeBudget } from "./time-budget.js";

/** What a group has been asked for. */
export type Phase =
  /** Nothing: it stands at time steps at which somebody must choose. */
  "idle" | "step" | "reset";

/** Copies that play together, as the collector sees them. */
export class Group {
  phase: Phase = "idle";
  /** Copies that are being reset, counted within the group. */
  resetting: readonly number[] = [];
  /** [E, n] the last actions of these copies. */
  readonly actions: Int32Array;
  #arrived = false;
  #error: unknown;
  #pending: Promise<void> = Promise.resolve();

  private constructor(
    readonly environment: VectorEnvironment,
    /** Number of its first copy among all. */
    readonly first: number,
    readonly step: VectorTimeStep,
    readonly actor: Actor,
    readonly budget: TimeBudget,
  ) {
    this.actions = new Int32Array(environment.copies * environment.spec.agents);
  }

  /** The groups of an environment, over the rows of one time step of all of its copies. */
  static async all(
    environment: VectorEnvironment,
    step: VectorTimeStep,
    parts: { device: Device; agent: Agent; policy: HostTree; budget: TimeBudget },
  ): Promise<Group[]> {
    const { device, agent, policy, budget } = parts;
    const actors = new Map<number, Actor>();
    const groups: Group[] = [];
    let first = 0;
    for (const part of environment.groups ?? [environment]) {
      const { copies, spec } = part;
      const rows = copies === environment.copies ? step : sliceOf(step, first, copies);
      const sameSize = actors.get(copies);
      const actor = sameSize?.on(rows) ?? (await Actor.create(device, agent, spec, policy, rows));
      if (!sameSize) actors.set(copies, actor);
      groups.push(new Group(part, first, rows, actor, budget));
      first += copies;
    }
    return groups;
  }

  /** The answer to what was asked last is there. */
  get arrived(): boolean {
    return this.phase !== "idle" && this.#arrived;
  }

  /** Sends every copy on its step. */
  play(): void {
    this.#ask("step", () => this.environment.step(this.actions, this.step));
  }

  begin(copies: readonly number[], seeds: readonly number[]): void {
    this.resetting = copies;
    this.#ask("reset", () => this.environment.reset(copies, seeds, this.step));
  }

  /** Until {@link arrived}; never rejects. */
  untilArrived(): Promise<void> {
    return this.#pending;
  }

  /** What was asked has been dealt with. Returns what went wrong. */
  take(): unknown {
    this.phase = "idle";
    return this.#error;
  }

  #ask(phase: Phase, ask: () => void | Promise<void>): void {
    this.phase = phase;
    this.#arrived = false;
    this.#error = undefined;
    this.#pending = Promise.resolve()
      // simulators in this thread play at once; others only take the message
      .then(() => this.budget.book("collect", ask))
      .catch((error: unknown) => {
        this.#error = error;
      })
      .then(() => {
        this.#arrived = true;
      });
  }
}
