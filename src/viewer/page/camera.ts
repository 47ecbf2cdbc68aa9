import type { Bounds } from "../story.js";

/** World to pixels: the bounds fill the canvas, centred, y turned upside down. */
export interface Camera {
  readonly scale: number;
  x(worldX: number): number;
  y(worldY: number): number;
}

/** The camera that shows `bounds` whole in a canvas of so many pixels. */
export function cameraFor(bounds: Bounds, width: number, height: number): Camera {
  const scale = Math.min(width / (bounds.right - bounds.left), height / (bounds.top - bounds.bottom));
  const left = (width - scale * (bounds.right + bounds.left)) / 2;
  const top = (height + scale * (bounds.top + bounds.bottom)) / 2;
  return { scale, x: (x) => left + scale * x, y: (y) => top - scale * y };
}
