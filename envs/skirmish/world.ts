import { EventLog } from "./events.js";
import type { Group, Point, SkirmishMap } from "./maps.js";
import { type Navigation, navigationOf } from "./navigation.js";
import { type Terrain, terrainOf } from "./terrain.js";
import { energy, ticksPerGameSecond, ticksPerSecond, type UnitType, unitTypes } from "./units.js";

/** What a unit has been told to do. */
export const Order = { none: 0, move: 1, attack: 2, heal: 3 } as const;

/** What a unit did in this tick; who is pushed aside depends on it. */
export const Activity = { idle: 0, walking: 1, fighting: 2 } as const;

/** What a unit collides with: only others of its layer. */
export const Layer = { ground: 0, cliff: 1, air: 2 } as const;

/** The types of all units of some groups, in order. */
export function typesOf(groups: readonly Group[]): UnitType[] {
  return groups.flatMap(({ units }) => units.flatMap(([name, count]) => Array.from({ length: count }, () => unitTypes[name])));
}

/**
 * All units as a struct of arrays, indexed by unit: the n agents first, then the enemies. Nothing is allocated after the
 * constructor. Positions in world units, y upwards; times in ticks.
 */
export class World {
  /** n: units 0 … n−1 are the agents' own. */
  readonly agents: number;
  /** N */
  readonly count: number;
  readonly types: UnitType[];
  readonly terrain: Terrain;
  /** Where the enemy attacks, see {@link SkirmishMap}. */
  readonly attack: Point | "agents" | "nowhere";

  // What never changes in the life of a unit: its type's, see `become`.
  readonly radius: Float64Array;
  /** Radius in collisions. */
  readonly separation: Float64Array;
  readonly layer: Uint8Array;
  /** Size of the world in world units. */
  readonly width: number;
  readonly height: number;
  /** [height, width] bit L is set where units of layer L can stand. */
  readonly free: Uint8Array;
  /** [2] scratch: the point that a unit is being moved to. In an array, since numbers that are passed on cost memory. */
  readonly to = new Float64Array(2);
  readonly #navigation: readonly Navigation[];
  /** World units per tick. */
  readonly speed: Float64Array;
  readonly flying: Uint8Array;
  readonly healthMax: Float64Array;
  readonly shieldMax: Float64Array;
  /** Health that comes back in a tick. */
  readonly regeneration: Float64Array;
  /** Range of weapon or healing between edges. */
  readonly range: Float64Array;
  /** Ticks from a blow until the next attack may begin: the cooldown without the wind-up. 0 for units without a weapon. */
  readonly period: Float64Array;

  // What changes.
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly alive: Uint8Array;
  readonly health: Float64Array;
  readonly shield: Float64Array;
  readonly energy: Float64Array;
  /** Ticks until the next attack may begin; ready at or below 0. */
  readonly cooldown: Float64Array;
  /** Ticks left of an attack that has begun, 0 when none has. */
  readonly windUp: Int32Array;
  readonly order: Uint8Array;
  /** Where the unit walks: the goal of a move order, or where its target is. */
  readonly orderX: Float64Array;
  readonly orderY: Float64Array;
  /** The unit that an attack or heal order is about. */
  readonly target: Int32Array;
  readonly activity: Uint8Array;
  /** Ticks since the unit was last hurt. */
  readonly unhurt: Int32Array;
  /** Who hurt the unit last, −1 for nobody. */
  readonly attacker: Int32Array;
  /** Ticks left of walking around an obstacle, and to which side (−1 or 1). */
  readonly detour: Int32Array;
  readonly detourSide: Int8Array;
  /** Position at the beginning of the tick. */
  readonly previousX: Float64Array;
  readonly previousY: Float64Array;
  /** [N] the order in which units act. */
  readonly turns: Int32Array;
  /** [N] offset in ticks of the moments at which a unit of the enemy decides. */
  readonly phase: Int32Array;
  readonly events = new EventLog();

