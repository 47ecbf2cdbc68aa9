/** Where ground units can walk and how high the ground lies: a grid of cells one world unit wide, row y, column x. */
export interface Terrain {
  /** Columns and rows: the size of the world in world units. */
  readonly width: number;
  readonly height: number;
  /** [height, width] 1 = ground units can stand here. */
  readonly pathable: Uint8Array;
  /** [height, width] 1 = units that walk over cliffs can stand here. */
  readonly climbable: Uint8Array;
  /** [height, width] 0 … 255, height of the ground. */
  readonly elevation: Uint8Array;
}

/** The characters of a terrain grid. */
export const terrainLegend = {
  ".": "ground",
  "^": "high ground",
  "/": "ramp between the two",
  "~": "cliff, which only colossi walk",
  "#": "wall",
} as const;

export type TerrainCharacter = keyof typeof terrainLegend;

const elevations: Readonly<Record<TerrainCharacter, number>> = { ".": 127, "/": 135, "~": 135, "^": 143, "#": 191 };

const known = new WeakMap<readonly string[], Terrain>();

/** The terrain of a drawing, made once, so that copies of an environment share it. */
export function terrainOf(drawing: readonly string[]): Terrain {
  const terrain = known.get(drawing) ?? readTerrain(drawing);
  known.set(drawing, terrain);
  return terrain;
}

/**
 * Makes a terrain of its drawing: one line of characters a row, the north (highest y) first, see {@link terrainLegend}.
 * All lines must be equally long and hold only those characters; whoever takes drawings from people checks that first.
 */
function readTerrain(drawing: readonly string[]): Terrain {
  const height = drawing.length;
  const width = drawing[0]!.length;
  const cells = width * height;
  const terrain = {
    width,
    height,
    pathable: new Uint8Array(cells),
    climbable: new Uint8Array(cells),
    elevation: new Uint8Array(cells),
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const character = drawing[height - 1 - y]![x] as TerrainCharacter;
      const at = y * width + x;
      terrain.pathable[at] = character === "#" || character === "~" ? 0 : 1;
      terrain.climbable[at] = character === "#" ? 0 : 1;
      terrain.elevation[at] = elevations[character];
    }
  }
  return terrain;
}

/** Whether a point lies in a cell that `grid` (a terrain's `pathable` or `climbable`) marks. Coordinates are cut towards zero, as SMAC cuts them. */
export function isMarked(terrain: Terrain, grid: Uint8Array, x: number, y: number): boolean {
  const column = Math.trunc(x);
  const row = Math.trunc(y);
  return column >= 0 && column < terrain.width && row >= 0 && row < terrain.height && grid[row * terrain.width + column] === 1;
}
