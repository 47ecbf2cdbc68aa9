import { describe, expect, it } from "vitest";
import { RandomStream } from "../../src/tensor/random.js";
import { navigationOf } from "./navigation.js";
import { terrainOf } from "./terrain.js";
import * as terrains from "./terrains.js";

const { corridor, diagonal, field, octagon, pentagon, pit, ravine, strip } = terrains;

/** Length of the shortest way over neighbouring cells, corners uncut, by relaxing all cells until nothing changes. */
function shortest(free: Uint8Array, width: number, goal: number): Float64Array {
  const cost = new Float64Array(free.length).fill(Number.POSITIVE_INFINITY);
  cost[goal] = 0;
  for (let changed = true; changed; ) {
    changed = false;
    for (let cell = 0; cell < free.length; cell++) {
      if (free[cell] === 0) continue;
      const [x, y] = [cell % width, Math.floor(cell / width)];
      for (let dx = -1; dx <= 1; dx++) {
        for (let dy = -1; dy <= 1; dy++) {
          const [toX, toY] = [x + dx, y + dy];
          if (toX < 0 || toY < 0 || toX >= width || toY >= free.length / width) continue;
          const to = toY * width + toX;
          if (free[to] === 0 || free[y * width + toX] === 0 || free[toY * width + x] === 0) continue;
          const through = cost[to]! + Math.hypot(dx, dy);
          if (through < cost[cell]! - 1e-9) {
            cost[cell] = through;
            changed = true;
          }
        }
      }
    }
  }
  return cost;
}

describe("ways around walls", () => {
  it("are needed only where there are corners", () => {
    const open = (drawing: readonly string[], grid: "pathable" | "climbable" = "pathable") => {
      const terrain = terrainOf(drawing);
      return navigationOf(terrain, terrain[grid]).open;
    };
    expect([strip, field].map((drawing) => open(drawing))).toEqual([true, true]);
    // The slanted walls of arenas are stairs of cells.
    expect([octagon, pentagon, pit, corridor, diagonal, ravine].map((drawing) => open(drawing))).toEqual(Array(6).fill(false));
  });

  it.each([
    ["corridor", corridor],
    ["diagonal", diagonal],
    ["ravine", ravine],
  ] as const)(
    "on %s lead from anywhere to anywhere, in straight lines over free cells, and are hardly longer than need be",
    (_, drawing) => {
      const terrain = terrainOf(drawing);
      const { pathable: free, width } = terrain;
      const navigation = navigationOf(terrain, free);
      const cells = Array.from(free.keys()).filter((cell) => free[cell] === 1);
      const rng = RandomStream.from(1, "ways");
      for (let k = 0; k < 12; k++) {
        const goal = cells[rng.integer(cells.length)]!;
        const least = shortest(free, width, goal);
        for (let j = 0; j < 30; j++) {
          const start = cells[rng.integer(cells.length)]!;
          let length = 0;
          let at = start;
          for (let legs = 0; at !== goal; legs++) {
            expect(legs).toBeLessThan(20);
            const waypoint = navigation.waypoint(at, goal);
            const next = waypoint < 0 ? goal : waypoint;
            const [x, y] = [at % width, Math.floor(at / width)];
            const [dx, dy] = [(next % width) - x, Math.floor(next / width) - y];
            let blocked = 0;
            for (let s = 0; s <= 100; s++) {
              // A line may touch the corner of a wall, along which a unit slides, but not cut through it.
              const across = Math.floor(y + 0.5 + (dy * s) / 100) * width + Math.floor(x + 0.5 + (dx * s) / 100);
              if (free[across] === 0) blocked++;
            }
            expect(blocked).toBeLessThanOrEqual(5);
            length += Math.hypot(dx, dy);
            at = next;
          }
          expect(length).toBeLessThanOrEqual(1.08 * least[start]! + 1e-6);
        }
      }
    },
  );
});
