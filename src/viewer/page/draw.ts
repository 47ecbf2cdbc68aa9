import type { Frame } from "../../environment.js";
import type { Intent } from "../story.js";
import type { Camera } from "./camera.js";
import { drawGround } from "./ground.js";
import { type Colours, teamName } from "./palette.js";
import { topOf, traceShape } from "./shapes.js";
import type { Sprite } from "./sprites.js";

/** How far agents see: a circle around one. */
export function drawSight(context: CanvasRenderingContext2D, sprite: Sprite, camera: Camera, colours: Colours): void {
  const { sight = 0 } = sprite.unit;
  if (sight <= 0) return;
  context.beginPath();
  context.arc(sprite.x, sprite.y, sight * camera.scale, 0, 2 * Math.PI);
  context.fillStyle = colours.team!;
  context.globalAlpha = 0.06;
  context.fill();
  context.globalAlpha = 0.5;
  context.strokeStyle = colours.team!;
  context.lineWidth = 1;
  context.setLineDash([2, 4]);
  context.stroke();
  context.setLineDash([]);
  context.globalAlpha = 1;
}

/** The floor of the world with a grid of round numbers of world units. */
export function drawGrid(context: CanvasRenderingContext2D, frame: Frame, camera: Camera, colours: Colours): void {
  const [left, right, top, bottom] = [camera.x(0), camera.x(frame.width), camera.y(frame.height), camera.y(0)];
  context.fillStyle = colours.world!;
  context.fillRect(left, top, right - left, bottom - top);
  drawGround(context, frame, camera, colours);
  const spacing = [1, 2, 5, 10, 20].find((step) => step * camera.scale >= 40) ?? 50;
  context.lineWidth = 1;
  context.strokeStyle = colours.grid!;
  context.beginPath();
  for (let x = spacing; x < frame.width; x += spacing) {
    context.moveTo(Math.round(camera.x(x)) + 0.5, top);
    context.lineTo(Math.round(camera.x(x)) + 0.5, bottom);
  }
  for (let y = spacing; y < frame.height; y += spacing) {
    context.moveTo(left, Math.round(camera.y(y)) + 0.5);
    context.lineTo(right, Math.round(camera.y(y)) + 0.5);
  }
  context.stroke();
  context.strokeStyle = colours.line!;
  context.strokeRect(left, top, right - left, bottom - top);
}

/** An arrow from one point to another. */
function drawArrow(context: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number, dashed: boolean): void {
  const angle = Math.atan2(y1 - y0, x1 - x0);
  const head = 8;
  context.setLineDash(dashed ? [5, 4] : []);
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
  context.setLineDash([]);
  context.beginPath();
  context.moveTo(x1, y1);
  for (const side of [-1, 1])
    context.lineTo(x1 - head * Math.cos(angle + 0.42 * side), y1 - head * Math.sin(angle + 0.42 * side));
  context.closePath();
  context.fill();
}

/**
 * What the agents are about to do: lines to their targets, arrows for their moves. Those who decide after the selected agent are
 * faint: it does not know of them.
 */
export function drawIntents(
  context: CanvasRenderingContext2D,
  intents: readonly Intent[],
  sprites: readonly Sprite[],
  selected: number,
  positions: ReadonlyMap<number, number>,
  colours: Colours,
): void {
  const reached = positions.get(selected) ?? Number.POSITIVE_INFINITY;
  for (const intent of intents) {
    const from = sprites[intent.agent];
    if (!from) continue;
    const to = intent.kind === "target" ? sprites[intent.target] : undefined;
    if (intent.kind === "target" && (!to || to === from)) continue;
    const healing = to?.unit.team === from.unit.team;
    const reach = from.radius + 4;
    const [dx, dy] = to ? [to.x - from.x, to.y - from.y] : intent.kind === "move" ? [intent.dx, -intent.dy] : [0, 0];
    const length = Math.hypot(dx, dy) || 1;
    const [ux, uy] = [dx / length, dy / length];
    const end = to ? Math.max(reach, length - to.radius - 3) : reach + 18;
    const colour = healing ? colours.heal! : colours[teamName(from.unit.team)]!;
    context.strokeStyle = colour;
    context.fillStyle = colour;
    context.lineWidth = intent.agent === selected ? 2.5 : 1.5;
    const known = (positions.get(intent.agent) ?? 0) <= reached;
    context.globalAlpha = from.opacity * (intent.agent === selected ? 1 : known ? 0.65 : 0.15);
    drawArrow(context, from.x + ux * reach, from.y + uy * reach, from.x + ux * end, from.y + uy * end, healing);
  }
  context.globalAlpha = 1;
}

