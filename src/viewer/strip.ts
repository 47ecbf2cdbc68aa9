/**
 * A picture strip: some steps of an episode side by side in one SVG file, for pages that play nothing.
 *
 * @module
 */
import type { Frame, FrameEvent, FrameUnit } from "../environment.js";
import { BatonError } from "../errors.js";
import type { RecordedEpisode } from "../runs/episodes.js";
import { type Shape, shapeOf, shapePath, topOf } from "./page/shapes.js";
import { type Bounds, boundsOf, choicesAt, type Intent, intentsAt } from "./story.js";

const colours = {
  ...{ text: "#1b2430", muted: "#5f6b7a", line: "#dfe3e8", floor: "#fbfcfd", back: "#d3d9e0", white: "#ffffff" },
  ...{ health: "#2f9e58", low: "#d03a2f", shield: "#3aa6d8", energy: "#8a5cd0", shot: "#f0a818", hit: "#e0352b" },
} as const;
const teams = ["#2563c9", "#c8501e", "#7c8794"] as const;
const ground: Readonly<Record<string, string>> = { "#": "#b9c0c9", "~": "#c9bfa6", "/": "#e2d8bd", "^": "#ece7d8" };
/** Sizes in pixels. */
const gap = 10;
/** Of the words below a panel, and how wide one of their letters is at most. */
const lineHeight = 16;
const letterWidth = 7;
const tallest = 260;
const leastAspect = 0.8;
/** Steps whose places are drawn as a trail behind a unit. */
const trail = 4;

const n = (value: number) => String(Math.round(value * 10) / 10);
const escapeText = (text: string) => text.replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]!);

/** One step's panel: world units to pixels. */
interface Panel {
  readonly scale: number;
  readonly width: number;
  readonly height: number;
  x(world: number): number;
  y(world: number): number;
}

export interface StripOptions {
  /** Steps to show, e.g. [24, 25, 26]; six that share out the fight when left out. */
  readonly steps?: readonly number[];
  /** Width of the whole picture in pixels. */
  readonly width?: number;
}

