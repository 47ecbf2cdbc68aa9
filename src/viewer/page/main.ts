/**
 * The script of a replay page: unpacks the episode that the page carries and plays it. Bundled into the page by `html.ts`.
 *
 * @module
 */
import type { RecordedEpisode } from "../../runs/episodes.js";
import { decodePayload } from "../payload.js";
import { choicesAt, isValued } from "../story.js";
import { createControls } from "./controls.js";
import { element, formatNumber } from "./dom.js";
import { decisionsPanel, valuesPanel } from "./panels.js";
import { createPlayer, type PlayerState } from "./player.js";
import { createStage } from "./stage.js";

function header(episode: RecordedEpisode): HTMLElement {
  const fact = (name: string, value: string) => element("div", {}, element("dt", {}, name), element("dd", {}, value));
  return element(
    "header",
    {},
    element("h1", {}, episode.env),
    element(
      "dl",
      { class: "facts" },
      fact("agent", episode.agent),
      fact("seed", String(episode.seed)),
      ...(isValued(episode) ? [fact("trained for", `${episode.checkpoint.toLocaleString("en")} steps`)] : []),
      fact("return", formatNumber(episode.episodeReturn, 2)),
    ),
    element("span", { class: `result ${episode.won ? "won" : "lost"}` }, episode.won ? "Won" : "Not won"),
  );
}

/** Space plays, arrows step, Home and End jump, unless the focus is on something that uses the key itself. */
function onKeys(actions: Readonly<Record<string, () => void>>): void {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const action = actions[event.key];
    const focused = event.target instanceof Element ? event.target : document.body;
    const ownKey = focused.matches("select") || (event.key === " " ? focused.matches("button") : focused.matches("input"));
    if (!action || ownKey) return;
    event.preventDefault();
    action();
  });
}

function start(episode: RecordedEpisode): void {
  const reducedMotion = window.matchMedia("(prefers-reduced-motion: reduce)");
  const player = createPlayer(episode.steps.length, episode.steps[0]?.decision?.order.at(-1) ?? 0, (state) => show(state));
  const select = (agent: number) => player.select(agent);
  const stage = createStage(episode, select);
  const controls = createControls(episode, player);
  const panels = [decisionsPanel(episode, select), valuesPanel(episode)];
  let shown = "";

  function show(state: PlayerState): void {
    const t = Math.floor(state.time);
    stage?.draw(reducedMotion.matches ? t : state.time, state.selected);
    controls.show(state);
    if (shown === `${t} ${state.selected}`) return;
    shown = `${t} ${state.selected}`;
    for (const panel of panels) panel.show(t, state.selected);
  }

  /** Goes on to who decides next, or back; from step to step. */
  function takeTurn(by: 1 | -1): void {
    const { time, selected } = player.state;
    let t = Math.floor(time);
    const deciders = (): number[] => choicesAt(episode, t).flatMap((choice) => (choice.alive ? [choice.agent] : []));
    const place = deciders().indexOf(selected);
    let next: number | undefined = place < 0 ? undefined : deciders()[place + by];
    if (next === undefined) {
      if (place >= 0) t += by;
      if (t < 0 || t > player.lastStep) return;
      next = deciders().at(by > 0 ? 0 : -1);
    }
    if (next === undefined) return;
    player.seek(t);
    player.select(next);
  }

  const left = element("div", { class: "left" }, ...(stage ? [stage.element] : []), controls.element);
  const right = element("div", { class: "right" }, ...panels.map((panel) => panel.element));
  document.body.append(element("div", { class: stage ? "app" : "app plain" }, header(episode), element("main", {}, left, right)));
  onKeys({
    " ": () => player.toggle(),
    ArrowLeft: () => controls.step(-1),
    ArrowRight: () => controls.step(1),
    Home: () => player.seek(0),
    End: () => player.seek(player.lastStep),
    ArrowDown: () => takeTurn(1),
    ArrowUp: () => takeTurn(-1),
  });
  show(player.state);
}

decodePayload(document.getElementById("episode")!.textContent!).then(start, (error: unknown) => {
  const text = `This replay is damaged and cannot be shown: ${error instanceof Error ? error.message : String(error)}`;
  document.body.append(element("p", { class: "message", role: "alert" }, text));
});
