/**
 * What a recorded episode tells at one step: who chose what, in which order, and what else could have been chosen.
 * Pure and free of Node, because the web page and the terminal both read it.
 *
 * @module
 */
import type { Frame, FrameEvent } from "../environment.js";
import type { RecordedEpisode, RecordedStep } from "../runs/episodes.js";

/** What one agent chose, in the place where it decided. */
export interface Choice {
  /** p, counted from 0. */
  readonly position: number;
  readonly agent: number;
  readonly action: number;
  /** The action for people, its target resolved: `attack marine 4`. */
  readonly name: string;
  /** Q of the chosen action at that moment; null when the policy values nothing. */
  readonly value: number | null;
  /** Q of the chosen action minus the best other available one; null when nothing else was available, or nothing is valued. */
  readonly margin: number | null;
  /** What the agent would have valued before anybody had chosen; null where that is not known. */
  readonly prior: Prior | null;
  readonly alive: boolean;
}

/** An agent's view before its predecessors chose. */
export interface Prior {
  /** Q of the action that it chose in the end. */
  readonly value: number;
  /** The action that looked best then, for people. */
  readonly name: string;
  /** Whether that is another than the chosen one: the predecessors' choices changed this agent's mind. */
  readonly changed: boolean;
}

/** One action that an agent had, or lacked, when it decided. */
export interface Option {
  readonly action: number;
  readonly name: string;
  readonly available: boolean;
  readonly chosen: boolean;
  /** Q; null when not available or not valued. */
  readonly value: number | null;
  /** Q before anybody had chosen; null when not available or not known. */
  readonly prior: number | null;
}

/** What an agent is about to do, to be drawn: act on an entity, or walk in a direction (y grows upwards). */
export type Intent =
  | { readonly agent: number; readonly kind: "target"; readonly target: number }
  | { readonly agent: number; readonly kind: "move"; readonly dx: number; readonly dy: number };

const directions: Readonly<Record<string, readonly [number, number]>> = {
  north: [0, 1],
  south: [0, -1],
  east: [1, 0],
  west: [-1, 0],
};

/** A name for entity `index`: its type and number, or `agent 2` / `entity 7` in a world that is not drawn. */
export function entityName(frame: Frame | null, agents: number, index: number): string {
  const unit = frame?.units[index];
  if (unit) return `${unit.type} ${index}`;
  return index < agents ? `agent ${index}` : `entity ${index}`;
}

/** The entity that `action` of `agent` acts on at this step, −1 when it has none. */
export function targetOf(episode: RecordedEpisode, step: RecordedStep, agent: number, action: number): number {
  const { actions, untargetedActions } = episode.spec;
  const slot = action - untargetedActions;
  if (slot < 0 || !step.decision) return -1;
  return step.decision.targets[agent * (actions - untargetedActions) + slot] ?? -1;
}

/** A name for `action` as `agent` had it at this step. `target 1` becomes `attack marine 4`, or `heal …` for a team-mate. */
export function actionName(episode: RecordedEpisode, step: RecordedStep, agent: number, action: number): string {
  const name = episode.spec.actionNames[action] ?? `action ${action}`;
  const target = targetOf(episode, step, agent, action);
  if (target < 0) return name;
  const units = step.frame?.units;
  let verb = name.replace(/\s*\d+$/, "") || "target";
  if (verb === "target" && units?.[target]) verb = units[target].team === units[agent]?.team ? "heal" : "attack";
  return `${verb} ${entityName(step.frame, episode.spec.agents, target)}`;
}

/** The choices of step `t` in the order of deciding; empty at the last step, where nobody decides any more. */
export function choicesAt(episode: RecordedEpisode, t: number): Choice[] {
  const step = episode.steps[t]!;
  if (!step.decision) return [];
  const { actions, order } = step.decision;
  return Array.from(order, (agent, position) => {
    const action = actions[agent]!;
    const options = optionsAt(episode, t, agent);
    const others = options.flatMap((option) => (option.chosen || option.value === null ? [] : [option.value]));
    const { name, value } = options[action]!;
    const margin = value !== null && others.length > 0 ? value - Math.max(...others) : null;
    return { position, agent, action, name, value, margin, prior: priorOf(options, action), alive: step.alive[agent] === 1 };
  });
}

