import type { RecordedEpisode } from "../../runs/episodes.js";
import { type Choice, choicesAt, entityName, hasPriors, isValued, type Option, optionsAt } from "../story.js";
import { element, formatNumber, formatSigned } from "./dom.js";

/** A part of the page that shows step `t` with agent `selected`. Its elements are made once and rewritten, so focus stays. */
export interface Panel {
  readonly element: HTMLElement;
  show(t: number, selected: number): void;
}

/** A click must not take the focus, or the space bar would press the row again instead of playing. The Tab key still can. */
export function keepFocus(node: HTMLElement): void {
  node.addEventListener("mousedown", (event) => event.preventDefault());
}

/** "Who chose what, in which order": one row for each position p of deciding. */
export function decisionsPanel(episode: RecordedEpisode, onSelect: (agent: number) => void): Panel {
  const { agents } = episode.spec;
  const [valued, priors] = [isValued(episode), hasPriors(episode)];
  let choices: readonly Choice[] = [];
  const rows = Array.from({ length: agents }, (_, p) => {
    const button = element("button", { type: "button" });
    const cells = {
      position: element("td", {}, String(p + 1)),
      agent: element("td", {}, button),
      action: element("td", { class: "action" }),
      value: element("td", { class: "number" }),
      margin: element("td", { class: "number" }),
      prior: element("td", { class: "prior" }),
    };
    const shown = [
      ...[cells.position, cells.agent, cells.action],
      ...(valued ? [cells.value, cells.margin] : []),
      ...(priors ? [cells.prior] : []),
    ];
    const row = element("tr", {}, ...shown);
    keepFocus(row);
    row.addEventListener("click", () => {
      if (choices[p]) onSelect(choices[p].agent);
    });
    return { row, button, cells };
  });
  const head = element("thead", {});
  head.append(
    element(
      "tr",
      {},
      element("th", { scope: "col" }, "#"),
      element("th", { scope: "col" }, "agent"),
      element("th", { scope: "col" }, "action"),
      ...(valued
        ? [element("th", { scope: "col", class: "number" }, "Q"), element("th", { scope: "col", class: "number" }, "margin")]
        : []),
      ...(priors ? [element("th", { scope: "col" }, "alone")] : []),
    ),
  );
  const body = element("tbody", {}, ...rows.map(({ row }) => row));
  const hint = element("p", { class: "hint" });
  const scroll = element("div", { class: "scroll" }, element("table", {}, head, body));

  return {
    element: element(
      "section",
      { class: "card panel decisions" },
      element("h2", {}, "Who chose what, in which order"),
      hint,
      scroll,
    ),
    show(t, selected) {
      choices = choicesAt(episode, t);
      scroll.hidden = choices.length === 0;
      hint.textContent =
        choices.length === 0
          ? "The episode is over: nobody decides any more."
          : !valued
            ? "A scripted policy: it values nothing."
            : priors
              ? "Margin: Q of the choice minus its best alternative. Alone: what it preferred before anybody chose, = the same."
              : "Margin: Q of the choice minus that of its best alternative.";
      choices.forEach((choice, p) => {
        const { row, button, cells } = rows[p]!;
        row.className = `${choice.agent === selected ? "selected" : ""} ${choice.alive ? "" : "dead"}`;
        button.textContent = entityName(episode.steps[t]!.frame, agents, choice.agent);
        button.setAttribute("aria-pressed", String(choice.agent === selected));
        cells.action.textContent = choice.alive ? choice.name : "dead";
        cells.action.title = choice.name;
        cells.value.textContent = choice.alive && choice.value !== null ? formatNumber(choice.value) : "";
        const alone = choice.value === null ? "" : "only one";
        cells.margin.textContent = !choice.alive ? "" : choice.margin === null ? alone : formatSigned(choice.margin);
        cells.prior.textContent = choice.alive && choice.prior ? (choice.prior.changed ? choice.prior.name : "=") : "";
        cells.prior.title = choice.prior ? `its choice was worth ${formatNumber(choice.prior.value)} before anybody chose` : "";
        cells.margin.className = `number ${choice.margin !== null && choice.margin < 0 ? "negative" : ""}`;
      });
    },
  };
}

/** Bars start at the lowest available Q, because the differences are small beside the values themselves. */
function barWidth(value: number, lowest: number, highest: number): number {
  return highest > lowest ? (100 * (value - lowest)) / (highest - lowest) : 100;
}

/** What one action is worth now and, if known, how that differs from before anybody had chosen. */
function valueText({ available, value, prior }: Option): string {
  if (value === null) return available ? "" : "—";
  return prior === null ? formatNumber(value) : `${formatNumber(value)} (${formatSigned(value - prior)})`;
}

/** The Q-values of all A actions of the selected agent, at the moment when it decided. */
export function valuesPanel(episode: RecordedEpisode): Panel {
  const rows = Array.from({ length: episode.spec.actions }, () => {
    const [name, fill, value] = [
      element("span", { class: "name" }),
      element("span", { class: "fill" }),
      element("span", { class: "number" }),
    ];
    const prior = element("span", { class: "before" });
    const row = element("li", { class: "option" }, name, element("span", { class: "track" }, fill, prior), value);
    return { row, name, fill, prior, value };
  });
  const title = element("h2", {});
  const hint = element("p", { class: "hint" });
  const [valued, priors] = [isValued(episode), hasPriors(episode)];
  const list = element(
    "ul",
    { class: `scroll options ${priors ? "with-priors" : ""} ${valued ? "" : "unvalued"}`, "aria-label": "Q-values" },
    ...rows.map(({ row }) => row),
  );

  return {
    element: element("section", { class: "card panel values" }, title, hint, list),
    show(t, selected) {
      const options = optionsAt(episode, t, selected);
      const values = options.flatMap(({ value, prior }) => [value, prior]).filter((value) => value !== null);
      const [lowest, highest] = [Math.min(...values), Math.max(...values)];
      title.textContent = `${valued ? "Q-values" : "Actions"} of ${entityName(episode.steps[t]!.frame, episode.spec.agents, selected)}`;
      list.hidden = options.length === 0;
      const range = `Bars run from ${formatNumber(lowest)} to ${formatNumber(highest)}.`;
      hint.textContent =
        options.length === 0
          ? "No decision at the last step."
          : !valued
            ? "What it could have chosen; a scripted policy values nothing."
            : priors
              ? `${range} The mark, and in brackets the change since: before anybody chose.`
              : range;
      options.forEach((option, action) => {
        const { row, name, fill, prior, value } = rows[action]!;
        row.className = `option ${option.chosen ? "chosen" : ""} ${option.available ? "" : "unavailable"}`;
        name.textContent = option.name;
        name.title = option.name;
        fill.style.width = option.value === null ? "0" : `${barWidth(option.value, lowest, highest)}%`;
        prior.hidden = option.prior === null;
        if (option.prior !== null) prior.style.left = `calc(${barWidth(option.prior, lowest, highest)}% - 1px)`;
        value.textContent = valueText(option);
        row.setAttribute("aria-current", String(option.chosen));
      });
    },
  };
}
