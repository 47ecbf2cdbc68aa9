/**
 * The enemy's tactics: SMAC orders StarCraft II's built-in opponent to attack the team's spawn, and from there on its units
 * choose their targets by the game's rules of automatic targeting. README.md lists the rules.
 *
 * @module
 */
import { Order, type World } from "./world.js";

/** Least range in which units look for targets, between edges; longer weapons look a little beyond their own range. */
const leastScan = 5;
const scanBeyondRange = 0.5;
/** Centres further apart than this have lost sight of each other. */
const sight = 10;
/** Units this near (centres) come to help one that is attacked. */
const help = 6;
/** This near to the spawn that they attack (centres), units have arrived and wait. */
const arrival = 2;
/** How far behind the nearest fighter healers stay, in world units between centres. */
const escortDistance = 2;

/** How well the enemy plays, see {@link tacticsOf}. */
export interface Tactics {
  /** Ticks between two decisions of one unit. */
  readonly period: number;
  /** It always knows where the agents are, and goes after them wherever they flee. */
  readonly hunts: boolean;
  /** Who attacks a unit comes first; else the nearest that could. */
  readonly prefersAttackers: boolean;
}

/**
 * Ticks between two decisions by SMAC's levels of difficulty. At 7, SMAC's default, as many as the agents have by default, so that
 * neither side is quicker.
 */
const periods = { 1: 40, 2: 32, 3: 24, 4: 16, 5: 12, 6: 10, 7: 8, 8: 8, 9: 8, A: 8 } as const;

export type Difficulty = `${keyof typeof periods}`;
export const difficulties = Object.keys(periods) as Difficulty[];

export const targetings = ["attackers", "nearest"] as const;
export type Targeting = (typeof targetings)[number];

/** The tactics of one of SMAC's levels of difficulty; 8, 9 and A are those at which StarCraft II's opponent cheats. */
export function tacticsOf(difficulty: Difficulty, targeting: Targeting = "attackers"): Tactics {
  return { period: periods[difficulty], hunts: "89A".includes(difficulty), prefersAttackers: targeting === "attackers" };
}

/** Gives new orders to those living enemies whose moment it is; they take turns, and the rest carry on. */
export function commandEnemies(world: World, tactics: Tactics, tick: number): void {
  for (let u = world.agents; u < world.count; u++) {
    if (world.alive[u] === 0 || (tick + world.phase[u]) % tactics.period !== 0) continue;
    if (world.types[u].healing) commandHealer(world, u);
    else if (world.windUp[u] === 0) commandFighter(world, tactics, u);
  }
}

function commandFighter(world: World, tactics: Tactics, u: number): void {
  const current = world.order[u] === Order.attack ? world.target[u] : -1;
  const engaged = isVisible(world, u, current);
  if (engaged && world.isWithin(u, current, world.range[u])) {
    const own = rank(world, tactics, u, current);
    const other = own < highestRank ? scan(world, tactics, u, world.range[u]) : -1;
    if (other >= 0 && rank(world, tactics, u, other) > own) world.target[u] = other;
    return;
  }
  let target = scan(world, tactics, u, Math.max(leastScan, world.range[u] + scanBeyondRange));
  // Nobody is near: go on chasing, then turn on whoever shoots at this unit, then at a comrade.
  if (target < 0 && engaged) target = current;
  if (target < 0) target = aggressor(world, u);
  if (target >= 0) {
    world.order[u] = Order.attack;
    world.target[u] = target;
  } else advance(world, tactics, u);
}

/** The best target in a range: by {@link rank}, then the nearest. −1 for none. */
function scan(world: World, tactics: Tactics, u: number, range: number): number {
  let best = -1;
  let bestRank = -1;
  let bestGap = Number.POSITIVE_INFINITY;
  for (let t = 0; t < world.agents; t++) {
    if (world.alive[t] === 0 || !world.isWithin(u, t, range) || !world.canAttack(u, t)) continue;
    const rankOfT = rank(world, tactics, u, t);
    const gap = Math.sqrt(world.distanceSquared(u, t)) - world.radius[t];
    if (rankOfT === bestRank ? gap < bestGap : rankOfT > bestRank) {
      best = t;
      bestRank = rankOfT;
      bestGap = gap;
    }
  }
  return best;
}

const highestRank = 2;

/** Who attacks u ranks before who only could, unless the nearest are preferred, and these before those that cannot. */
function rank(world: World, { prefersAttackers }: Tactics, u: number, t: number): number {
  if (prefersAttackers && world.order[t] === Order.attack && world.target[t] === u) return highestRank;
  return isThreat(world, u, t) ? 1 : 0;
}

/** Who attacks u, or else who attacks a comrade near u; −1 for nobody in sight. */
function aggressor(world: World, u: number): number {
  const own = world.attacker[u];
  if (isVisible(world, u, own)) return own;
  for (let v = world.agents; v < world.count; v++) {
    if (v === u || world.alive[v] === 0 || world.distanceSquared(u, v) > help * help) continue;
    const theirs = world.attacker[v];
    if (isVisible(world, u, theirs)) return theirs;
  }
  return -1;
}

function isVisible(world: World, u: number, t: number): boolean {
  return t >= 0 && world.alive[t] === 1 && world.canAttack(u, t) && world.distanceSquared(u, t) <= sight * sight;
}

function isThreat(world: World, u: number, t: number): boolean {
  return world.canAttack(t, u);
}

function advance(world: World, { hunts }: Tactics, u: number): void {
  if (world.attack === "agents" || (hunts && world.attack !== "nowhere")) {
    huntNearest(world, u);
    return;
  }
  if (world.attack === "nowhere") {
    world.order[u] = Order.none;
    return;
  }
  const { x, y } = world.attack;
  const dx = x - world.x[u];
  const dy = y - world.y[u];
  world.order[u] = dx * dx + dy * dy > arrival * arrival ? Order.move : Order.none;
  world.orderX[u] = x;
  world.orderY[u] = y;
}

/** Attacks the nearest agent, however far. */
function huntNearest(world: World, u: number): void {
  let prey = -1;
  let least = Number.POSITIVE_INFINITY;
  for (let t = 0; t < world.agents; t++) {
    if (world.alive[t] === 0 || !world.canAttack(u, t)) continue;
    const squared = world.distanceSquared(u, t);
    if (squared < least) [prey, least] = [t, squared];
  }
  world.order[u] = prey >= 0 ? Order.attack : Order.none;
  world.target[u] = prey;
}

/** Mends the nearest hurt comrade in scan range, else follows the nearest fighter. */
function commandHealer(world: World, u: number): void {
  let patient = -1;
  let patientGap = Number.POSITIVE_INFINITY;
  let fighter = -1;
  let fighterGap = Number.POSITIVE_INFINITY;
  for (let v = world.agents; v < world.count; v++) {
    if (world.alive[v] === 0 || world.types[v].healing) continue;
    const gap = world.distanceSquared(u, v);
    if (gap < fighterGap) {
      fighter = v;
      fighterGap = gap;
    }
    if (gap < patientGap && world.health[v] < world.healthMax[v] && world.isWithin(u, v, leastScan)) {
      patient = v;
      patientGap = gap;
    }
  }
  if (patient >= 0 && world.energy[u] > 0) {
    world.order[u] = Order.heal;
    world.target[u] = patient;
  } else if (fighter >= 0 && fighterGap > escortDistance * escortDistance) {
    world.order[u] = Order.move;
    world.orderX[u] = world.x[fighter];
    world.orderY[u] = world.y[fighter];
  } else world.order[u] = Order.none;
}
