import { groundKinds } from "../../environment.js";
import type { RecordedEpisode } from "../../runs/episodes.js";
import { boundsOf, eventsAfter, intentsAt } from "../story.js";
import { cameraFor } from "./camera.js";
import { element, svgElement } from "./dom.js";
import { drawBars, drawGrid, drawIntents, drawSight, drawTurn, drawUnit } from "./draw.js";
import { drawEffects, effectsAt } from "./effects.js";
import { type GroundKind, groundColour } from "./ground.js";
import { type Colours, colourNames, teamName } from "./palette.js";
import { type Shape, shapeOf, shapePath } from "./shapes.js";
import { type Sprite, spritesBetween } from "./sprites.js";

/** In larger teams the places of deciding would hide the units. */
const mostTurns = 12;

export interface Stage {
  readonly element: HTMLElement;
  /** Draws the moment `time` (in steps, fractions between steps). */
  draw(time: number, selected: number): void;
}

/** Names every unit type with its shape, and teams and ground with their colours. */
function legend(shapes: ReadonlyMap<string, Shape>, teams: readonly number[], ground: readonly string[]): HTMLElement {
  const grounds = [...new Set(ground.join(""))].filter((kind): kind is GroundKind => groundColour(kind) !== undefined);
  const swatch = (path: string, colour: string) =>
    svgElement(
      "svg",
      { width: "14", height: "14", viewBox: "-7 -7 14 14", "aria-hidden": "true" },
      svgElement("path", { d: path, fill: colour }),
    );
  const entries = [
    ...teams.map((team) => element("span", {}, swatch("M-5-5H5V5H-5Z", `var(--${teamName(team)})`), teamName(team))),
    ...grounds.map((kind) => element("span", {}, swatch("M-6-6H6V6H-6Z", `var(--${groundColour(kind)})`), groundKinds[kind])),
    ...Array.from(shapes, ([type, shape]) => element("span", {}, swatch(shapePath(shape, 5), "var(--muted)"), type)),
  ];
  return element("div", { class: "legend" }, ...entries);
}

/** The top-down picture of the world; null when the episode has none. `onSelect` is told of clicks on agents. */
export function createStage(episode: RecordedEpisode, onSelect: (agent: number) => void): Stage | null {
  const bounds = boundsOf(episode);
  if (!bounds) return null;
  const units = episode.steps.flatMap(({ frame }) => frame?.units ?? []);
  const types = [...new Set(units.map((unit) => unit.type))];
  const teams = [...new Set(units.map((unit) => unit.team))].sort((a, b) => a - b);
  const shapes = new Map(types.map((type, k) => [type, shapeOf(k)]));

  const canvas = element("canvas", { role: "img", "aria-label": "The world from above; the tables name every decision" });
  const context = canvas.getContext("2d")!;
  let colours: Colours = {};
  let sprites: readonly Sprite[] = [];
  let last = { time: 0, selected: 0 };

  const readColours = () => {
    const computed = getComputedStyle(document.documentElement);
    colours = Object.fromEntries(colourNames.map((name) => [name, computed.getPropertyValue(`--${name}`).trim()]));
  };
  const draw = (time: number, selected: number) => {
    last = { time, selected };
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = canvas;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const t = Math.floor(time);
    const now = episode.steps[t]!.frame;
    if (!now) return;
    const camera = cameraFor(bounds, width, height);
    sprites = spritesBetween(now, episode.steps[t + 1]?.frame ?? now, time - t, camera, shapes);
    const [living, dead] = [sprites.filter(({ unit }) => unit.alive), sprites.filter(({ unit }) => !unit.alive)];
    drawGrid(context, now, camera, colours);
    const chosen = sprites[selected];
    if (chosen?.unit.alive) drawSight(context, chosen, camera, colours);
    for (const sprite of dead) drawUnit(context, sprite, false, colours);
    const order = [...(episode.steps[t]!.decision?.order ?? [])];
    const positions = new Map(order.map((agent, position) => [agent, position]));
    drawIntents(context, intentsAt(episode, t), sprites, selected, positions, colours);
    // who flies is above all others
    for (const sprite of [...living].sort((a, b) => Number(a.unit.flying ?? false) - Number(b.unit.flying ?? false))) {
      drawUnit(context, sprite, sprite.index === selected, colours);
    }
    drawEffects(context, effectsAt(eventsAfter(episode, t - 1), eventsAfter(episode, t), time - t), sprites, camera, colours);
    for (const sprite of living) drawBars(context, sprite, colours);
    if (order.length > mostTurns) return;
    for (const sprite of living) {
      const position = positions.get(sprite.index);
      if (position !== undefined) drawTurn(context, sprite, position, colours);
    }
  };

  canvas.addEventListener("click", (event) => {
    const hit = sprites.find((sprite) => Math.hypot(sprite.x - event.offsetX, sprite.y - event.offsetY) <= sprite.radius + 6);
    if (hit && hit.index < episode.spec.agents) onSelect(hit.index);
  });
  readColours();
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    readColours();
    draw(last.time, last.selected);
  });
  new ResizeObserver(() => draw(last.time, last.selected)).observe(canvas);
  return {
    element: element(
      "section",
      { class: "card stage", "aria-label": "World" },
      canvas,
      legend(shapes, teams, episode.steps[0]?.frame?.ground ?? []),
    ),
    draw,
  };
}