/** Draws some steps of an episode. Throws a BatonError for an episode without pictures and for steps that it does not have. */
export function renderStrip(episode: RecordedEpisode, { steps = fightOf(episode), width = 1200 }: StripOptions = {}): string {
  const last = episode.steps.length - 1;
  const wrong = steps.find((t) => !(Number.isInteger(t) && t >= 0 && t <= last));
  if (wrong !== undefined || steps.length === 0) {
    throw new BatonError("invalid-value", `step ${wrong ?? "none"} cannot be shown: the episode has steps 0 to ${last}`);
  }
  const whole = boundsOf(episode);
  if (whole === null || steps.some((t) => episode.steps[t]!.frame === null)) {
    throw new BatonError("invalid-value", `${episode.env} draws no pictures, so there is no strip of it`);
  }
  const living = steps.map((t) => boundsOf({ ...episode, steps: [episode.steps[t]!] }));
  // where nobody lives any more, the middle of everything
  const views = living.map((view) => view ?? whole);
  const across = (width - gap * (steps.length - 1)) / steps.length;
  // each panel looks at the middle of its own step, all at the same scale
  const sized = living.every((view) => view === null) ? views : living.filter((view) => view !== null);
  const wide = Math.max(...sized.map((view) => view.right - view.left));
  const tall = Math.max(...sized.map((view) => view.top - view.bottom));
  const height = Math.min(tallest, across * Math.max(leastAspect, tall / wide));
  const scale = Math.min(across / wide, height / tall);
  const types = [...new Set(episode.steps.flatMap(({ frame }) => frame?.units.map((unit) => unit.type) ?? []))];
  const shapes = new Map(types.map((type, k) => [type, shapeOf(k)]));
  const summaries = steps.map((t) => wrap(summaryOf(episode, t), across / letterWidth));
  const caption = lineHeight * (1.5 + Math.max(...summaries.map((lines) => lines.length)));
  const panels = steps.map((t, k) => {
    const picture = drawPanel(episode, t, panelOf(views[k]!, scale, across, height), shapes);
    const below = (line: number) => n(height + lineHeight * line);
    const summary = summaries[k]!.map((line, i) => `<tspan x="0" y="${below(i + 2)}">${escapeText(line)}</tspan>`).join("");
    const words = `<text y="${below(1)}" font-weight="600">step ${t}</text><text fill="${colours.muted}">${summary}</text>`;
    return `<g transform="translate(${n(k * (across + gap))} 0)">${picture}${words}</g>`;
  });
  const style = `font-family="system-ui, sans-serif" font-size="12" fill="${colours.text}"`;
  const title = escapeText(`${episode.agent} on ${episode.env}, steps ${steps.join(", ")}`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${n(height + caption)}" width="${width}" height="${n(height + caption)}" ${style}><title>${title}</title><rect width="100%" height="100%" fill="${colours.white}"/>${panels.join("")}</svg>\n`;
}

/** Six steps from the first event of an episode to its end; from its beginning where nothing is told. */
function fightOf(episode: RecordedEpisode): number[] {
  const last = episode.steps.length - 1;
  const first = Math.max(
    0,
    episode.steps.findIndex(({ frame }) => (frame?.events?.length ?? 0) > 0),
  );
  const count = Math.min(6, last - first + 1);
  return Array.from({ length: count }, (_, k) => Math.round(first + (k * (last - first)) / Math.max(1, count - 1)));
}

/** What the living chose: `attack ×2, west`. */
function summaryOf(episode: RecordedEpisode, t: number): string {
  const counts = new Map<string, number>();
  for (const choice of choicesAt(episode, t)) {
    const verb = choice.name.split(" ")[0]!;
    if (choice.alive) counts.set(verb, (counts.get(verb) ?? 0) + 1);
  }
  if (counts.size === 0) return episode.won ? "won" : "the end";
  return [...counts].map(([verb, count]) => (count > 1 ? `${verb} ×${count}` : verb)).join(", ");
}

/** Lines of at most so many letters, where there is a comma to break at. */
function wrap(text: string, letters: number): string[] {
  const [first, ...others] = text.split(", ");
  const lines = [first!];
  for (const part of others) {
    const longer = `${lines.at(-1)}, ${part}`;
    if (longer.length <= letters) lines[lines.length - 1] = longer;
    else lines.push(part);
  }
  return lines;
}

function panelOf(view: Bounds, scale: number, width: number, height: number): Panel {
  const [x0, y0] = [(view.left + view.right) / 2, (view.bottom + view.top) / 2];
  return { scale, width, height, x: (x) => width / 2 + scale * (x - x0), y: (y) => height / 2 - scale * (y - y0) };
}

function drawPanel(episode: RecordedEpisode, t: number, panel: Panel, shapes: ReadonlyMap<string, Shape>): string {
  const frame = episode.steps[t]!.frame!;
  const box = `width="${n(panel.width)}" height="${n(panel.height)}"`;
  const living = frame.units.filter((unit) => unit.alive);
  const parts = [
    `<rect ${box} fill="${colours.floor}"/>`,
    ...drawGround(frame, panel),
    drawGrid(frame, panel),
    ...frame.units.map((unit, u) => drawTrail(episode, t, u, unit, panel)),
    ...intentsAt(episode, t).map((intent) => drawIntent(intent, frame, panel)),
    ...living.map((unit) => drawUnit(unit, panel, shapes.get(unit.type) ?? null)),
    ...(frame.events ?? []).map((event) => drawEvent(event, frame, panel)),
    ...living.map((unit) => drawBars(unit, panel, shapes.get(unit.type) ?? null)),
  ];
  // a nested svg cuts off what lies outside of it
  return `<svg ${box}>${parts.join("")}</svg><rect ${box} fill="none" stroke="${colours.line}"/>`;
}

function drawGround(frame: Frame, panel: Panel): string[] {
  const rows = frame.ground ?? [];
  const [across, down] = [frame.width / (rows[0]?.length || 1), frame.height / (rows.length || 1)];
  return rows.flatMap((row, r) =>
    Array.from(row.matchAll(/(.)\1*/g), ({ 0: run, index }) => {
      const fill = ground[run[0]!];
      if (fill === undefined) return "";
      const [x, y] = [panel.x(index * across), panel.y(frame.height - r * down)];
      // a little taller than the row, so that no seams show
      return `<rect x="${n(x)}" y="${n(y)}" width="${n(run.length * across * panel.scale)}" height="${n(down * panel.scale + 0.3)}" fill="${fill}"/>`;
    }),
  );
}

/** Lines every two world units, by which a moving view is read. */
function drawGrid({ width, height }: Frame, panel: Panel): string {
  const line = (x0: number, y0: number, x1: number, y1: number) =>
    `M${n(panel.x(x0))} ${n(panel.y(y0))}L${n(panel.x(x1))} ${n(panel.y(y1))}`;
  const lines = (size: number) => Array.from({ length: Math.floor(size / 2) + 1 }, (_, k) => 2 * k);
  const path = [...lines(width).map((x) => line(x, 0, x, height)), ...lines(height).map((y) => line(0, y, width, y))].join("");
  return `<path d="${path}" stroke="${colours.line}" stroke-width="0.6" fill="none"/>`;
}

function drawTrail(episode: RecordedEpisode, t: number, u: number, unit: FrameUnit, panel: Panel): string {
  if (!unit.alive) return "";
  const places = episode.steps.slice(Math.max(0, t - trail), t + 1).flatMap(({ frame }) => frame?.units[u] ?? []);
  const points = places.map((place) => `${n(panel.x(place.x))},${n(panel.y(place.y))}`).join(" ");
  return `<polyline points="${points}" fill="none" stroke="${teams[unit.team] ?? teams[2]}" stroke-opacity="0.35" stroke-width="2"/>`;
}

/** Where an agent is about to walk; whom it is about to shoot at is seen in the shots of the next step. */
function drawIntent(intent: Intent, frame: Frame, panel: Panel): string {
  const unit = frame.units[intent.agent];
  if (!unit || intent.kind !== "move") return "";
  const [x, y] = [panel.x(unit.x), panel.y(unit.y)];
  const start = Math.max(4, unit.radius * panel.scale) + 2;
  const angle = (Math.atan2(-intent.dy, intent.dx) * 180) / Math.PI;
  return `<path d="M${n(start)} 0H${n(start + 8)}m-4 -3.5l5 3.5l-5 3.5" transform="translate(${n(x)} ${n(y)}) rotate(${n(angle)})" fill="none" stroke="${teams[unit.team] ?? teams[2]}" stroke-width="1.8"/>`;
}

const radiusOf = (unit: FrameUnit, panel: Panel) => Math.max(4, unit.radius * panel.scale);

function drawUnit(unit: FrameUnit, panel: Panel, shape: Shape): string {
  const at = `translate(${n(panel.x(unit.x))} ${n(panel.y(unit.y))})`;
  return `<path d="${shapePath(shape, radiusOf(unit, panel))}" transform="${at}" fill="${teams[unit.team] ?? teams[2]}" stroke="${colours.white}"/>`;
}

function drawBars(unit: FrameUnit, panel: Panel, shape: Shape): string {
  const radius = radiusOf(unit, panel);
  const width = Math.max(12, 2 * radius);
  const left = panel.x(unit.x) - width / 2;
  let bottom = panel.y(unit.y) - radius * topOf(shape) - 3;
  const bar = (value: number, most: number | undefined, fill: string) => {
    if (!most) return "";
    bottom -= 3.5;
    const share = Math.min(1, Math.max(0, value / most));
    const rect = (size: number, colour: string) =>
      `<rect x="${n(left)}" y="${n(bottom)}" width="${n(size)}" height="2.5" fill="${colour}"/>`;
    return rect(width, colours.back) + rect(width * share, fill);
  };
  const weak = unit.health <= 0.35 * unit.healthMax;
  return (
    bar(unit.health, unit.healthMax, weak ? colours.low : colours.health) +
    bar(unit.shield, unit.shieldMax, colours.shield) +
    bar(unit.energy ?? 0, unit.energyMax, colours.energy)
  );
}

function drawEvent(event: FrameEvent, frame: Frame, panel: Panel): string {
  if (event.kind === "splash") {
    const circle = `cx="${n(panel.x(event.x))}" cy="${n(panel.y(event.y))}" r="${n(event.radius * panel.scale)}"`;
    return `<circle ${circle} fill="${colours.shot}" fill-opacity="0.25" stroke="${colours.shot}"/>`;
  }
  if (event.kind === "death") {
    const unit = frame.units[event.unit];
    if (!unit) return "";
    const reach = radiusOf(unit, panel);
    const cross = `M${n(-reach)} ${n(-reach)}L${n(reach)} ${n(reach)}M${n(-reach)} ${n(reach)}L${n(reach)} ${n(-reach)}`;
    return `<path d="${cross}" transform="translate(${n(panel.x(unit.x))} ${n(panel.y(unit.y))})" stroke="${colours.hit}" stroke-width="2"/>`;
  }
  const [from, to] = [frame.units[event.from], frame.units[event.to]];
  if (!from || !to) return "";
  const ends = `x1="${n(panel.x(from.x))}" y1="${n(panel.y(from.y))}" x2="${n(panel.x(to.x))}" y2="${n(panel.y(to.y))}"`;
  const colour = event.kind === "heal" ? colours.health : colours.shot;
  return `<line ${ends} stroke="${colour}" stroke-width="${event.kind === "heal" ? 3 : 2}" stroke-linecap="round" stroke-opacity="0.9"/>`;
}