/** One unit: its shape and number. */
export function drawUnit(context: CanvasRenderingContext2D, sprite: Sprite, selected: boolean, colours: Colours): void {
  const { unit, shape, x, y, radius } = sprite;
  context.globalAlpha = sprite.opacity;
  if (selected) {
    context.strokeStyle = colours.text!;
    context.lineWidth = 2;
    traceShape(context, shape, x, y, radius + 4.5);
    context.stroke();
  }
  traceShape(context, shape, x, y, radius);
  context.fillStyle = colours[teamName(unit.team)]!;
  context.fill();
  context.strokeStyle = sprite.hit > 0 ? colours.hit! : colours.card!;
  context.lineWidth = 1.5 + 2.5 * sprite.hit;
  context.stroke();
  if (radius >= 7) {
    context.fillStyle = unit.alive ? "#fff" : colours.text!;
    context.font = `600 ${Math.min(16, Math.max(9, radius * 0.95))}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(String(sprite.index), x, y + 0.5);
  }
  context.globalAlpha = 1;
}

/** In which place an agent decides, as a number at its upper left. */
export function drawTurn(context: CanvasRenderingContext2D, sprite: Sprite, position: number, colours: Colours): void {
  const reach = sprite.radius * 0.75 + 5;
  const [x, y] = [sprite.x - reach, sprite.y - reach * 0.2];
  context.globalAlpha = sprite.opacity;
  context.beginPath();
  context.arc(x, y, 6.5, 0, 2 * Math.PI);
  context.fillStyle = colours.card!;
  context.fill();
  context.strokeStyle = colours.team!;
  context.lineWidth = 1;
  context.stroke();
  context.fillStyle = colours.text!;
  context.font = "600 9px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(String(position + 1), x, y + 0.5);
  context.globalAlpha = 1;
}

/** Health over the unit, shield over the health, a healer's energy on top. Drawn after all units, so that none hides another's. */
export function drawBars(context: CanvasRenderingContext2D, sprite: Sprite, colours: Colours): void {
  const { unit, shape, x, y, radius, health, shield } = sprite;
  const width = Math.max(18, 2 * radius);
  const bottom = y - radius * topOf(shape) - 7;
  const bar = (row: number, share: number, colour: string) => {
    const [left, top] = [x - width / 2, bottom - 4 - 5 * row];
    context.fillStyle = colours.card!;
    context.fillRect(left - 1, top - 1, width + 2, 6);
    context.fillStyle = colours["bar-back"]!;
    context.fillRect(left, top, width, 4);
    context.fillStyle = colours[colour]!;
    context.fillRect(left, top, width * Math.min(1, Math.max(0, share)), 4);
  };
  context.globalAlpha = sprite.opacity;
  if (unit.energyMax) bar(unit.shieldMax > 0 ? 2 : 1, sprite.energy / unit.energyMax, "energy");
  if (unit.shieldMax > 0) bar(1, shield / unit.shieldMax, "shield");
  if (unit.healthMax > 0) bar(0, health / unit.healthMax, health > 0.35 * unit.healthMax ? "health" : "health-low");
  context.globalAlpha = 1;
}
