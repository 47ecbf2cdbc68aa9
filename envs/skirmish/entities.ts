/**
 * Entity and relation features as ACE uses them (Li et al., AAAI 2023): the full state of every unit, and of every ordered pair.
 *
 * @module
 */
import { readiness } from "./features.js";
import { type Layout, untargetedActions } from "./layout.js";
import type { Surroundings } from "./surroundings.js";
import type { World } from "./world.js";

/** Scales of the entity features. */
const pointScale = 100;
const cooldownScale = 50;
const energyScale = 150;
/** ACE counts distances from the edge of a unit's range in ranges, up to this many. */
const farthest = 3;
/** Keeps the direction of a unit to itself finite. */
const tiny = 1e-8;

/** Columns of x, y, health, shield, "has a shield" and cooldown, behind the enemy flag and the type one-hot. */
export function dynamicColumns(layout: Layout): number[] {
  const first = 1 + layout.typeNames.length;
  return [0, 1, 2, 3, 4, 5].map((k) => first + k);
}

/**
 * Writes the entity features, [N, 32+T]: enemy flag; type one-hot [T]; x, y (of the world's size); health/100, shield/100,
 * shield > 0; cooldown/50 (healers: energy/150); one-hot of the last action (dead, stop, N, S, E, W, on a target; the team only);
 * 9 pathing bits and 9 heights around it. The dead keep flag, type and place.
 */
export function writeEntities(
  world: World,
  layout: Layout,
  lastActions: Int32Array,
  surroundings: Surroundings,
  out: Float32Array,
): void {
  const { agents: n, entityFeatures: S, typeNames } = layout;
  const worldSize = Math.max(world.terrain.width, world.terrain.height);
  out.fill(0);
  for (let u = 0; u < world.count; u++) {
    const row = u * S;
    out[row] = u < n ? 0 : 1;
    out[row + 1 + layout.typeIndex[u]] = 1;
    let at = row + 1 + typeNames.length;
    out[at++] = world.x[u] / worldSize;
    out[at++] = world.y[u] / worldSize;
    const living = world.alive[u] === 1;
    if (u < n) out[at + 4 + (living ? actionKind(lastActions[u]) : 0)] = 1;
    if (!living) continue;
    out[at++] = world.health[u] / pointScale;
    out[at++] = world.shield[u] / pointScale;
    out[at++] = world.shield[u] > 0 ? 1 : 0;
    out[at++] = readiness(world, u) / (world.types[u].healing ? energyScale : cooldownScale);
    at += 7;
    at = surroundings.writePathing(world, u, 9, out, at);
    surroundings.writeHeight(world, u, out, at);
  }
}

/** All actions on targets are one kind. Before the first step agents count as having stopped. */
function actionKind(action: number): number {
  return action < 0 ? 1 : Math.min(action, untargetedActions);
}

/**
 * Writes the relation features, [N, N, 6]: row i, column j. Distance beyond j's and beyond i's range, in ranges, at most 3; the
 * direction from j to i; whether i is in j's range, and j in i's. Ranges are those of SMAC's masks (6 for every unit, or each type's own). Pairs with a dead unit are zeros.
 */
export function writeRelations(world: World, layout: Layout, out: Float32Array): void {
  const N = world.count;
  const { x, y, alive } = world;
  const { shoot } = layout;
  out.fill(0);
  for (let i = 0; i < N; i++) {
    if (alive[i] === 0) continue;
    for (let j = i; j < N; j++) {
      if (alive[j] === 0) continue;
      const dx = x[i] - x[j];
      const dy = y[i] - y[j];
      const distance = Math.sqrt(dx * dx + dy * dy);
      const beyondI = Math.min((distance - shoot[i]) / shoot[i], farthest);
      const beyondJ = Math.min((distance - shoot[j]) / shoot[j], farthest);
      const inI = distance <= shoot[i] ? 1 : 0;
      const inJ = distance <= shoot[j] ? 1 : 0;
      const unitX = dx / (distance + tiny);
      const unitY = dy / (distance + tiny);
      writePair(out, (i * N + j) * 6, beyondJ, beyondI, unitX, unitY, inJ, inI);
      if (j > i) writePair(out, (j * N + i) * 6, beyondI, beyondJ, -unitX, -unitY, inI, inJ);
    }
  }
}

function writePair(
  out: Float32Array,
  at: number,
  beyondJ: number,
  beyondI: number,
  unitX: number,
  unitY: number,
  inJ: number,
  inI: number,
): void {
  out[at] = beyondJ;
  out[at + 1] = beyondI;
  out[at + 2] = unitX;
  out[at + 3] = unitY;
  out[at + 4] = inJ;
  out[at + 5] = inI;
}
