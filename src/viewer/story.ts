/**
 * What a recorded episode tells at one step: who chose what, in which order, and what else could have been chosen.
 * Pure and free of Node, because the web page and the terminal both read it.
 *
 * @module
 */
import type { Frame } from "../environment.js";
import type { RecordedEpisode, RecordedStep } from "../runs/episodes.js";

/** What one agent chose, in the place where it decided. */
export interface Choice {
  /** p, counted from 0. */
  readonly position: number;
  readonly agent: number;
  readonly action: number;
  /** The action for people, its target resolved: `attack marine 4`. */
  readonly name: string;
  /** Q of the chosen action at that moment. */
  readonly value: number;
  /** Q of the chosen action minus the best other available one; null when nothing else was available. */
  readonly margin: number | null;
  readonly alive: boolean;
}

/** One action that an agent had, or lacked, when it decided. */
export interface Option {
  readonly action: number;
  readonly name: string;
  readonly available: boolean;
  readonly chosen: boolean;
  /** Q; meaningless when not available. */
  readonly value: number;
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
    const others = options.filter((option) => option.available && !option.chosen).map((option) => option.value);
    const { name, value } = options[action]!;
    const margin = others.length > 0 ? value - Math.max(...others) : null;
    return { position, agent, action, name, value, margin, alive: step.alive[agent] === 1 };
  });
}

/** All A actions of one agent at step `t`, with their Q-values at the moment it decided; empty at the last step. */
export function optionsAt(episode: RecordedEpisode, t: number, agent: number): Option[] {
  const step = episode.steps[t]!;
  const { decision } = step;
  if (!decision) return [];
  const width = episode.spec.actions;
  return Array.from({ length: width }, (_, action) => ({
    action,
    name: actionName(episode, step, agent, action),
    available: decision.mask[agent * width + action] === 1,
    chosen: decision.actions[agent] === action,
    value: decision.values[agent * width + action]!,
  }));
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
