/**
 * Ways around walls. On most terrains every straight line is free; elsewhere a table, filled as it is asked, gives for two cells the
 * point to walk to next. Copies of an environment in one thread share it.
 *
 * @module
 */
import type { Terrain } from "./terrain.js";

/** Costs of a straight and a diagonal step; their ratio is near √2. */
const straightCost = 5;
const diagonalCost = 7;
/** How finely a line is checked, in world units. */
const lineStep = 0.25;
const unknown = -2;
/** In the table: the way is free, or there is none; either way units walk straight. */
const direct = -1;

/** How the terrain is walked by one kind of unit: those that need flat ground, or those that step over cliffs. */
export class Navigation {
  /** Whether every straight line between two free points is free, so that nobody needs a way around. */
  readonly open: boolean;
  readonly #width: number;
  readonly #cells: number;
  readonly #free: Uint8Array;
  /** [goal, cell] the cell to walk to next. */
  #waypoints: Int16Array | undefined;
  /** [cell] scratch of one search. */
  readonly #cost: Int32Array;
  readonly #queue: Int32Array;
  readonly #queued: Uint8Array;
  /** [goal] goal cells whose costs have been searched, and their costs [goal, cell]. */
  #searched: Uint8Array | undefined;
  #costs: Int16Array | undefined;

  constructor(terrain: Terrain, free: Uint8Array) {
    this.#width = terrain.width;
    this.#cells = terrain.width * terrain.height;
    this.#free = free;
    this.#cost = new Int32Array(this.#cells);
    this.#queue = new Int32Array(this.#cells);
    this.#queued = new Uint8Array(this.#cells);
    this.open = this.#isOpen();
    if (this.open) return;
    this.#waypoints = new Int16Array(this.#cells * this.#cells).fill(unknown);
    this.#searched = new Uint8Array(this.#cells);
    this.#costs = new Int16Array(this.#cells * this.#cells);
  }

  /** The cell whose centre a unit in cell `from` has to walk to on its way to cell `goal`; −1 when it should walk straight to its goal. */
  waypoint(from: number, goal: number): number {
    const waypoints = this.#waypoints;
    if (waypoints === undefined) return direct;
    const at = goal * this.#cells + from;
    if (waypoints[at] === unknown) waypoints[at] = this.#findWaypoint(from, goal);
    return waypoints[at];
  }

  #findWaypoint(from: number, goal: number): number {
    if (from === goal || this.#isClear(from, goal)) return direct;
    if (this.#searched![goal] === 0) this.#search(goal);
    let waypoint = direct;
    // As far along the way as can be reached in a straight line.
    for (let cell = this.#next(from, goal); cell >= 0; cell = this.#next(cell, goal)) {
      if (waypoint !== direct && !this.#isClear(from, cell)) break;
      waypoint = cell;
    }
    return waypoint;
  }

  /** The neighbour nearest to the goal, −1 at the goal or where there is no way. */
  #next(cell: number, goal: number): number {
    const base = goal * this.#cells;
    let best = -1;
    let least = this.#costs![base + cell];
    for (let d = 0; d < 8; d++) {
      const neighbour = this.#neighbour(cell, d);
      if (neighbour < 0 || this.#costs![base + neighbour] >= least) continue;
      best = neighbour;
      least = this.#costs![base + neighbour];
    }
    return best;
  }

  /** Costs of the way to `goal` from every cell. A goal that is not free (a colossus on a cliff) is reached from its neighbours. */
  #search(goal: number): void {
    const cost = this.#cost.fill(32767);
    const queue = this.#queue;
    const queued = this.#queued.fill(0);
    cost[goal] = 0;
    queue[0] = goal;
    queued[goal] = 1;
    let head = 0;
    let length = 1;
    while (length > 0) {
      const cell = queue[head];
      head = (head + 1) % this.#cells;
      length--;
      queued[cell] = 0;
      for (let d = 0; d < 8; d++) {
        const neighbour = this.#neighbour(cell, d);
        if (neighbour < 0) continue;
        const through = cost[cell] + (d < 4 ? straightCost : diagonalCost);
        if (through >= cost[neighbour]) continue;
        cost[neighbour] = through;
        if (queued[neighbour] === 1) continue;
        queue[(head + length++) % this.#cells] = neighbour;
        queued[neighbour] = 1;
      }
    }
    this.#costs!.set(cost, goal * this.#cells);
    this.#searched![goal] = 1;
  }

  /** The free neighbour in one of 8 directions, −1 for none; corners are not cut. */
  #neighbour(cell: number, direction: number): number {
    const column = cell % this.#width;
    const dx = stepX[direction];
    const dy = stepY[direction];
    const neighbour = cell + dy * this.#width + dx;
    if (column + dx < 0 || column + dx >= this.#width || neighbour < 0 || neighbour >= this.#cells) return -1;
    if (this.#free[neighbour] === 0) return -1;
    if (direction < 4) return neighbour;
    return this.#free[cell + dx] === 1 && this.#free[cell + dy * this.#width] === 1 ? neighbour : -1;
  }

  /** Whether the line between the centres of two cells runs over free cells only. The two cells themselves may be anything. */
  #isClear(from: number, to: number): boolean {
    const width = this.#width;
    const x = from % width;
    const y = Math.floor(from / width);
    const dx = (to % width) - x;
    const dy = Math.floor(to / width) - y;
    const steps = Math.ceil(Math.sqrt(dx * dx + dy * dy) / lineStep);
    for (let k = 1; k < steps; k++) {
      const cell = Math.floor(y + 0.5 + (dy * k) / steps) * width + Math.floor(x + 0.5 + (dx * k) / steps);
      if (this.#free[cell] === 0 && cell !== from && cell !== to) return false;
    }
    return true;
  }

  /** Lines between cells at the rim decide. */
  #isOpen(): boolean {
    const rim: number[] = [];
    for (let cell = 0; cell < this.#cells; cell++) {
      if (this.#free[cell] === 0) continue;
      let neighbours = 0;
      for (let d = 0; d < 8; d++) if (this.#neighbour(cell, d) >= 0) neighbours++;
      if (neighbours < 8) rim.push(cell);
    }
    return rim.every((a) => rim.every((b) => this.#isClear(a, b)));
  }
}

const stepX = [1, -1, 0, 0, 1, 1, -1, -1] as const;
const stepY = [0, 0, 1, -1, 1, -1, 1, -1] as const;

const known = new WeakMap<Uint8Array, Navigation>();

/** The navigation over the cells that `free` marks, made once. */
export function navigationOf(terrain: Terrain, free: Uint8Array): Navigation {
  let navigation = known.get(free);
  if (navigation === undefined) {
    navigation = new Navigation(terrain, free);
    known.set(free, navigation);
  }
  return navigation;
}
