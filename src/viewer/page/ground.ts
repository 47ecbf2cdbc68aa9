import type { Frame, groundKinds } from "../../environment.js";
import type { Camera } from "./camera.js";
import type { Colours } from "./palette.js";

export type GroundKind = keyof typeof groundKinds;

const colours: Readonly<Record<GroundKind, string | undefined>> = {
  ".": undefined,
  "^": "high",
  "/": "ramp",
  "~": "cliff",
  "#": "wall",
};

/** The name of the colour that a kind of ground is drawn in; undefined for the level floor. */
export function groundColour(kind: string): string | undefined {
  return colours[kind as GroundKind];
}

/** Walls, cliffs, ramps and high ground, over the level floor. Cells of one kind side by side are drawn at once. */
export function drawGround(context: CanvasRenderingContext2D, frame: Frame, camera: Camera, palette: Colours): void {
  const { ground } = frame;
  const columns = ground?.[0]?.length ?? 0;
  if (!ground || columns === 0) return;
  const [cellWidth, cellHeight] = [frame.width / columns, frame.height / ground.length];
  ground.forEach((row, r) => {
    const top = Math.round(camera.y(frame.height - r * cellHeight));
    const bottom = Math.round(camera.y(frame.height - (r + 1) * cellHeight));
    for (const { 0: run, index } of row.matchAll(/(.)\1*/g)) {
      const colour = groundColour(run[0]!);
      if (colour === undefined) continue;
      const left = Math.round(camera.x(index * cellWidth));
      const right = Math.round(camera.x((index + run.length) * cellWidth));
      context.fillStyle = palette[colour]!;
      context.fillRect(left, top, right - left, bottom - top);
    }
  });
}
