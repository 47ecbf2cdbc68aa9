import { Activity, Layer, type World } from "./world.js";

/** cos and sin of the 60° by which a unit turns off its way to get around others. */
const detourCos = 0.5;
const detourSin = Math.sqrt(3) / 2;
/** Ticks of one detour. */
const detourTicks = 6;
/** Share of its speed below which a walking unit counts as blocked. */
const blockedShare = 0.3;

/** Moves a unit to a point, or as far along one axis as terrain lets it. */
export function place(world: World, u: number, toX: number, toY: number): void {
  const { x, y } = world;
  if (world.layer[u] === Layer.air) {
    x[u] = Math.min(Math.max(toX, 0), world.terrain.width);
    y[u] = Math.min(Math.max(toY, 0), world.terrain.height);
  } else if (world.isFree(u, toX, toY)) {
    x[u] = toX;
    y[u] = toY;
  } else if (world.isFree(u, toX, y[u])) x[u] = toX;
  else if (world.isFree(u, x[u], toY)) y[u] = toY;
}

/** Walks u for one tick towards a point, around walls and around what blocked it. Returns whether it has arrived. */
export function walk(world: World, u: number, toX: number, toY: number): boolean {
  if (world.layer[u] !== Layer.air && !world.navigation(u).open) {
    const waypoint = world.navigation(u).waypoint(world.cellAt(world.x[u], world.y[u]), world.cellAt(toX, toY));
    if (waypoint >= 0) {
      const { width } = world.terrain;
      walkStraight(world, u, (waypoint % width) + 0.5, Math.floor(waypoint / width) + 0.5);
      return false;
    }
  }
  return walkStraight(world, u, toX, toY);
}

function walkStraight(world: World, u: number, toX: number, toY: number): boolean {
  const { x, y, speed, detour, detourSide } = world;
  world.activity[u] = Activity.walking;
  const dx = toX - x[u];
  const dy = toY - y[u];
  const distance = Math.sqrt(dx * dx + dy * dy);
  if (distance <= speed[u]) {
    place(world, u, toX, toY);
    return true;
  }
  let stepX = (dx / distance) * speed[u];
  let stepY = (dy / distance) * speed[u];
  if (detour[u] > 0) {
    detour[u]--;
    const sin = detourSin * detourSide[u];
    const straightX = stepX;
    stepX = stepX * detourCos - stepY * sin;
    stepY = straightX * sin + stepY * detourCos;
  }
  place(world, u, x[u] + stepX, y[u] + stepY);
  return false;
}

/**
 * Pushes overlapping units of the same layer (ground, air, colossi) apart. Walking units give way to those that stand; a standing unit
 * is pushed aside by its own side, not by the enemy; nobody pushes a unit that is fighting.
 */
export function separate(world: World): void {
  const { count, agents, x, y, alive, layer, separation, activity } = world;
  for (let u = 0; u < count; u++) {
    if (alive[u] === 0) continue;
    for (let v = u + 1; v < count; v++) {
      if (alive[v] === 0 || layer[v] !== layer[u]) continue;
      const dx = x[v] - x[u];
      const dy = y[v] - y[u];
      const apart = separation[u] + separation[v];
      const squared = dx * dx + dy * dy;
      if (squared >= apart * apart) continue;
      const distance = Math.sqrt(squared);
      const sameSide = u < agents === v < agents;
      const giveU = yielding(activity[u], sameSide);
      const giveV = yielding(activity[v], sameSide);
      const share = giveU + giveV > 0 ? giveU / (giveU + giveV) : 0.5;
      // Units exactly on top of each other part along x.
      const pushX = distance > 0 ? (dx / distance) * (apart - distance) : apart;
      const pushY = distance > 0 ? (dy / distance) * (apart - distance) : 0;
      place(world, u, x[u] - pushX * share, y[u] - pushY * share);
      place(world, v, x[v] + pushX * (1 - share), y[v] + pushY * (1 - share));
    }
  }
}

function yielding(activity: number, sameSide: boolean): number {
  if (activity === Activity.walking) return 1;
  return activity === Activity.idle && sameSide ? 0.5 : 0;
}

/**
 * Sends walking units that others kept from advancing on a detour. A unit goes on around the same side until it is blocked there
 * too, so that those behind spread around their prey instead of queueing.
 */
export function startDetours(world: World): void {
  const { count, x, y, previousX, previousY, speed, activity, detour, detourSide, alive } = world;
  for (let u = 0; u < count; u++) {
    if (alive[u] === 0 || activity[u] !== Activity.walking) continue;
    const dx = x[u] - previousX[u];
    const dy = y[u] - previousY[u];
    const least = blockedShare * speed[u];
    if (dx * dx + dy * dy >= least * least) continue;
    if (detour[u] > 0) detourSide[u] = -detourSide[u];
    detour[u] = detourTicks;
  }
}