function priorOf(options: readonly Option[], chosen: number): Prior | null {
  const value = options[chosen]!.prior;
  if (value === null) return null;
  const best = options.reduce((a, b) => ((b.prior ?? Number.NEGATIVE_INFINITY) > (a.prior ?? Number.NEGATIVE_INFINITY) ? b : a));
  // as good as the best is no change of mind
  return { value, name: best.name, changed: best.prior! > value };
}

/** All A actions of one agent at step `t`, with their Q-values at the moment it decided; empty at the last step. */
export function optionsAt(episode: RecordedEpisode, t: number, agent: number): Option[] {
  const step = episode.steps[t]!;
  const { decision } = step;
  if (!decision) return [];
  const width = episode.spec.actions;
  return Array.from({ length: width }, (_, action) => {
    const at = agent * width + action;
    const available = decision.mask[at] === 1;
    return {
      action,
      name: actionName(episode, step, agent, action),
      available,
      chosen: decision.actions[agent] === action,
      value: available ? (decision.values?.[at] ?? null) : null,
      prior: available ? (decision.priorValues?.[at] ?? null) : null,
    };
  });
}

/** Whether the agents of an episode value their actions. */
export function isValued(episode: RecordedEpisode): boolean {
  return episode.steps.some(({ decision }) => decision !== null && decision.values !== null);
}

/** Whether an episode tells what agents valued before anybody had chosen. */
export function hasPriors(episode: RecordedEpisode): boolean {
  return episode.steps.some(({ decision }) => decision?.priorValues !== undefined);
}

/** What happens between steps `t` and `t`+1, to be drawn. */
export function eventsAfter(episode: RecordedEpisode, t: number): readonly FrameEvent[] {
  return episode.steps[t + 1]?.frame?.events ?? [];
}

/** What living agents are about to do at step `t`, as far as it can be drawn. */
export function intentsAt(episode: RecordedEpisode, t: number): Intent[] {
  const step = episode.steps[t]!;
  if (!step.decision) return [];
  const intents: Intent[] = [];
  step.decision.actions.forEach((action, agent) => {
    if (step.alive[agent] !== 1) return;
    const target = targetOf(episode, step, agent, action);
    const direction = directions[episode.spec.actionNames[action] ?? ""];
    if (target >= 0) intents.push({ agent, kind: "target", target });
    else if (direction) intents.push({ agent, kind: "move", dx: direction[0], dy: direction[1] });
  });
  return intents;
}

/** [T] Sum of the rewards up to and including each step. */
export function returnsOf(episode: RecordedEpisode): number[] {
  let sum = 0;
  return episode.steps.map((step) => {
    sum += step.reward;
    return sum;
  });
}

/** The least and the greatest of some values and 0. In a loop, because a function takes no more than some 10⁵ arguments. */
export function spanOf(values: readonly number[]): readonly [low: number, high: number] {
  let [low, high] = [0, 0];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [low, high];
}

/** A rectangle in world units. */
export interface Bounds {
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
  readonly top: number;
}

/**
 * The smallest rectangle that holds every living unit of the whole episode, with a margin, at least `minimumSpan` world units
 * on each side, so that the camera stands still. Null when the episode has no picture.
 */
export function boundsOf(episode: RecordedEpisode, minimumSpan = 8): Bounds | null {
  let [left, bottom, right, top, margin] = [Infinity, Infinity, -Infinity, -Infinity, 0];
  for (const { frame } of episode.steps) {
    for (const unit of frame?.units ?? []) {
      if (!unit.alive) continue;
      left = Math.min(left, unit.x);
      right = Math.max(right, unit.x);
      bottom = Math.min(bottom, unit.y);
      top = Math.max(top, unit.y);
      margin = Math.max(margin, 2.5 * unit.radius);
    }
  }
  if (left > right) return null;
  const padX = margin + Math.max(0, minimumSpan - (right - left) - 2 * margin) / 2;
  const padY = margin + Math.max(0, minimumSpan - (top - bottom) - 2 * margin) / 2;
  return { left: left - padX, bottom: bottom - padY, right: right + padX, top: top + padY };
}
