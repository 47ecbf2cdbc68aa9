/** The page's style sheet. A string, because the built package carries JavaScript only. The canvas reads its colours from here too. */
export const style = `
:root {
  color-scheme: light dark;
  --page: #f4f5f7; --card: #ffffff; --line: #dfe3e8; --grid: #e9ecf0; --world: #fbfcfd;
  --text: #1b2430; --muted: #5f6b7a; --accent: #2563c9; --accent-soft: #e5eefb; --track: #edf0f3;
  --team: #2563c9; --enemy: #c8501e; --neutral: #7c8794;
  --health: #2f9e58; --health-low: #d03a2f; --shield: #3aa6d8; --bar-back: #d3d9e0; --hit: #e0352b; --heal: #2f9e58;
  --energy: #8a5cd0; --shot: #f0a818; --high: #ece7d8; --ramp: #e2d8bd; --cliff: #c9bfa6; --wall: #b9c0c9;
  --won: #1d7a41; --won-soft: #e0f3e7; --lost: #a3401a; --lost-soft: #fbeae2;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #10141a; --card: #171d25; --line: #2a323d; --grid: #202832; --world: #131920;
    --text: #e4e9ef; --muted: #94a1b0; --accent: #6ba4f8; --accent-soft: #1d2f4a; --track: #222b36;
    --team: #4a8df0; --enemy: #e0703c; --neutral: #8a95a3;
    --health: #43b970; --health-low: #ec5b50; --shield: #55bdec; --bar-back: #3a4552; --hit: #ff6257; --heal: #43b970;
    --energy: #a884ea; --shot: #f5bd4a; --high: #2a2820; --ramp: #3a3526; --cliff: #4d4631; --wall: #39424e;
    --won: #69d394; --won-soft: #16321f; --lost: #f09a72; --lost-soft: #3a2117;
  }
}
*, *::before, *::after { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums;
}
.app { display: flex; flex-direction: column; gap: 12px; height: 100vh; height: 100dvh; padding: 14px 16px 16px; max-width: 1760px; margin: 0 auto; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; min-width: 0; }

header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 18px; padding: 0 2px; }
h1 { font-size: 18px; font-weight: 650; margin: 0; letter-spacing: -0.01em; }
.facts { display: flex; flex-wrap: wrap; gap: 2px 18px; margin: 0; color: var(--muted); }
.facts div { display: flex; gap: 6px; }
.facts dd { margin: 0; color: var(--text); font-weight: 550; }
.result { margin-left: auto; padding: 2px 12px; border-radius: 99px; font-weight: 600; }
.result.won { color: var(--won); background: var(--won-soft); }
.result.lost { color: var(--lost); background: var(--lost-soft); }

main { flex: 1; min-height: 0; display: grid; gap: 12px; grid-template-columns: minmax(0, 1fr) 440px; grid-template-rows: minmax(0, 1fr); }
.left, .right { display: flex; flex-direction: column; gap: 12px; min-height: 0; min-width: 0; }
.stage { flex: 1; min-height: 0; display: flex; flex-direction: column; overflow: hidden; }
.stage canvas { flex: 1; min-height: 0; width: 100%; display: block; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; padding: 7px 14px; border-top: 1px solid var(--line); color: var(--muted); font-size: 12.5px; }
.legend span { display: inline-flex; align-items: center; gap: 6px; }
.legend svg { display: block; flex: none; }

.controls { padding: 10px 14px 12px; }
.timeline { display: block; width: 100%; height: 38px; padding: 0 8px; overflow: visible; }
.timeline .area { fill: var(--accent-soft); }
.timeline .curve { fill: none; stroke: var(--accent); stroke-width: 1.5; vector-effect: non-scaling-stroke; }
.timeline .now { stroke: var(--text); stroke-width: 1; vector-effect: non-scaling-stroke; opacity: 0.55; }
.scrub { display: block; width: 100%; height: 16px; margin: 4px 0 8px; accent-color: var(--accent); cursor: pointer; }
.row { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 10px; }
button, select { font: inherit; color: inherit; }
.row button {
  display: inline-grid; place-items: center; width: 34px; height: 34px; padding: 0; border: 1px solid var(--line); border-radius: 8px;
  background: var(--card); cursor: pointer;
}
.row button:hover { background: var(--track); }
.row button.play { width: 44px; background: var(--accent); border-color: var(--accent); color: var(--card); }
.row button.play:hover { filter: brightness(1.08); }
.row button svg { width: 16px; height: 16px; fill: currentColor; display: block; }
.row label { display: inline-flex; align-items: center; gap: 6px; color: var(--muted); }
.row select { height: 34px; padding: 0 6px; border: 1px solid var(--line); border-radius: 8px; background: var(--card); color: var(--text); }
.readout { display: flex; flex-wrap: wrap; gap: 2px 18px; margin: 0 0 0 auto; }
.readout div { display: flex; gap: 6px; white-space: nowrap; }
.readout dt { color: var(--muted); }
.readout dd { margin: 0; font-weight: 600; text-align: right; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }

.panel { display: flex; flex-direction: column; min-height: 0; overflow: hidden; }
.panel h2 { margin: 0; padding: 11px 14px 1px; font-size: 14px; font-weight: 650; }
.panel .hint { margin: 0; padding: 0 14px 8px; color: var(--muted); font-size: 12.5px; }
.panel .scroll { overflow: auto; min-height: 0; padding-bottom: 6px; }
.options { list-style: none; margin: 0; padding: 0 0 8px; }
.decisions { flex: 0 1 auto; max-height: 58%; }
.values { flex: 1 1 0; min-height: 150px; }

table { width: 100%; border-collapse: collapse; }
th { position: sticky; top: 0; z-index: 1; background: var(--card); color: var(--muted); font-weight: 500; font-size: 12.5px; text-align: left; padding: 3px 7px; box-shadow: inset 0 -1px var(--line); }
td { padding: 4px 7px; white-space: nowrap; }
th:first-child, td:first-child { padding-left: 14px; width: 1px; color: var(--muted); }
th:last-child, td:last-child { padding-right: 14px; }
.number { text-align: right; }
.decisions tbody tr { cursor: pointer; }
.decisions tbody tr:hover { background: var(--track); }
.decisions tbody tr.selected { background: var(--accent-soft); box-shadow: inset 3px 0 var(--accent); }
.decisions tbody tr.dead { color: var(--muted); }
.decisions tbody tr.dead td { opacity: 0.65; }
.decisions td button { border: 0; background: none; padding: 0; cursor: pointer; text-align: left; border-radius: 3px; }
.decisions tr.selected td button { font-weight: 600; }
.decisions td.action { width: 100%; max-width: 0; overflow: hidden; text-overflow: ellipsis; }
.decisions td.prior { max-width: 130px; overflow: hidden; text-overflow: ellipsis; }
.decisions .negative { color: var(--lost); }

.option { display: grid; grid-template-columns: minmax(116px, 38%) minmax(0, 1fr) 66px; align-items: center; gap: 10px; padding: 2.5px 14px; }
.option .name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.option .track { height: 12px; border-radius: 3px; background: var(--track); overflow: hidden; }
.option .fill { display: block; height: 100%; min-width: 2px; border-radius: 3px; background: var(--neutral); opacity: 0.6; }
.options.with-priors .option { grid-template-columns: minmax(100px, 32%) minmax(0, 1fr) 118px; }
.option .track { position: relative; }
.option .before { position: absolute; top: 0; bottom: 0; width: 2px; background: var(--text); }
.option .before[hidden] { display: none; }
.option.chosen { font-weight: 600; }
.option.chosen .fill { background: var(--accent); opacity: 1; }
.option.unavailable { color: var(--muted); opacity: 0.6; }
.option.unavailable .track, .unvalued .track { visibility: hidden; }
.option.unavailable .fill { display: none; }
.message { margin: 40px auto; max-width: 520px; padding: 0 16px; }

.app.plain main { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); grid-template-rows: auto fit-content(100%); align-content: start; }
.app.plain .left { grid-column: 1 / -1; }
.app.plain .right { display: contents; }
.app.plain .decisions { max-height: none; }

@media (max-width: 900px) {
  .app.plain .right { display: flex; }
  .app { height: auto; padding: 12px; }
  main, .app.plain main { grid-template-columns: minmax(0, 1fr); grid-template-rows: none; }
  .result { margin-left: 0; }
  .stage canvas { flex: none; height: min(78vw, 60vh); }
  .decisions, .values { max-height: none; }
  .values { flex: none; }
  .decisions td.action, .option .name { white-space: normal; }
  .readout { margin-left: 0; width: 100%; justify-content: space-between; }
}
`;
