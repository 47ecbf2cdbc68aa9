import type { Terrain } from "./terrain.js";
import type { World } from "./world.js";

/** SMAC's points around a unit, in move amounts: 4 straight at two moves' distance, 4 diagonal at one, its own cell. */
const offsetX = [0, 0, 2, -2, 1, -1, 1, -1, 0] as const;
const offsetY = [2, -2, 0, 0, 1, -1, -1, 1, 0] as const;
const points = offsetX.length;

/** The terrain around every cell of a map, looked up once: walkable or not (0, 1) and height (0 … 1) of 9 points. */
export class Surroundings {
  /** [cells, 9] each. */
  readonly #pathing: Float32Array;
  readonly #height: Float32Array;

  /** `outside` is what points beyond the edge of the map count as, in both. */
  constructor(terrain: Terrain, moveAmount: number, outside: number) {
    const { width, height } = terrain;
    this.#pathing = new Float32Array(width * height * points);
    this.#height = new Float32Array(width * height * points);
    for (let cell = 0; cell < width * height; cell++) {
      for (let p = 0; p < points; p++) {
        const column = Math.trunc((cell % width) + offsetX[p] * moveAmount);
        const row = Math.trunc(Math.floor(cell / width) + offsetY[p] * moveAmount);
        const inside = column >= 0 && column < width && row >= 0 && row < height;
        const at = row * width + column;
        this.#pathing[cell * points + p] = inside ? terrain.pathable[at] : outside;
        this.#height[cell * points + p] = inside ? terrain.elevation[at] / 255 : outside;
      }
    }
  }

  /** Writes pathing of the first `count` points around unit u at `out[at …]`; returns where they end. */
  writePathing(world: World, u: number, count: number, out: Float32Array, at: number): number {
    const first = world.cellOf(u) * points;
    for (let p = 0; p < count; p++) out[at + p] = this.#pathing[first + p];
    return at + count;
  }

  /** Writes the heights of all 9 points around unit u; returns where they end. */
  writeHeight(world: World, u: number, out: Float32Array, at: number): number {
    const first = world.cellOf(u) * points;
    for (let p = 0; p < points; p++) out[at + p] = this.#height[first + p];
    return at + points;
  }
}
