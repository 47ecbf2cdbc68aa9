import type { RandomStream } from "../../src/tensor/random.js";
import type { Group, Heading, SkirmishMap } from "./maps.js";
import { shieldRegeneration, ticksPerGameSecond } from "./units.js";
import type { World } from "./world.js";

/** Most that jitter 1 shifts a unit along each axis, in world units. */
const positionJitter = 0.25;
/** Gap between neighbours in a formation, in world units. */
const gap = 0.25;
/** How finely, and how far, a free place is looked for. */
const searchStep = 0.25;
const searchRings = 40;

/** Position of every unit at the start, before chance. */
export interface Formation {
  readonly x: Float64Array;
  readonly y: Float64Array;
}

/** Direction of the front: cosine and sine from the east. */
const headings: Readonly<Record<Heading, readonly [cos: number, sin: number]>> = {
  east: [1, 0],
  north: [0, 1],
  west: [-1, 0],
  south: [0, -1],
};

/**
 * Lines up all groups about their points: files of about √size units, the short-ranged in front and healers at the back. Equal
 * teams that face each other stand as mirror images. Who would stand in a wall or in another group takes the nearest free place.
 */
export function formationOf(world: World, map: SkirmishMap): Formation {
  const formation = { x: new Float64Array(world.count), y: new Float64Array(world.count) };
  let first = 0;
  for (const group of [...map.allies, ...map.enemies]) {
    const end = first + group.units.reduce((sum, [, count]) => sum + count, 0);
    lineUp(world, first, end, group, formation);
    first = end;
  }
  settle(world, formation);
  return formation;
}

function lineUp(world: World, first: number, end: number, group: Group, out: Formation): void {
  const units = Array.from({ length: end - first }, (_, k) => first + k);
  const rank = (u: number) => (world.types[u].healing ? Number.POSITIVE_INFINITY : world.range[u]);
  // Array.sort is stable: within a rank the ids ascend from south to north, as SMAC sorts its units by position.
  units.sort((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)));
  const spacing = 2 * Math.max(...units.map((u) => world.radius[u])) + gap;
  const wide = Math.min(units.length, Math.ceil(Math.sqrt(units.length)) + 1);
  const files = Math.ceil(units.length / wide);
  const [cos, sin] = headings[group.facing];
  units.forEach((u, k) => {
    const file = Math.floor(k / wide);
    const inFile = Math.min(wide, units.length - file * wide);
    const forwards = ((files - 1) / 2 - file) * spacing;
    const sideways = ((k % wide) - (inFile - 1) / 2) * spacing;
    out.x[u] = group.x + cos * forwards + Math.abs(sin) * sideways;
    out.y[u] = group.y + sin * forwards + Math.abs(cos) * sideways;
  });
}

/** Steps to the cells of a fine grid around a place, the nearest first. */
const nearby: readonly (readonly [dx: number, dy: number])[] = (() => {
  const steps: [number, number][] = [];
  for (let i = -searchRings; i <= searchRings; i++) {
    for (let j = -searchRings; j <= searchRings; j++) steps.push([i * searchStep, j * searchStep]);
  }
  return steps.sort(([a, b], [c, d]) => a * a + b * b - c * c - d * d);
})();

/** Moves every unit to the free place nearest to where it stands: not in a wall, and not in a unit before it. */
export function settle(world: World, formation: Formation): void {
  const { x, y } = formation;
  for (let u = 0; u < world.count; u++) {
    const [homeX, homeY] = [x[u], y[u]];
    for (const [dx, dy] of nearby) {
      if (!world.isFree(u, homeX + dx, homeY + dy) || isTaken(world, u, homeX + dx, homeY + dy, formation)) continue;
      x[u] = homeX + dx;
      y[u] = homeY + dy;
      break;
    }
  }
}

function isTaken(world: World, u: number, atX: number, atY: number, { x, y }: Formation): boolean {
  for (let v = 0; v < u; v++) {
    if (world.layer[v] !== world.layer[u]) continue;
    const dx = x[v] - atX;
    const dy = y[v] - atY;
    const apart = world.separation[u] + world.separation[v];
    if (dx * dx + dy * dy < apart * apart) return true;
  }
  return false;
}

/**
 * Begins a battle: everybody alive and in formation; where there is jitter, shifted a little and acting in a drawn order, and the
 * enemies, who decide every `period` ticks, at drawn moments.
 */
export function spawn(world: World, formation: Formation, jitter: number, period: number, rng: RandomStream): void {
  world.revive();
  // Shields are whole and nobody was hurt before the battle.
  world.unhurt.fill(shieldRegeneration.delay * ticksPerGameSecond);
  for (let u = 0; u < world.count; u++) {
    const x = formation.x[u] + shift(jitter, rng);
    const y = formation.y[u] + shift(jitter, rng);
    const free = world.isFree(u, x, y);
    world.x[u] = free ? x : formation.x[u];
    world.y[u] = free ? y : formation.y[u];
  }
  if (jitter === 0) return;
  rng.permutation(world.turns, 0, world.count);
  for (let u = 0; u < world.count; u++) world.phase[u] = rng.integer(period);
}

function shift(jitter: number, rng: RandomStream): number {
  return jitter === 0 ? 0 : (2 * rng.uniform() - 1) * positionJitter * jitter;
}
