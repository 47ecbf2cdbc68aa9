import type { Frame, FrameUnit } from "../environment.js";
import type { RecordedEpisode } from "../runs/episodes.js";
import { type Bounds, boundsOf, choicesAt, entityName, isValued, returnsOf } from "./story.js";
import { inColumns, type Line, paintLines, type Span, type Style } from "./text.js";

export interface StepOptions {
  /** Width of the terminal in characters. */
  readonly columns: number;
  /** Whether escape codes may be used. */
  readonly color: boolean;
  /** Height of the terminal in lines; the map gives way to the tables. Without it the map is as tall as it likes. */
  readonly rows?: number;
}

const widestMap = 76;
const tallestMap = 18;
const flattestMap = 5;
const barWidth = 10;
/** Where a glyph goes, in rows and columns, when another stands in its place: the nearest first. */
const groundGlyphs: Readonly<Record<string, string>> = { "#": "▒", "~": "~", "^": "·", "/": "⁄" };
const nearby = [-3, -2, -1, 0, 1, 2, 3]
  .flatMap((dx) => [-1, 0, 1].map((dy) => [dy, dx] as const))
  .sort((a, b) => Math.hypot(2 * a[0], a[1]) - Math.hypot(2 * b[0], b[1]));

function signed(value: number, digits: number): string {
  return (value >= 0 ? "+" : "") + value.toFixed(digits);
}

function teamStyle(unit: FrameUnit): Style {
  return unit.team === 0 ? "blue" : unit.team === 1 ? "red" : "yellow";
}

/** How a unit stands on the map: initial of its type and its number, capital for the team (`M0`), small for others (`m4`). */
function glyphOf(unit: FrameUnit, index: number): string {
  const initial = unit.type.slice(0, 1) || "u";
  return (unit.team === 0 ? initial.toUpperCase() : initial.toLowerCase()) + index;
}

/** The ground at a point, as it is drawn on the map: level ground is blank. */
function groundAt({ ground, width, height }: Frame, x: number, y: number): Span {
  const columns = ground?.[0]?.length ?? 0;
  if (!ground || columns === 0 || x < 0 || y < 0 || x >= width || y >= height) return [" "];
  const row = ground[ground.length - 1 - Math.floor((y / height) * ground.length)];
  const kind = row?.[Math.floor((x / width) * columns)] ?? ".";
  return kind === "." ? [" "] : [groundGlyphs[kind] ?? kind, "dim"];
}

/** The living units on a grid of characters, each twice as high as wide. */
function mapLines(frame: Frame, bounds: Bounds, columns: number, tallest: number): Line[] {
  const [width, height] = [bounds.right - bounds.left, bounds.top - bounds.bottom];
  const across = Math.max(1, Math.min(widestMap, columns - 2));
  const unitsPerColumn = Math.max(width / across, height / (2 * tallest));
  // However flat or narrow a world is, it has one row and one column.
  const [cells, rows] = [width, height / 2].map((size) => Math.max(1, Math.round(size / unitsPerColumn))) as [number, number];
  const grid = Array.from({ length: rows }, (_, row) =>
    Array.from({ length: cells }, (__, column) =>
      groundAt(frame, bounds.left + (column + 0.5) * unitsPerColumn, bounds.top - (row + 0.5) * 2 * unitsPerColumn),
    ),
  );
  const taken = grid.map((row) => row.map(() => false));
  const free = (row: number, start: number, length: number) =>
    row >= 0 && row < rows && start >= 0 && start + length <= cells && !taken[row]!.slice(start, start + length).includes(true);

  frame.units.forEach((unit, index) => {
    if (!unit.alive) return;
    const glyph = glyphOf(unit, index);
    const centre = (unit.x - bounds.left) / unitsPerColumn - glyph.length / 2;
    const start = Math.max(0, Math.min(cells - glyph.length, Math.round(centre)));
    const row = Math.max(0, Math.min(rows - 1, Math.floor((bounds.top - unit.y) / unitsPerColumn / 2)));
    const [y, x] = nearby.map(([dy, dx]) => [row + dy, start + dx] as const).find((at) => free(...at, glyph.length)) ?? [
      row,
      start,
    ];
    [...glyph].slice(0, cells).forEach((char, k) => {
      grid[y]![x + k] = [char, teamStyle(unit)];
      taken[y]![x + k] = true;
    });
  });
  const edge = "─".repeat(cells);
  return [[[`┌${edge}┐`, "dim"]], ...grid.map((row): Line => [["│", "dim"], ...row, ["│", "dim"]]), [[`└${edge}┘`, "dim"]]];
}

function bar(share: number, style: Style): Line {
  const full = Math.round(barWidth * Math.min(1, Math.max(0, share)));
  return [
    ["█".repeat(full), style],
    ["░".repeat(barWidth - full), "dim"],
  ];
}

/** What each unit lost (−) or gained (+) by blows and healing in the step that led to a frame. */
function changesIn(frame: Frame): ReadonlyMap<number, number> {
  const changes = new Map<number, number>();
  for (const event of frame.events ?? []) {
    if (event.kind !== "shot" && event.kind !== "heal") continue;
    changes.set(event.to, (changes.get(event.to) ?? 0) + (event.kind === "heal" ? event.amount : -event.amount));
  }
  return changes;
}

