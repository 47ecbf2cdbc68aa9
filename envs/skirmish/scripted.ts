/**
 * Scripted policies: plain functions from a time step to actions, to measure how hard a map is. They read only what the
 * environment contract gives them.
 *
 * @module
 */
import type { EnvironmentSpec, ScriptedPolicy, TimeStep } from "../../src/environment.js";
import { directionX, directionY, firstMove } from "./actions.js";

const stop = 1;
/** How near an enemy makes a kiting agent back away, as a share of the world's size: 4 world units. */
const kiteDistance = 4 / 32;
/** About how far a step takes an agent. */
const stride = 1.5 / 32;
const tiny = 1e-6;
const [north, south, east, west] = [firstMove, firstMove + 1, firstMove + 2, firstMove + 3];

/** Any legal action, uniformly. */
export const random: ScriptedPolicy = (step, spec, actions, rng) => {
  for (let i = 0; i < spec.agents; i++) {
    let legal = 0;
    for (let a = 0; a < spec.actions; a++) legal += step.actionMask[i * spec.actions + a];
    let skip = rng.integer(legal);
    let action = 0;
    while (step.actionMask[i * spec.actions + action] === 0 || skip-- > 0) action++;
    actions[i] = action;
  }
};

/** Everyone attacks the nearest enemy in range, else walks towards the nearest enemy; healers mend the weakest. */
export const closest: ScriptedPolicy = (step, spec, actions) => {
  act(step, spec, actions, (i) => best(spec, step, (e) => -distance(step, spec, i, e)));
};

/** Everyone attacks the weakest enemy in their own range, else walks towards the nearest enemy; healers mend the weakest. */
export const weakest: ScriptedPolicy = (step, spec, actions) => fightWeakest(step, spec, actions);

function fightWeakest(step: TimeStep, spec: EnvironmentSpec, actions: Int32Array): void {
  act(step, spec, actions, (i) => {
    const inRange = best(spec, step, (e) =>
      actionOn(step, spec, i, e) >= 0 ? -strength(step, spec, e) : Number.NEGATIVE_INFINITY,
    );
    return inRange >= 0 ? inRange : best(spec, step, (e) => -distance(step, spec, i, e));
  });
}

/**
 * All fire at one enemy: the one that most agents can reach, among those the weakest, among those the nearest to the team. Who cannot reach it
 * attacks the weakest in range; who reaches nobody walks towards the nearest; healers mend the weakest.
 */
export const focusFire: ScriptedPolicy = (step, spec, actions) => {
  const shared = best(spec, step, (e) => {
    let reach = 0;
    let near = 0;
    for (let i = 0; i < spec.agents; i++) {
      if (step.alive[i] === 0) continue;
      if (actionOn(step, spec, i, e) >= 0) reach++;
      near += distance(step, spec, i, e);
    }
    // Lexicographic: strengths are below 10 (hundreds of points), summed distances below 100 (world sizes).
    return reach * 1e4 - strength(step, spec, e) * 1e2 - near;
  });
  fightWeakest(step, spec, actions);
  for (let i = 0; i < spec.agents; i++) {
    const action = actionOn(step, spec, i, shared);
    if (action >= 0) actions[i] = action;
  }
};

/** Focus fire of those who are ready to shoot; while weapons recover, fighters back away from enemies that are near. */
export const kite: ScriptedPolicy = (step, spec, actions, rng) => {
  focusFire(step, spec, actions, rng);
  for (let i = 0; i < spec.agents; i++) {
    if (step.alive[i] === 0 || isHealer(step, spec, i) || feature(step, spec, i, 5) === 0) continue;
    const enemy = best(spec, step, (e) => -distance(step, spec, i, e));
    if (enemy >= 0 && distance(step, spec, i, enemy) < kiteDistance) actions[i] = retreat(step, spec, i);
  }
};

/** SMAC's "alternating fire": of those who can reach an enemy, the farthest from it shoots; the others stand still, so that it comes for the one who does. */
export const alternate: ScriptedPolicy = (step, spec, actions) => {
  const shooters = new Map<number, number>();
  for (let i = 0; i < spec.agents; i++) {
    actions[i] = step.alive[i] === 0 ? 0 : stop;
    if (step.alive[i] === 0) continue;
    const enemy = best(spec, step, (e) =>
      actionOn(step, spec, i, e) >= 0 ? -distance(step, spec, i, e) : Number.NEGATIVE_INFINITY,
    );
    if (enemy < 0) continue;
    const other = shooters.get(enemy);
    if (other === undefined || distance(step, spec, i, enemy) > distance(step, spec, other, enemy)) shooters.set(enemy, i);
  }
  for (const [enemy, i] of shooters) actions[i] = actionOn(step, spec, i, enemy);
};

