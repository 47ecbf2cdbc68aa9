/** Plays episodes and writes them down. Episode k depends on the recording's seed and on k alone, however many copies play. */
import { setImmediate } from "node:timers/promises";
import type { VectorEnvironment, VectorTimeStep } from "../environment.js";
import { orLost } from "../environments/lost.js";
import { randomLegalAction } from "../environments/player.js";
import { allocateVectorTimeStep, viewOf } from "../environments/timestep.js";
import type { Column } from "../replay/layout.js";
import { RandomStream } from "../tensor/random.js";
import type { RecordedPolicy } from "./format.js";
import type { Player, PlayerSource } from "./policies.js";
import { GrowingRows } from "./rows.js";
import type { EpisodeRows } from "./writer.js";

export interface RecorderParts {
  readonly environment: VectorEnvironment;
  readonly players: readonly PlayerSource[];
  /** What is written of each row. */
  readonly columns: readonly Column[];
  readonly seed: number;
  /** First episode, and one past the last. */
  readonly from: number;
  readonly to: number;
  /** Takes the episodes in the order of their numbers. */
  readonly write: (episode: EpisodeRows) => void;
  /** Called when steps were played. */
  readonly onStep?: () => void;
}

/** One copy's episode. */
interface Running {
  readonly number: number;
  readonly seed: number;
  readonly policy: number;
  readonly rng: RandomStream;
  readonly rows: GrowingRows;
  return: number;
}

/** Who plays an episode, by the weights; `at` is uniform in [0, 1). */
export function policyAt(policies: readonly RecordedPolicy[], at: number): number {
  const total = policies.reduce((sum, { weight }) => sum + weight, 0);
  let passed = 0;
  for (const [p, { weight }] of policies.entries()) {
    passed += weight / total;
    if (at < passed) return p;
  }
  return policies.length - 1;
}

/** Records until `to` or `signal`: then what is whole and in order has been written, and the rest is played anew another time. */
export async function recordEpisodes(parts: RecorderParts, signal?: AbortSignal): Promise<void> {
  if (parts.from >= parts.to) return;
  const { environment } = parts;
  const step = allocateVectorTimeStep(environment.spec, environment.copies, environment.fields);
  const views = Array.from({ length: environment.copies }, (_, copy) => viewOf(step, copy));
  const players: Player[] = [];
  try {
    for (const source of parts.players) players.push(await source.open(step, views));
    await new Recorder(parts, step, players).run(signal);
  } finally {
    for (const player of players) player.dispose();
  }
}

class Recorder {
  /** What each copy plays; beyond the last episode a copy plays on unseen. */
  readonly #running: Running[] = [];
  readonly #actions: Int32Array;
  readonly #policies: readonly RecordedPolicy[];
  /** Whole episodes that wait for one with a lower number. */
  readonly #waiting = new Map<number, EpisodeRows>();
  #next: number;
  #written: number;

  constructor(
    private readonly parts: RecorderParts,
    private readonly step: VectorTimeStep,
    private readonly players: readonly Player[],
  ) {
    const { environment, from } = parts;
    this.#actions = new Int32Array(environment.copies * environment.spec.agents);
    this.#policies = parts.players.map(({ policy }) => policy);
    this.#next = from;
    this.#written = from;
  }

  async run(signal?: AbortSignal): Promise<void> {
    const { environment, to, onStep } = this.parts;
    const all = Array.from({ length: environment.copies }, (_, copy) => copy);
    await this.#begin(all);
    while (this.#written < to && !signal?.aborted) {
      await this.#choose();
      for (const copy of all) this.#running[copy]!.rows.see(this.step, copy, this.#actionsOf(copy));
      if (await orLost(() => environment.step(this.#actions, this.step))) {
        await this.#begin(all, true);
        continue;
      }
      const ended = all.filter((copy) => this.#conclude(copy));
      this.#write();
      if (ended.length > 0 && this.#written < to) await this.#begin(ended);
      onStep?.();
      // embedded simulators and scripted policies never wait for anything: let Ctrl-C be heard
      await setImmediate();
    }
  }

  #actionsOf(copy: number): Int32Array {
    const { agents } = this.parts.environment.spec;
    return this.#actions.subarray(copy * agents, (copy + 1) * agents);
  }

  /** Begins the next episodes, or, where simulators broke, the same ones once more. */
  async #begin(copies: readonly number[], again = false): Promise<void> {
    for (const copy of copies) this.#running[copy] = this.#episode(again ? this.#running[copy]!.number : this.#next++);
    this.players.forEach((player, p) => {
      player.begin(copies.filter((copy) => this.#running[copy]!.policy === p));
    });
    const seeds = copies.map((copy) => this.#running[copy]!.seed);
    if (!(await orLost(() => this.parts.environment.reset(copies, seeds, this.step)))) return;
    await this.#begin(
      this.#running.map((_, copy) => copy),
      true,
    );
  }

  #episode(number: number): Running {
    const rng = RandomStream.from(this.parts.seed, `recorded episode ${number}`);
    const seed = rng.uint32();
    const policy = policyAt(this.#policies, rng.uniform());
    return { number, seed, policy, rng, rows: new GrowingRows(this.parts.columns), return: 0 };
  }

  async #choose(): Promise<void> {
    const streams = this.#running.map(({ rng }) => rng);
    for (const [p, player] of this.players.entries()) {
      const copies = this.#running.flatMap(({ policy }, copy) => (policy === p ? [copy] : []));
      if (copies.length > 0) await player.choose(copies, streams, this.#actions);
    }
    const { agents: n, actions: A } = this.parts.environment.spec;
    this.#running.forEach(({ policy, rng }, copy) => {
      const { epsilon } = this.#policies[policy]!;
      for (let i = copy * n; epsilon > 0 && i < (copy + 1) * n; i++) {
        if (rng.uniform() < epsilon) this.#actions[i] = randomLegalAction(this.step.actionMask, i * A, A, rng);
      }
    });
    for (const player of this.players) player.did(this.#actions);
  }

  /** Writes down what a copy's step brought. Says whether its episode ended. */
  #conclude(copy: number): boolean {
    const { step } = this;
    const running = this.#running[copy]!;
    running.rows.conclude(step, copy);
    running.return += step.reward[copy]!;
    if (!step.terminated[copy] && !step.truncated[copy]) return false;
    if (running.number >= this.parts.to) return true;
    running.rows.see(step, copy, null);
    const { seed, policy, rows, return: sum } = running;
    const facts = { seed, policy, rows: rows.rows, won: step.infos[copy]!.won === true, return: sum };
    this.#waiting.set(running.number, { facts, columns: rows.take() });
    return true;
  }

  #write(): void {
    for (let next = this.#waiting.get(this.#written); next; next = this.#waiting.get(this.#written)) {
      this.#waiting.delete(this.#written);
      this.#written += 1;
      this.parts.write(next);
    }
  }
}
