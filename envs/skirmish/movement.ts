import { Activity, Layer, type World } from "./world.js";

/** cos and sin of the 60° by which a unit turns off its way to get around others. */
const detourCos = 0.5;
const detourSin = Math.sqrt(3) / 2;
/** Ticks of one detour. */
const detourTicks = 6;
/** Share of its speed below which a walking unit counts as blocked. */
const blockedShare = 0.3;

/** Moves a unit to `world.to`, or as far along one axis as terrain lets it. */
function place(world: World, u: number): void {
  const { x, y, to, width, height, free } = world;
  const toX = to[0];
  const toY = to[1];
  if (world.layer[u] === Layer.air) {
    x[u] = Math.min(Math.max(toX, 0), width);
    y[u] = Math.min(Math.max(toY, 0), height);
    return;
  }
  const bit = 1 << world.layer[u];
  const column = Math.trunc(toX);
  const row = Math.trunc(toY) * width;
  const insideX = toX >= 0 && toX < width;
  const insideY = toY >= 0 && toY < height;
  if (insideX && insideY && (free[row + column] & bit) !== 0) {
    x[u] = toX;
    y[u] = toY;
  } else if (insideX && (free[Math.trunc(y[u]) * width + column] & bit) !== 0) x[u] = toX;
  else if (insideY && (free[row + Math.trunc(x[u])] & bit) !== 0) y[u] = toY;
}

/**
 * Walks u for one tick towards the point that its order leads to, around walls and around what blocked it. Returns whether it has
 * arrived.
 */
export function walk(world: World, u: number): boolean {
  const { to } = world;
  to[0] = world.orderX[u];
  to[1] = world.orderY[u];
  if (world.layer[u] !== Layer.air && !world.navigation(u).open) {
    const waypoint = world.navigation(u).waypoint(world.cellOf(u), world.goalCellOf(u));
    if (waypoint >= 0) {
      to[0] = (waypoint % world.width) + 0.5;
      to[1] = Math.floor(waypoint / world.width) + 0.5;
      walkStraight(world, u);
      return false;
    }
  }
  return walkStraight(world, u);
}

function walkStraight(world: World, u: number): boolean {
  const { x, y, to, speed, detour, detourSide } = world;
  world.activity[u] = Activity.walking;
  const dx = to[0] - x[u];
  const dy = to[1] - y[u];
  const distance = Math.sqrt(dx * dx + dy * dy);
  if (distance <= speed[u]) {
    place(world, u);
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
  to[0] = x[u] + stepX;
  to[1] = y[u] + stepY;
  place(world, u);
  return false;
}

/**
 * Pushes overlapping units of the same layer (ground, air, colossi) apart. Walking units give way to those that stand; a standing unit
 * is pushed aside by its own side, not by the enemy; nobody pushes a unit that is fighting.
 */
export function separate(world: World): void {
  const { count, agents, x, y, to, alive, layer, separation, activity } = world;
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
      to[0] = x[u] - pushX * share;
      to[1] = y[u] - pushY * share;
      place(world, u);
      to[0] = x[v] + pushX * (1 - share);
      to[1] = y[v] + pushY * (1 - share);
      place(world, v);
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
