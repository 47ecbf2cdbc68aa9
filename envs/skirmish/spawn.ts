import type { RandomStream } from "../../src/tensor/random.js";
import { decisionPeriod } from "./enemy.js";
import { spawns } from "./maps.js";
import { worldSize } from "./terrain.js";
import { shieldRegeneration, ticksPerGameSecond } from "./units.js";
import type { World } from "./world.js";

/** Most that jitter 1 shifts a unit along each axis, in world units. */
const positionJitter = 0.25;
/** Gap between neighbours in a formation, in world units. */
const gap = 0.25;

/** Position of every unit at the start, before chance. */
export interface Formation {
  readonly x: Float64Array;
  readonly y: Float64Array;
}

/**
 * Lines up both sides about their spawns, facing each other: files of about √size units, the short-ranged in front and healers at the back.
 * Equal teams stand as mirror images of each other.
 */
export function formationOf(world: World): Formation {
  const formation = { x: new Float64Array(world.count), y: new Float64Array(world.count) };
  lineUp(world, 0, world.agents, spawns.allies, 1, formation);
  lineUp(world, world.agents, world.count, spawns.enemies, -1, formation);
  return formation;
}

function lineUp(
  world: World,
  first: number,
  end: number,
  at: { readonly x: number; readonly y: number },
  facing: 1 | -1,
  out: Formation,
): void {
  const units = Array.from({ length: end - first }, (_, k) => first + k);
  const rank = (u: number) => (world.types[u].healing ? Number.POSITIVE_INFINITY : world.range[u]);
  // Array.sort is stable: within a rank the ids ascend from south to north, as SMAC sorts its units by position.
  units.sort((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)));
  const spacing = 2 * Math.max(...units.map((u) => world.radius[u])) + gap;
  const tall = Math.min(units.length, Math.ceil(Math.sqrt(units.length)) + 1);
  const files = Math.ceil(units.length / tall);
  units.forEach((u, k) => {
    const file = Math.floor(k / tall);
    const inFile = Math.min(tall, units.length - file * tall);
    out.x[u] = at.x + facing * ((files - 1) / 2 - file) * spacing;
    out.y[u] = at.y + ((k % tall) - (inFile - 1) / 2) * spacing;
  });
}

/** Begins a battle: everybody alive and in formation, shifted a little and acting in a drawn order where there is jitter. */
export function spawn(world: World, formation: Formation, jitter: number, rng: RandomStream): void {
  world.revive();
  // Shields are whole and nobody was hurt before the battle.
  world.unhurt.fill(shieldRegeneration.delay * ticksPerGameSecond);
  for (let u = 0; u < world.count; u++) {
    world.x[u] = formation.x[u] + shift(jitter, rng);
    world.y[u] = formation.y[u] + shift(jitter, rng);
  }
  if (jitter === 0) return;
  rng.permutation(world.turns, 0, world.count);
  for (let u = 0; u < world.count; u++) world.phase[u] = rng.integer(decisionPeriod);
}

function shift(jitter: number, rng: RandomStream): number {
  return jitter === 0 ? 0 : (2 * rng.uniform() - 1) * positionJitter * jitter;
}

/** Mirrors an x coordinate at the middle of the world, which carries one team's formation onto the other's. */
export function mirror(x: number): number {
  return worldSize - x;
}