/** One line for each unit: `S0 stalker ██████████   80/80 +12 −18`: its shield, a healer's energy, and what the last step changed. */
function unitLines(frame: Frame): Line[] {
  const changes = changesIn(frame);
  const name = Math.max(0, ...frame.units.map((unit) => unit.type.length));
  const glyph = Math.max(0, ...frame.units.map((unit, index) => glyphOf(unit, index).length));
  return frame.units.map((unit, index): Line => {
    const label = `${glyphOf(unit, index).padEnd(glyph)} ${unit.type.padEnd(name)} `;
    if (!unit.alive) return [[`${label}${"dead".padEnd(barWidth)}`, "dim"]];
    const share = unit.healthMax > 0 ? unit.health / unit.healthMax : 0;
    const health = ` ${Math.ceil(unit.health).toFixed(0).padStart(4)}/${unit.healthMax.toFixed(0)}`;
    const shield: Span = [unit.shieldMax > 0 ? ` +${Math.ceil(unit.shield).toFixed(0)}` : "", "cyan"];
    const energy: Span = [unit.energyMax ? ` ⚡${Math.floor(unit.energy ?? 0)}` : "", "yellow"];
    const change = Math.round(changes.get(index) ?? 0);
    const changed: Span = change === 0 ? [""] : change > 0 ? [` ▲${change}`, "green"] : [` ▼${-change}`, "red"];
    return [[label, teamStyle(unit)], ...bar(share, share > 0.35 ? "green" : "red"), [health], shield, energy, changed];
  });
}

/** One line for each decision in the order of deciding: `1  marine 2  attack marine 4   Q 12.341   margin +0.213`. */
function decisionLines(episode: RecordedEpisode, t: number): Line[] {
  const { frame } = episode.steps[t]!;
  const choices = choicesAt(episode, t).filter((choice) => choice.alive);
  if (choices.length === 0) return [[["nobody decides any more", "dim"]]];
  const names = choices.map((choice) => entityName(frame, episode.spec.agents, choice.agent));
  const [agents, actions] = [names, choices.map((choice) => choice.name)].map((all) => Math.max(...all.map((s) => s.length)));
  return choices.map((choice, k): Line => {
    const margin = choice.margin === null ? "only one available" : `margin ${signed(choice.margin, 3)}`;
    return [
      [`${String(choice.position + 1).padStart(3)}  `, "dim"],
      [names[k]!.padEnd(agents! + 2), frame ? "blue" : "bold"],
      [choice.name.padEnd(actions! + 3)],
      ...(choice.value === null
        ? []
        : [
            [`Q ${choice.value.toFixed(3).padStart(8)}   `] as const,
            [margin, choice.margin !== null && choice.margin < 0 ? "yellow" : "dim"] as const,
          ]),
      [choice.prior?.changed ? `   alone: ${choice.prior.name}` : "", "cyan"],
    ];
  });
}

/** What every step shows of the whole episode. */
interface Whole {
  readonly bounds: Bounds | null;
  readonly returns: readonly number[];
  readonly valued: boolean;
}

/** By episode: found once, because a play asks for it at each of its steps. */
const wholes = new WeakMap<RecordedEpisode, Whole>();

function wholeOf(episode: RecordedEpisode): Whole {
  const known = wholes.get(episode);
  if (known) return known;
  const whole = { bounds: boundsOf(episode), returns: returnsOf(episode), valued: isValued(episode) };
  wholes.set(episode, whole);
  return whole;
}

/**
 * Step `t` of an episode as text: where everybody is, how they are, who chooses what in which order with its Q-value. No line
 * is longer than `columns`.
 */
export function renderStep(episode: RecordedEpisode, t: number, { columns, color, rows = Infinity }: StepOptions): string {
  const { frame, reward } = episode.steps[t]!;
  const last = episode.steps.length - 1;
  const { bounds, returns, valued } = wholeOf(episode);
  const numbers = `step ${t}/${last}   reward ${signed(reward, 2)}   return ${returns[t]!.toFixed(2)}`;
  const result: Span = t < last ? [""] : episode.won ? ["   won", "green"] : ["   not won", "yellow"];
  const experience = valued ? `   trained for ${episode.checkpoint.toLocaleString("en")} steps` : "";
  const trained = `   ${episode.agent}   seed ${episode.seed}${experience}`;
  const head: Line[] = [
    [[episode.env, "bold"], [trained]],
    [[numbers], result],
  ];
  const units = frame ? inColumns(unitLines(frame), columns) : [];
  const tables = [...units, [], ...decisionLines(episode, t)];
  const left = rows - head.length - tables.length - 2; // the map has an upper and a lower edge
  const map = frame && bounds ? mapLines(frame, bounds, columns, Math.max(flattestMap, Math.min(tallestMap, left))) : [];
  return paintLines([...head, ...map, ...tables], columns, color);
}
