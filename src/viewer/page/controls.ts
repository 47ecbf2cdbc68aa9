import type { RecordedEpisode } from "../../runs/episodes.js";
import { returnsOf, spanOf } from "../story.js";
import { element, formatNumber, formatSigned, svgElement } from "./dom.js";
import { keepFocus } from "./panels.js";
import type { Player, PlayerState } from "./player.js";

const icons = {
  play: "M4 2.5v11l10-5.5z",
  pause: "M3.5 2.5h3.2v11H3.5zM9.3 2.5h3.2v11H9.3z",
  back: "M11.5 2.5v11L4.8 8zM3 2.5h1.8v11H3z",
  forward: "M4.5 2.5v11L11.2 8zM11.2 2.5H13v11h-1.8z",
} as const;

const icon = (path: string) =>
  svgElement("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, svgElement("path", { d: path }));

function button(label: string, path: string, className: string, onClick: () => void): HTMLButtonElement {
  const node = element("button", { type: "button", class: className, "aria-label": label, title: label }, icon(path));
  keepFocus(node);
  node.addEventListener("click", onClick);
  return node;
}

/** The curve of the return so far above the scrub bar, and a mark at the present moment. */
function timeline(returns: readonly number[]) {
  const last = Math.max(1, returns.length - 1);
  const [low, high] = spanOf(returns);
  const y = (value: number) => 98 - (96 * (value - low)) / (high - low || 1);
  const points = returns.map((value, t) => `${t} ${y(value).toFixed(2)}`).join("L");
  const now = svgElement("line", { class: "now", y1: "0", y2: "100" });
  const picture = svgElement(
    "svg",
    { class: "timeline", viewBox: `0 0 ${last} 100`, preserveAspectRatio: "none", role: "img", "aria-label": "Return so far" },
    svgElement("path", { class: "area", d: `M0 ${y(0)}L${points}L${returns.length - 1} ${y(0)}Z` }),
    svgElement("path", { class: "curve", d: `M${points}` }),
    now,
  );
  const show = (time: number) => {
    now.setAttribute("x1", String(time));
    now.setAttribute("x2", String(time));
  };
  return { picture, show };
}

function readout(names: readonly string[]) {
  const values = names.map(() => element("dd", {}));
  const list = element(
    "dl",
    { class: "readout" },
    ...names.map((name, k) => element("div", {}, element("dt", {}, name), values[k]!)),
  );
  const show = (texts: readonly string[]) => {
    texts.forEach((text, k) => {
      values[k]!.textContent = text;
    });
  };
  return { list, show };
}

/** Play, step, scrub, speed, and the numbers of the present step. */
export function createControls(episode: RecordedEpisode, player: Player) {
  const returns = returnsOf(episode);
  const curve = timeline(returns);
  const scrub = element("input", {
    ...{ type: "range", class: "scrub", min: "0", max: String(player.lastStep), step: "1", value: "0", "aria-label": "Step" },
  });
  scrub.addEventListener("input", () => player.seek(Number(scrub.value)));
  const step = (by: number) => player.seek(Math.floor(player.state.time + (by < 0 ? 1 - 1e-9 : 0)) + by);
  const play = button("Play (space)", icons.play, "play", () => player.toggle());
  const speed = element("select", {}, ...[1, 2, 4, 8, 16].map((n) => element("option", { value: String(n) }, `${n} steps/s`)));
  speed.value = String(player.state.speed);
  speed.addEventListener("change", () => player.setSpeed(Number(speed.value)));
  const numbers = readout(["step", "reward", "return"]);

  const row = element(
    "div",
    { class: "row" },
    button("One step back (left arrow)", icons.back, "", () => step(-1)),
    play,
    button("One step on (right arrow)", icons.forward, "", () => step(1)),
    element("label", {}, "speed", speed),
    numbers.list,
  );
  let playing: boolean | undefined;
  return {
    element: element("section", { class: "card controls", "aria-label": "Playback" }, curve.picture, scrub, row),
    step,
    show(state: PlayerState) {
      const t = Math.floor(state.time);
      curve.show(state.time);
      scrub.value = String(t);
      scrub.setAttribute("aria-valuetext", `step ${t} of ${player.lastStep}`);
      numbers.show([`${t} / ${player.lastStep}`, formatSigned(episode.steps[t]!.reward, 2), formatNumber(returns[t]!, 2)]);
      if (playing === state.playing) return;
      playing = state.playing;
      const label = playing ? "Pause (space)" : "Play (space)";
      play.replaceChildren(icon(playing ? icons.pause : icons.play));
      play.setAttribute("aria-label", label);
      play.title = label;
    },
  };
}
