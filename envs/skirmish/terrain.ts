/** Side of the square world, in world units and in grid cells. */
export const worldSize = 32;

/** Where ground units can walk and how high the ground lies: a grid of cells one world unit wide, row y, column x. */
export interface Terrain {
  /** [32, 32] 1 = ground units can stand here. */
  readonly pathable: Uint8Array;
  /** [32, 32] 0 … 255 as StarCraft II gives it. */
  readonly height: Uint8Array;
  /** Size of the playable rectangle in world units: what SMAC divides positions in the state by. */
  readonly playWidth: number;
  readonly playHeight: number;
}

const groundHeight = 127;
const wallHeight = 191;

function arena(left: number, bottom: number, right: number, top: number): Terrain {
  const pathable = new Uint8Array(worldSize * worldSize);
  const height = new Uint8Array(worldSize * worldSize).fill(wallHeight);
  for (let y = bottom; y < top; y++) {
    for (let x = left; x < right; x++) {
      pathable[y * worldSize + x] = 1;
      height[y * worldSize + x] = groundHeight;
    }
  }
  return { pathable, height, playWidth: right - left, playHeight: top - bottom };
}

/** `strip`: a level band across the world, 16 units tall, between two walls. `field`: level ground from edge to edge. */
export const terrains = { strip: arena(0, 8, worldSize, 24), field: arena(0, 0, worldSize, worldSize) } as const;

export type TerrainName = keyof typeof terrains;

/** Whether a ground unit can stand at a point. Coordinates are cut towards zero, as SMAC cuts them. */
export function isPathable(terrain: Terrain, x: number, y: number): boolean {
  const column = Math.trunc(x);
  const row = Math.trunc(y);
  return column >= 0 && column < worldSize && row >= 0 && row < worldSize && terrain.pathable[row * worldSize + column] === 1;
}
