// What a run's recorded episodes of skirmish show, counted: `baton evaluate RUN --episodes 6 --record 6`, then
// `node experiments/ace/replays.mjs RUN …` prints a line for each run.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { readEpisode } from "../../dist/src/runs/episodes.js";
import { printTable } from "../evidence.mjs";

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const count = (flags) => flags.reduce((sum, flag) => sum + flag, 0);

/** One episode's figures; null where there is nothing to count. */
function figures({ spec, steps, won, episodeReturn }) {
  const { agents: n, actions: A, untargetedActions: U } = spec;
  const chosen = { moves: 0, targeted: 0, all: 0 };
  const perTarget = [];
  for (const { alive, decision } of steps) {
    if (!decision) continue;
    const attackers = new Map();
    for (let i = 0; i < n; i++) {
      if (alive[i] === 0) continue;
      const action = decision.actions[i];
      chosen.all++;
      if (action >= U) {
        chosen.targeted++;
        const target = decision.targets[i * (A - U) + action - U];
        if (target >= n) attackers.set(target, (attackers.get(target) ?? 0) + 1);
      } else if (action >= 2) chosen.moves++; // 0 is what the dead do, 1 to stop
    }
    if (attackers.size > 0) perTarget.push(mean([...attackers.values()]));
  }
  const firstDeath = steps.findIndex(({ alive }) => count(alive.subarray(0, n)) < n);
  const last = steps.at(-1).alive;
  return {
    won: Number(won),
    episodeReturn,
    length: steps.length - 1,
    moves: chosen.moves / chosen.all,
    targeted: chosen.targeted / chosen.all,
    perTarget: perTarget.length > 0 ? mean(perTarget) : null,
    firstDeath: firstDeath < 0 ? null : firstDeath,
    ours: count(last.subarray(0, n)),
    theirs: count(last.subarray(n)),
  };
}

const runs = process.argv.slice(2);
if (runs.length === 0) {
  process.stderr.write(
    "usage: node experiments/ace/replays.mjs RUN …    (runs with recorded episodes: baton evaluate RUN --record 6)\n",
  );
  process.exit(1);
}
const percent = (value) => `${(100 * value).toFixed(0)} %`;
const decimals = (digits) => (value) => value.toFixed(digits);
/** Title, figure and how it is written. */
const columns = [
  ["won", "won", percent],
  ["return", "episodeReturn", decimals(1)],
  ["steps", "length", decimals(0)],
  ["moves", "moves", percent],
  ["on a target", "targeted", percent],
  ["attackers per target", "perTarget", decimals(1)],
  ["first of ours dies at step", "firstDeath", decimals(0)],
  ["of ours left", "ours", decimals(1)],
  ["of theirs left", "theirs", decimals(1)],
];
printTable(
  ["run", "episodes", ...columns.map(([title]) => title)],
  runs.map((run) => {
    const folder = join(run, "episodes");
    const files = existsSync(folder) ? readdirSync(folder) : [];
    if (files.length === 0) {
      process.stderr.write(`${run} has no recorded episodes: baton evaluate ${run} --episodes 6 --record 6\n`);
      process.exit(1);
    }
    const all = files.map((file) => figures(readEpisode(join(folder, file))));
    const cells = columns.map(([, figure, show]) => {
      const values = all.map((one) => one[figure]).filter((value) => value !== null);
      return values.length > 0 ? show(mean(values)) : "–";
    });
    return [run, files.length, ...cells];
  }),
);
