/**
 * The environment contract: a cooperative team of `n` agents among `N` entities. Entities 0 … n−1 are the agents.
 *
 * Axes: `E` environment copies, `n` agents, `N` entities, `A` actions, `U` actions without a target, `S`/`R` entity/relation
 * features, `O` observation, `G` state.
 *
 * @module
 */
import type { z } from "zod";
import type { RandomStream } from "./tensor/random.js";

/** Sizes and names of an environment; constant over its life. */
export interface EnvironmentSpec {
  /** For example `skirmish/3m`. */
  readonly id: string;
  /** n, the agents that act. */
  readonly agents: number;
  /** N ≥ n, everything that agents can see or act upon; the agents come first. */
  readonly entities: number;
  /** A, the actions of each agent, numbered 0 … A−1. */
  readonly actions: number;
  /**
   * U: actions 0 … U−1 act on nobody in particular (stop, move, …); action U+k acts on the entity in `actionTargets[·, k]`
   * (attack it, heal it, pass to it). An environment without targets has U = A.
   */
  readonly untargetedActions: number;
  /** S, features of each entity. */
  readonly entityFeatures: number;
  /** R, features of each ordered pair of entities; 0 when there are none. */
  readonly relationFeatures: number;
  /** O, size of each agent's own observation. */
  readonly observationSize: number;
  /** G, size of the global state. */
  readonly stateSize: number;
  /** Steps after which an episode is cut off (truncated). */
  readonly episodeLimit: number;
  /** A names for people, e.g. `stop`, `north`, `target 0`. */
  readonly actionNames: readonly string[];
  /** Columns of `entities` that change with the play and that a model may be asked to predict (ACE's auxiliary loss); may be empty. */
  readonly predictedFeatures: readonly number[];
  /** Where entity features tell types apart, one-hot: weights carry to environments of other types by these names. */
  readonly entityTypes?: EntityTypes;
  /** The thing that one agent at a time may hold, like a ball, where there is one: untargeted actions of its holder act upon it. */
  readonly heldEntity?: HeldEntity;
}

/** See {@link EnvironmentSpec.entityTypes}. */
export interface EntityTypes {
  /** Column of `entities` of the first type; the others follow. */
  readonly first: number;
  readonly names: readonly string[];
}

/** See {@link EnvironmentSpec.heldEntity}. */
export interface HeldEntity {
  /** Its number among the entities. */
  readonly entity: number;
  /** Column of `entities` that is above 0 for the agent that holds it. */
  readonly holderFeature: number;
}

/** What an author may leave out of the spec: `completeEnvironment` derives it. */
export type EnvironmentSpecInput = Pick<EnvironmentSpec, "id" | "agents" | "actions" | "episodeLimit"> & Partial<EnvironmentSpec>;

/** Facts about the step for people and metrics; `won` is what win rates count. */
export type EpisodeInfo = { won?: boolean; [key: string]: number | boolean | string | undefined };

/**
 * One time step, in arrays that the caller owns and the environment writes into. Arrays come zeroed, `alive` and `actionMask`
 * all 1, `actionTargets` all −1; an environment rewrites what changes. Row-major, axes in brackets.
 */
export interface TimeStep {
  /** [N, S] */
  readonly entities: Float32Array;
  /** [N, N, R]: row i, column j describes j as seen from i. */
  readonly relations: Float32Array;
  /** [N] 1 = takes part, 0 = dead or absent. */
  readonly alive: Uint8Array;
  /** [n, A] 1 = may be chosen. Every agent has at least one; a dead agent has exactly one (its no-op). */
  readonly actionMask: Uint8Array;
  /** [n, A−U] entity that action U+k of this agent acts on, −1 when there is none (then the action is masked). */
  readonly actionTargets: Int32Array;
  /** [n, O] what each agent itself can see. */
  readonly observations: Float32Array;
  /** [G] what an all-seeing trainer can see. */
  readonly state: Float32Array;
  /** The team's reward for the step that led here. */
  reward: number;
  /** The episode ended by its own rules: no value follows. */
  terminated: boolean;
  /** The episode was cut off (time limit): the future would have had a value. */
  truncated: boolean;
  info: EpisodeInfo;
}

/** Names of the array fields of a {@link TimeStep}. */
export const timeStepFields = ["entities", "relations", "alive", "actionMask", "actionTargets", "observations", "state"] as const;
export type TimeStepField = (typeof timeStepFields)[number];

/**
 * One simulated episode at a time. This is what an author writes; everything random must come from the seed given to `reset`.
 *
 * @example
 * // my-env.ts: `baton train --env ./my-env.ts`
 * export default (): Environment => {
 *   let t = 0;
 *   return {
 *     spec: { id: "lights", agents: 2, actions: 2, observationSize: 1, episodeLimit: 5 },
 *     reset(_seed, out) { t = 0; out.observations.fill(0); },
 *     step(actions, out) {
 *       t += 1;
 *       out.observations.fill(t / 5);
 *       out.reward = actions[0] === actions[1] ? 1 : 0;
 *       out.terminated = t === 5;
 *     },
 *   };
 * };
 */
