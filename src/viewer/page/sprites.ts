import type { Frame, FrameUnit } from "../../environment.js";
import type { Camera } from "./camera.js";
import type { Shape } from "./shapes.js";

/** A unit as drawn at one moment, in pixels. */
export interface Sprite {
  readonly unit: FrameUnit;
  readonly index: number;
  /** Tells its type. */
  readonly shape: Shape;
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  /** 1 alive, `deadOpacity` dead, between while it dies. */
  readonly opacity: number;
  readonly health: number;
  readonly shield: number;
  readonly energy: number;
  /** How strongly it was just hit, 0 … 1. */
  readonly hit: number;
}

const smallestRadius = 6;
const deadOpacity = 0.16;

const mix = (a: number, b: number, fraction: number) => a + (b - a) * fraction;

/** The units between two frames. A unit of the first frame keeps its index in the second. */
export function spritesBetween(
  now: Frame,
  next: Frame,
  fraction: number,
  camera: Camera,
  shapes: ReadonlyMap<string, Shape>,
): Sprite[] {
  return now.units.map((unit, index) => {
    const later = next.units[index] ?? unit;
    const moved = later.alive ? later : unit; // a dead unit's position means nothing
    const opacity = mix(unit.alive ? 1 : deadOpacity, later.alive ? 1 : deadOpacity, fraction);
    const hurt = unit.alive && later.health + later.shield < unit.health + unit.shield - 1e-6;
    return {
      unit,
      index,
      shape: shapes.get(unit.type) ?? null,
      x: camera.x(mix(unit.x, moved.x, fraction)),
      y: camera.y(mix(unit.y, moved.y, fraction)),
      radius: Math.max(smallestRadius, unit.radius * camera.scale),
      opacity,
      health: mix(unit.health, later.health, fraction),
      shield: mix(unit.shield, later.shield, fraction),
      energy: mix(unit.energy ?? 0, later.energy ?? 0, fraction),
      hit: hurt ? Math.sin(Math.PI * fraction) : 0,
    };
  });
}
