/**
 * The agent contract: an algorithm is a set of pure functions over trees of tensors. Because they are pure, the same code runs
 * eagerly on any tfjs backend or compiled into one graph. Randomness comes in as arguments, drawn on the host from seeded streams.
 *
 * Axes: `B` batch, `E` environment copies, `n` agents, `N` entities, `A` actions.
 *
 * @module
 */
import type { Tensor } from "@tensorflow/tfjs";
import type { z } from "zod";
import type { EnvironmentSpec, TimeStepField } from "./environment.js";
import type { RandomStream } from "./tensor/random.js";
import type { HostTree, TensorTree } from "./tensor/tree.js";

/** Time-step arrays as tensors: those fields that the agent asked for, each with a leading axis E or B. Masks are bool, targets int32. */
export type StepTensors = { readonly [F in TimeStepField]: Tensor };

/** A batch of n-step transitions for `update`. */
export type BatchTensors = {
  /** Time step t. */
  readonly now: StepTensors;
  /** Time step t+k, k ≤ nStep. */
  readonly next: StepTensors;
  /** [B, n] int32, taken at t. */
  readonly actions: Tensor;
  /** [B] Σ_{i<k} γ^i r_{t+i} */
  readonly returns: Tensor;
  /** [B] γ^k, or 0 when the episode terminated within the window. */
  readonly discounts: Tensor;
  /** [B] weight of each transition in the loss; only with prioritised replay. */
  readonly weights?: Tensor;
};

/** What `act` returns; every field has a leading axis E. */
export type ActTensors = {
  /** [E, n] int32 */
  readonly actions: Tensor;
  /** [E, n, A] value of each action at the moment its agent decided; unavailable ones −1e9. */
  readonly values: Tensor;
  /** [E, n] int32: `order[e, p]` is the agent that decided at position p. Simultaneous deciders give 0 … n−1. */
  readonly order: Tensor;
  /** What is remembered for the next step, like {@link Agent.memory}; only of agents that remember. */
  readonly memory?: TensorTree;
};

/** A batch of windows of consecutive steps in which a teacher has chosen, for `update` of an agent that imitates. */
export type WindowTensors = {
  /** [B, W, n, O] */
  readonly observations: Tensor;
  /** [B, W, n] int32 what was done one step before: 0 = nothing yet, a+1. */
  readonly previous: Tensor;
  /** [B, W, n, A] bool */
  readonly actionMask: Tensor;
  /** [B, W, n] int32 what the teacher would do. */
  readonly labels: Tensor;
  /** [B, W] bool: the step belongs to the episode of the last one. */
  readonly valid: Tensor;
};

/** Scalars worth a curve: loss, gradient norm, mean Q, …. */
export type MetricTensors = { readonly [name: string]: Tensor };

/** Which part of the experience an agent learns from. */
export interface TransitionSpec {
  /** Time-step fields that `act` and `update` read; nothing else is stored. */
  readonly fields: readonly TimeStepField[];
  /** K, the most steps of reward that a transition sums. */
  readonly nStep: number;
  /** γ per environment step. */
  readonly gamma: number;
  /** Transitions on which the learner erred more are drawn more often; without it all are alike. */
  readonly priority?: PrioritySpec;
}

/** Prioritised replay (Schaul et al., 2016). */
export interface PrioritySpec {
  /** α: probabilities are proportional to |error|^α. */
  readonly exponent: number;
  /** β at the start: weights in the loss are probability^−β. It grows in a straight line to 1, full correction. */
  readonly correction: number;
  /** Updates after which β is 1. */
  readonly correctionUpdates: number;
}

/** What `update` returns. */
export type Updated = { state: TensorTree; metrics: MetricTensors; errors?: Tensor };

/** A random choice that an agent keeps to for `left` more steps, drawn from `seed`; plain JSON. */
export interface LastingChoice {
  seed: number;
  left: number;
}

/** An algorithm made for one environment's sizes. */
export interface Agent {
  readonly transition: TransitionSpec;
  /** Transitions in each batch given to `update`. */
  readonly batchSize: number;
  /**
   * The learner's whole state (parameters, target, optimiser moments, step counter), freshly initialised, or starting from the parameters
   * of `policy` (what {@link policy} returns).
   */
  init(rng: RandomStream, policy?: HostTree): HostTree;
  /** The part of the learner's state that `act` needs. */
  policy(state: HostTree): HostTree;
  /** Paths of the policy's matrices [S, …] that have a row for each entity feature; none where weights fit their own features only. */
  readonly featureRows?: readonly string[];
  /** Probability of a random action after so many environment steps, in [0, 1]. */
  explorationRate(environmentSteps: number): number;
  /**
   * Random numbers for one call of `act` over `copies` environments; at rate 0 the choice is greedy and deterministic. `lasting` [E][n]
   * are the random choices that the episodes' agents keep to: those whose time has come are made anew, in place. Without it none lasts.
   */
  drawExploration(rng: RandomStream, rate: number, copies: number, lasting?: readonly LastingChoice[][]): HostTree;
  /** Random numbers for one call of `update`. */
  drawUpdate(rng: RandomStream): HostTree;
  /**
   * What E copies remember at the start of an episode, leading axis E; absent when only the present step counts. `previous` [E, n] int32, if
   * there, is the action before (0 = none, a+1): whoever lets another act corrects it.
   */
  memory?(copies: number): HostTree;
  /** The agent learns windows of a teacher's decisions ({@link WindowTensors}) of so many steps, not transitions. */
  readonly imitates?: { readonly window: number };
  /** Chooses for E copies at once. Pure. */
  act(policy: TensorTree, step: StepTensors, exploration: TensorTree, memory?: TensorTree): ActTensors;
  /**
   * For the viewer: [E, n, A] what each agent would value its actions at had nobody chosen before it; unavailable ones −1e9. Only
   * agents that are conditioned on others' choices have it. Pure.
   */
  priorValues?(policy: TensorTree, step: StepTensors): Tensor;
  /** One gradient step. Pure. With prioritised replay it also tells the error on each transition, `errors` [B]. */
  update(state: TensorTree, batch: BatchTensors, random: TensorTree): Updated;
}

/** A plug-in: one folder under agents/ each, with the same file names in each. */
export interface AgentFamily<Settings = Record<string, unknown>> {
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** Settings that `--set agent.key=value` reaches; every field has a default and a `.describe()`d sentence with its unit. */
  readonly settings: z.ZodType<Settings>;
  create(spec: EnvironmentSpec, settings: Settings): Agent;
}
