import type { FrameEvent } from "../../environment.js";
import type { Camera } from "./camera.js";
import { type Colours, teamName } from "./palette.js";
import type { Sprite } from "./sprites.js";

/** How long an effect is seen, in steps. */
const life: Readonly<Record<FrameEvent["kind"], number>> = { shot: 0.3, heal: 0.4, splash: 0.5, death: 0.9 };

/** An event and how visible it is, 0 … 1. */
export interface Effect {
  readonly event: FrameEvent;
  readonly strength: number;
}

/**
 * What is to be seen at a moment: what has just happened of `now` (between this step and the next) and still of `before`. On a
 * whole step, where the picture stands still, all that led there.
 */
export function effectsAt(before: readonly FrameEvent[], now: readonly FrameEvent[], fraction: number): Effect[] {
  if (fraction === 0) return before.map((event) => ({ event, strength: 0.7 }));
  const effects: Effect[] = [];
  for (const [events, elapsed] of [
    [before, 1 + fraction],
    [now, fraction],
  ] as const) {
    for (const event of events) {
      const age = elapsed - event.at;
      if (age >= 0 && age < life[event.kind]) effects.push({ event, strength: 1 - age / life[event.kind] });
    }
  }
  return effects;
}

/** Shots, healing, splash and deaths. */
export function drawEffects(
  context: CanvasRenderingContext2D,
  effects: readonly Effect[],
  sprites: readonly Sprite[],
  camera: Camera,
  colours: Colours,
): void {
  for (const { event, strength } of effects) {
    context.globalAlpha = strength;
    if (event.kind === "splash") drawSplash(context, event, camera, colours);
    else if (event.kind === "death") drawCross(context, sprites[event.unit], colours);
    else drawBeam(context, event.kind, sprites[event.from], sprites[event.to], colours);
  }
  context.globalAlpha = 1;
}

function drawSplash(
  context: CanvasRenderingContext2D,
  { x, y, radius }: Extract<FrameEvent, { kind: "splash" }>,
  camera: Camera,
  colours: Colours,
): void {
  context.beginPath();
  context.arc(camera.x(x), camera.y(y), Math.max(3, radius * camera.scale), 0, 2 * Math.PI);
  const alpha = context.globalAlpha;
  context.fillStyle = colours.shot!;
  context.globalAlpha = 0.3 * alpha;
  context.fill();
  context.globalAlpha = alpha;
  context.strokeStyle = colours.shot!;
  context.lineWidth = 1.5;
  context.stroke();
}

function drawBeam(
  context: CanvasRenderingContext2D,
  kind: "shot" | "heal",
  from: Sprite | undefined,
  to: Sprite | undefined,
  colours: Colours,
): void {
  if (!from || !to) return;
  const colour = kind === "heal" ? colours.heal! : colours[teamName(from.unit.team)]!;
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  const [ux, uy] = [(to.x - from.x) / length, (to.y - from.y) / length];
  const start = Math.min(from.radius, length / 2);
  context.strokeStyle = kind === "heal" ? colours.heal! : colours.shot!;
  context.lineWidth = kind === "heal" ? 4 : 2.5;
  context.lineCap = "round";
  context.beginPath();
  context.moveTo(from.x + ux * start, from.y + uy * start);
  context.lineTo(to.x, to.y);
  context.stroke();
  context.lineCap = "butt";
  context.beginPath();
  context.arc(to.x - ux * to.radius * 0.7, to.y - uy * to.radius * 0.7, 3.5, 0, 2 * Math.PI);
  context.fillStyle = colour;
  context.fill();
}

function drawCross(context: CanvasRenderingContext2D, sprite: Sprite | undefined, colours: Colours): void {
  if (!sprite) return;
  const reach = sprite.radius * 0.9;
  context.strokeStyle = colours.hit!;
  context.lineWidth = 2.5;
  context.beginPath();
  for (const side of [-1, 1]) {
    context.moveTo(sprite.x - reach, sprite.y - reach * side);
    context.lineTo(sprite.x + reach, sprite.y + reach * side);
  }
  context.stroke();
}
