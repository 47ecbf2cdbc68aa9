import type { Frame, FrameUnit } from "../environment.js";

/** What a host says about its pictures in its welcome: names of the units' types, and how many units there are. */
export interface Drawing {
  readonly types: readonly string[];
  readonly units: number;
}

/** More units than any simulator has. */
const mostUnits = 10_000;

export function isDrawing(value: unknown): value is Drawing {
  if (typeof value !== "object" || value === null) return false;
  const { types, units } = value as Partial<Record<keyof Drawing, unknown>>;
  return (
    Array.isArray(types) &&
    types.every((type) => typeof type === "string") &&
    typeof units === "number" &&
    Number.isInteger(units) &&
    units > 0 &&
    units <= mostUnits
  );
}

/** Numbers of a unit: the columns of `UNIT` in `envs/python/baton_host/environment.py`. */
const columns = 10;

/** What is to be drawn of some copies, as numbers; pictures are made of it when somebody looks. */
export class Canvas {
  /** Numbers of one copy's units. */
  readonly unitsSize: number;
  readonly #units: Float32Array;
  /** [copies, 2] */
  readonly #worlds: Float32Array;

  constructor(
    copies: number,
    private readonly drawing: Drawing,
  ) {
    this.unitsSize = columns * drawing.units;
    this.#units = new Float32Array(copies * this.unitsSize);
    this.#worlds = new Float32Array(2 * copies);
  }

  /** Row k of `units` and `worlds` is of copy `copies[k]`. */
  keep(copies: readonly number[], units: Float32Array, worlds: Float32Array): void {
    const size = this.unitsSize;
    for (const [k, copy] of copies.entries()) {
      this.#units.set(units.subarray(k * size, (k + 1) * size), copy * size);
      this.#worlds.set(worlds.subarray(2 * k, 2 * k + 2), 2 * copy);
    }
  }

  frame(copy: number): Frame {
    const [width, height] = this.#worlds.subarray(2 * copy, 2 * copy + 2) as unknown as [number, number];
    const units = Array.from({ length: this.drawing.units }, (_, unit) => this.#unit(copy * this.unitsSize + columns * unit));
    return { width, height, units };
  }

  #unit(at: number): FrameUnit {
    const numbers = this.#units.subarray(at, at + columns) as unknown as Iterable<number>;
    const [x = 0, y = 0, radius = 0, team = 0, type = 0, alive = 0, health = 0, healthMax = 0, shield = 0, shieldMax = 0] =
      numbers;
    const name = this.drawing.types[type] ?? "unit";
    return { x, y, radius, team, type: name, alive: alive !== 0, health, healthMax, shield, shieldMax };
  }
}