/** The legal move after which enemies press least: the sum of 1/distance² to each, and to the edge of the world ahead. */
function retreat(step: TimeStep, spec: EnvironmentSpec, i: number): number {
  const x = feature(step, spec, i, 0);
  const y = feature(step, spec, i, 1);
  let found = stop;
  let least = Number.POSITIVE_INFINITY;
  for (let d = 0; d < 4; d++) {
    if (step.actionMask[i * spec.actions + firstMove + d] === 0) continue;
    const toX = x + directionX[d] * stride;
    const toY = y + directionY[d] * stride;
    const ahead = d === 0 ? 1 - toY : d === 1 ? toY : d === 2 ? 1 - toX : toX;
    let pressure = 1 / Math.max(ahead, tiny) ** 2;
    for (let e = spec.agents; e < spec.entities; e++) {
      if (step.alive[e] === 0) continue;
      const dx = feature(step, spec, e, 0) - toX;
      const dy = feature(step, spec, e, 1) - toY;
      pressure += 1 / Math.max(dx * dx + dy * dy, tiny);
    }
    if (pressure < least) [found, least] = [firstMove + d, pressure];
  }
  return found;
}

/** Runs from the nearest enemy and never fights. */
export const flee: ScriptedPolicy = (step, spec, actions) => {
  for (let i = 0; i < spec.agents; i++) {
    const enemy = best(spec, step, (e) => -distance(step, spec, i, e));
    actions[i] = step.alive[i] === 0 ? 0 : enemy < 0 ? stop : walk(step, spec, i, enemy, -1);
  }
};

/** The scripted policies by name. */
export const scriptedPolicies = {
  random,
  closest,
  weakest,
  "focus-fire": focusFire,
  kite,
  alternate,
  flee,
} as const satisfies Record<string, ScriptedPolicy>;

type Choice = (agent: number) => number;

function act(step: TimeStep, spec: EnvironmentSpec, actions: Int32Array, enemyFor: Choice): void {
  for (let i = 0; i < spec.agents; i++) {
    if (step.alive[i] === 0) {
      actions[i] = 0;
      continue;
    }
    const enemy = enemyFor(i);
    const mend = weakestPatient(step, spec, i);
    const strike = actionOn(step, spec, i, enemy);
    if (mend >= 0) actions[i] = actionOn(step, spec, i, mend);
    else if (strike >= 0) actions[i] = strike;
    else actions[i] = enemy < 0 ? stop : walk(step, spec, i, enemy, 1);
  }
}

/** The living enemy with the highest score above −∞, −1 for none; among equals the first. */
function best(spec: EnvironmentSpec, step: TimeStep, score: (enemy: number) => number): number {
  let found = -1;
  let highest = Number.NEGATIVE_INFINITY;
  for (let e = spec.agents; e < spec.entities; e++) {
    if (step.alive[e] === 0) continue;
    const value = score(e);
    if (value > highest) [found, highest] = [e, value];
  }
  return found;
}

/** The agent with the least health that agent i may mend, −1 for none or when i is no healer. */
function weakestPatient(step: TimeStep, spec: EnvironmentSpec, i: number): number {
  let found = -1;
  for (let j = 0; j < spec.agents; j++) {
    if (actionOn(step, spec, i, j) < 0) continue;
    if (found < 0 || feature(step, spec, j, 2) < feature(step, spec, found, 2)) found = j;
  }
  return found;
}

/** Whether agent i acts on team-mates: the features of its weapon are those of its energy. */
function isHealer(step: TimeStep, spec: EnvironmentSpec, i: number): boolean {
  const width = spec.actions - spec.untargetedActions;
  for (let k = 0; k < width; k++) if (step.actionTargets[i * width + k] >= spec.agents) return false;
  return true;
}

/** The legal action of agent i on this entity, −1 for none. */
function actionOn(step: TimeStep, spec: EnvironmentSpec, i: number, entity: number): number {
  const { actions: A, untargetedActions: U } = spec;
  for (let k = 0; k < A - U; k++) {
    const aims = step.actionTargets[i * (A - U) + k] === entity;
    if (aims && entity >= 0 && step.actionMask[i * A + U + k] === 1) return U + k;
  }
  return -1;
}

/** x, y, health, shield, … of an entity: the k-th of the predicted features. */
function feature(step: TimeStep, spec: EnvironmentSpec, entity: number, k: number): number {
  return step.entities[entity * spec.entityFeatures + spec.predictedFeatures[k]];
}

function strength(step: TimeStep, spec: EnvironmentSpec, entity: number): number {
  return feature(step, spec, entity, 2) + feature(step, spec, entity, 3);
}

function distance(step: TimeStep, spec: EnvironmentSpec, a: number, b: number): number {
  const dx = feature(step, spec, a, 0) - feature(step, spec, b, 0);
  const dy = feature(step, spec, a, 1) - feature(step, spec, b, 1);
  return Math.sqrt(dx * dx + dy * dy);
}

/** The legal move that goes most towards (sign 1) or away from (−1) an entity; `stop` when there is none. */
function walk(step: TimeStep, spec: EnvironmentSpec, i: number, entity: number, sign: 1 | -1): number {
  const dx = sign * (feature(step, spec, entity, 0) - feature(step, spec, i, 0));
  const dy = sign * (feature(step, spec, entity, 1) - feature(step, spec, i, 1));
  const horizontal = dx >= 0 ? [east, west] : [west, east];
  const vertical = dy >= 0 ? [north, south] : [south, north];
  const [first, second] = Math.abs(dx) >= Math.abs(dy) ? [horizontal, vertical] : [vertical, horizontal];
  const wishes = [first[0], second[0], second[1]];
  return wishes.find((action) => step.actionMask[i * spec.actions + action] === 1) ?? stop;
}