  constructor(map: SkirmishMap) {
    const allies = typesOf(map.allies);
    const enemies = typesOf(map.enemies);
    this.agents = allies.length;
    this.count = allies.length + enemies.length;
    this.terrain = terrainOf(map.terrain);
    this.attack = map.attack;
    const { width, height, pathable, climbable } = this.terrain;
    this.width = width;
    this.height = height;
    this.free = pathable.map((ground, cell) => (ground << Layer.ground) | (climbable[cell]! << Layer.cliff) | (1 << Layer.air));
    this.#navigation = [pathable, climbable].map((grid) => navigationOf(this.terrain, grid));
    const floats = () => new Float64Array(this.count);
    const integers = () => new Int32Array(this.count);
    const bytes = () => new Uint8Array(this.count);
    [this.radius, this.separation, this.speed, this.healthMax, this.shieldMax] = [
      floats(),
      floats(),
      floats(),
      floats(),
      floats(),
    ];
    [this.regeneration, this.range, this.period] = [floats(), floats(), floats()];
    [this.layer, this.flying] = [bytes(), bytes()];
    const types = [...allies, ...enemies];
    this.types = [...types];
    for (let u = 0; u < this.count; u++) this.become(u, types[u]);
    [this.x, this.y, this.previousX, this.previousY] = [floats(), floats(), floats(), floats()];
    [this.health, this.shield, this.energy, this.cooldown] = [floats(), floats(), floats(), floats()];
    [this.orderX, this.orderY] = [floats(), floats()];
    [this.alive, this.order, this.activity] = [bytes(), bytes(), bytes()];
    [this.windUp, this.target, this.unhurt, this.attacker] = [integers(), integers(), integers(), integers()];
    [this.detour, this.turns, this.phase] = [integers(), integers(), integers()];
    this.detourSide = new Int8Array(this.count);
  }

  /** Makes unit u one of this type, at the beginning of a battle. */
  become(u: number, type: UnitType): void {
    this.types[u] = type;
    this.radius[u] = type.radius;
    this.separation[u] = type.separation ?? type.radius;
    this.layer[u] = type.flying ? Layer.air : type.cliffWalking ? Layer.cliff : Layer.ground;
    this.flying[u] = type.flying ? 1 : 0;
    this.speed[u] = type.speed / ticksPerSecond;
    this.healthMax[u] = type.health;
    this.shieldMax[u] = type.shield;
    this.regeneration[u] = (type.regeneration ?? 0) / ticksPerGameSecond;
    this.range[u] = type.weapon?.range ?? type.healing?.range ?? 0;
    const { cooldown = 0, windUp = 0 } = type.weapon ?? {};
    this.period[u] = cooldown * ticksPerSecond - windUp;
  }

  /** Puts every unit on its feet: whole, idle and ready. Positions are the spawn's business. */
  revive(): void {
    this.alive.fill(1);
    this.health.set(this.healthMax);
    this.shield.set(this.shieldMax);
    for (let u = 0; u < this.count; u++) {
      this.energy[u] = this.types[u].healing ? energy.start : 0;
      this.detourSide[u] = u % 2 === 0 ? 1 : -1;
      this.turns[u] = u;
      this.phase[u] = u;
    }
    this.cooldown.fill(0);
    this.windUp.fill(0);
    this.order.fill(Order.none);
    this.target.fill(-1);
    this.activity.fill(Activity.idle);
    this.unhurt.fill(0);
    this.attacker.fill(-1);
    this.detour.fill(0);
  }

  /** Whether unit u is one of the agents' team. */
  isAlly(u: number): boolean {
    return u < this.agents;
  }

  /** Whether u's weapon can hurt t at all. */
  canAttack(u: number, t: number): boolean {
    const weapon = this.types[u].weapon;
    return weapon !== undefined && (this.flying[t] === 0 || weapon.hitsAir);
  }

  /** Whether unit u can stand at a point. Flyers can everywhere in the world. */
  isFree(u: number, x: number, y: number): boolean {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return false;
    return ((this.free[Math.trunc(y) * this.width + Math.trunc(x)] >> this.layer[u]) & 1) === 1;
  }

  /** How unit u, which must not be a flyer, finds its way. */
  navigation(u: number): Navigation {
    return this.#navigation[this.layer[u]];
  }

  /** The cell that unit u is in; points on the far edges of the world belong to the last. */
  cellOf(u: number): number {
    return Math.min(Math.trunc(this.y[u]), this.height - 1) * this.width + Math.min(Math.trunc(this.x[u]), this.width - 1);
  }

  /** The cell that unit u walks to, which may lie beyond the edge: then the nearest one inside. */
  goalCellOf(u: number): number {
    const column = Math.max(0, Math.min(Math.trunc(this.orderX[u]), this.width - 1));
    const row = Math.max(0, Math.min(Math.trunc(this.orderY[u]), this.height - 1));
    return row * this.width + column;
  }

  /** Squared distance between the centres. */
  distanceSquared(u: number, t: number): number {
    const dx = this.x[t] - this.x[u];
    const dy = this.y[t] - this.y[u];
    return dx * dx + dy * dy;
  }

  /** Whether t is no further than `range` from u, between their edges. */
  isWithin(u: number, t: number, range: number): boolean {
    const reach = range + this.radius[u] + this.radius[t];
    return this.distanceSquared(u, t) <= reach * reach;
  }
}
