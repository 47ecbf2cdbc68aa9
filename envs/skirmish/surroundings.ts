import { worldSize } from "./terrain.js";
import type { World } from "./world.js";

/** SMAC's points around a unit, in units of the move amount; the last is the unit's own cell. */
const offsetX = [0, 0, 2, -2, 1, -1, 1, -1, 0] as const;
const offsetY = [2, -2, 0, 0, 1, -1, -1, 1, 0] as const;

/** Index into the terrain's grids of point p around unit u; −1 beyond the edge. */
function cellAt(world: World, u: number, p: number, moveAmount: number): number {
  const column = Math.trunc(Math.trunc(world.x[u]) + offsetX[p] * moveAmount);
  const row = Math.trunc(Math.trunc(world.y[u]) + offsetY[p] * moveAmount);
  const inside = column >= 0 && column < worldSize && row >= 0 && row < worldSize;
  return inside ? row * worldSize + column : -1;
}

/** The terrain around a unit, point by point in SMAC's order: 4 straight at two moves' distance, 4 diagonal at one, its own cell. */
export const surroundings = {
  /** Writes 0 or 1 for the first `points` points, `outside` beyond the edge; returns where they end. */
  writePathing(
    world: World,
    u: number,
    moveAmount: number,
    points: number,
    outside: number,
    out: Float32Array,
    at: number,
  ): number {
    for (let p = 0; p < points; p++) {
      const cell = cellAt(world, u, p, moveAmount);
      out[at + p] = cell < 0 ? outside : world.terrain.pathable[cell];
    }
    return at + points;
  },

  /** Writes the heights of all 9 points, 0 … 1. */
  writeHeight(world: World, u: number, moveAmount: number, outside: number, out: Float32Array, at: number): number {
    for (let p = 0; p < 9; p++) {
      const cell = cellAt(world, u, p, moveAmount);
      out[at + p] = cell < 0 ? outside : world.terrain.height[cell] / 255;
    }
    return at + 9;
  },
};