export interface Environment {
  readonly spec: EnvironmentSpecInput;
  /** Fields that cost time to write and can be left out: where the array of one is empty (length 0), nobody reads it and it is not written. */
  readonly skips?: readonly TimeStepField[];
  /** Starts an episode and writes its first time step. The same seed gives the same episode for the same actions. */
  reset(seed: number, out: TimeStep): void;
  /** Plays one step of the team. `actions` [n]; only legal actions are given. Must not be called after the episode ended. */
  step(actions: Int32Array, out: TimeStep): void;
  /** What the viewer draws now; without it the viewer shows tables only. */
  frame?(): Frame;
  close?(): void;
}

/** An {@link Environment} whose spec is whole and whose arrays are all written. */
export interface CompleteEnvironment extends Environment {
  readonly spec: EnvironmentSpec;
}

/** A picture of the world: positions in world units, y grows upwards. */
export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly units: readonly FrameUnit[];
  /** The ground, drawn with the characters of {@link groundKinds}: equally long rows that fill the world, the north first. */
  readonly ground?: readonly string[];
  /** What happened in the step that led here, in the order of time. */
  readonly events?: readonly FrameEvent[];
}

/** The characters of {@link Frame.ground}. */
export const groundKinds = { ".": "ground", "^": "high ground", "/": "ramp", "~": "cliff", "#": "wall" } as const;

/** Something to be drawn between two frames. Units by their place in {@link Frame.units}; `at` from 0 to 1 within the step. */
export type FrameEvent =
  /** A blow of `from` reached `to`, or life that it gave: hit points. */
  | { readonly kind: "shot" | "heal"; readonly at: number; readonly from: number; readonly to: number; readonly amount: number }
  /** Everybody within a circle was hurt. */
  | { readonly kind: "splash"; readonly at: number; readonly x: number; readonly y: number; readonly radius: number }
  | { readonly kind: "death"; readonly at: number; readonly unit: number };

/** One drawn unit; the agents come first, in order. */
export interface FrameUnit {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  /** 0 = the team, 1 = the enemy, 2 = neutral. */
  readonly team: number;
  /** Type for people, e.g. `marine`. */
  readonly type: string;
  readonly alive: boolean;
  readonly health: number;
  readonly healthMax: number;
  readonly shield: number;
  readonly shieldMax: number;
  /** What a healer has left to give. */
  readonly energy?: number;
  readonly energyMax?: number;
  /** How far it sees, in world units from its centre. */
  readonly sight?: number;
  readonly flying?: boolean;
}

/** Several copies stepped together; every array of {@link TimeStep} with a leading axis E. */
export interface VectorTimeStep extends Pick<TimeStep, TimeStepField> {
  /** [E] */
  readonly reward: Float32Array;
  /** [E] */
  readonly terminated: Uint8Array;
  /** [E] */
  readonly truncated: Uint8Array;
  /** [E] */
  readonly infos: EpisodeInfo[];
}

/**
 * E copies behind one call: embedded simulators are wrapped by `vectorize`, remote ones implement it themselves. It never resets
 * by itself: the collector sees the last time step of an episode, then calls `reset` for that copy. One whose simulators may
 * break and be replaced says so by rejecting with `LostEpisodes` (`src/environments/lost.ts`).
 */
export interface VectorEnvironment {
  readonly spec: EnvironmentSpec;
  /** E */
  readonly copies: number;
  /** The fields that are written; the arrays of others must be empty. All where it is absent. */
  readonly fields?: readonly TimeStepField[];
  /**
   * Parts that may be stepped independently of each other, in the order of their copies; absent when there is only the whole.
   * While a part plays, the others and the whole are not waited for.
   */
  readonly groups?: readonly VectorEnvironment[];
  /** Starts new episodes in the listed copies, `seeds[k]` for `copies[k]`, and writes their rows of `out`. */
  reset(copies: readonly number[], seeds: readonly number[], out: VectorTimeStep): void | Promise<void>;
  /** Plays one step in every copy. `actions` [E, n]. Copies whose episode ended must be reset first. */
  step(actions: Int32Array, out: VectorTimeStep): void | Promise<void>;
  /** What the viewer draws of one copy. */
  frame?(copy: number): Frame | undefined;
  close?(): void | Promise<void>;
}

/**
 * A policy without a network, to tell how hard an environment is: writes a legal action for every agent into `actions` [n].
 * Everything random comes from `rng`, which goes on from step to step.
 */
export type ScriptedPolicy = (step: TimeStep, spec: EnvironmentSpec, actions: Int32Array, rng: RandomStream) => void;

/** A plug-in: a family of environments such as `skirmish/3m`, `skirmish/8m`, …. One folder under envs/ each. */
export interface EnvironmentFamily<Options = Record<string, unknown>> {
  /** The part before the slash. */
  readonly name: string;
  /** One sentence for `baton envs list`. */
  readonly summary: string;
  /** The part after the slash of every member. */
  readonly members: readonly string[];
  /** Options that `--set env.key=value` reaches; every field has a `.describe()`d sentence with its unit. */
  readonly options: z.ZodType<Options>;
  make(member: string, options: Options): Environment;
  /** Scripted policies by name, that play every member; `baton evaluate --policy` and `baton bench policies` know them. */
  readonly policies?: Readonly<Record<string, ScriptedPolicy>>;
}
