import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { Command } from "commander";
import { BatonError } from "../errors.js";
import { unknownName } from "../names.js";
import { onDisk, writeFileAtomic } from "../runs/files.js";
import { type RecordedEpisode, readEpisode } from "../runs/index.js";
import { renderReplayPage, replayPageMark } from "../viewer/html.js";
import { isValued } from "../viewer/story.js";
import { renderStrip } from "../viewer/strip.js";
import { playInTerminal } from "../viewer/terminal-player.js";
import { printJson, printLines } from "./output.js";
import { findPretraining, refuseEpisodeOptions, type ShownPretraining } from "./replay-pretraining.js";

interface ReplayOptions {
  terminal?: boolean;
  html?: boolean | string;
  strip?: string;
  steps?: string;
  episode?: string;
  speed: string;
  json?: boolean;
}

/** An episode on disk, and where its page goes unless another place is named. */
interface Source {
  readonly file: string;
  readonly page: string;
}

const extension = ".episode";

export function replayCommand(): Command {
  return new Command("replay")
    .description(
      "Play a recorded episode: in the terminal, as one HTML page with every decision and its Q-values, or as a picture strip. Of a pre-training: its loss and pictures.",
    )
    .argument("<run-or-file>", "Folder of a run, or one recorded episode.")
    .option("--terminal", "Play in the terminal (what happens on a terminal when no other option says more).")
    .option("--html [file]", "Write one self-contained HTML page (default file: replay.html in the run's folder).")
    .option("--strip <file.svg>", "Write some steps side by side as one picture.")
    .option("--steps <list>", "With --strip: which steps, e.g. 24-29 or 3,8,12 (default: six that share out the fight).")
    .option("--episode <name>", "Which of the run's recorded episodes to play (default: the newest).")
    .option("--speed <n>", "Speed of the play in the terminal, in steps per second.", "4")
    .option("--json", "Print a summary of the episode, and what was written, as one JSON object.")
    .action((path: string, options: ReplayOptions) => replay(path, options));
}

async function replay(path: string, options: ReplayOptions): Promise<void> {
  const stepsPerSecond = speedOf(options.speed);
  if (options.terminal && options.json) {
    throw new BatonError("invalid-value", "--terminal and --json would write over each other", { hint: "give one of them" });
  }
  const pretraining = findPretraining(path);
  if (pretraining) return showPretraining(path, pretraining, options);
  const source = findEpisode(path, options.episode);
  const episode = readEpisode(source.file);
  const page = options.html === undefined ? undefined : options.html === true ? source.page : String(options.html);
  if (options.steps !== undefined && options.strip === undefined) {
    throw new BatonError("invalid-value", "--steps chooses the steps of a --strip", { hint: "add --strip FILE.svg" });
  }
  if (page !== undefined) writePage(page, await renderReplayPage(episode));
  if (options.strip !== undefined) writeStrip(options.strip, episode, options.steps);

  const { stdout, env } = process;
  const silent = page === undefined && options.strip === undefined;
  if (options.json) printJson(summaryOf(episode, source.file, page));
  else if (options.terminal || (silent && stdout.isTTY)) {
    await playInTerminal(episode, { output: stdout, stepsPerSecond, color: stdout.isTTY && !env.NO_COLOR });
  } else printLines(sentenceOf(episode, source.file));
  if (page !== undefined && !options.json) printLines(`replay page: ${page}`);
  if (options.strip !== undefined && !options.json) printLines(`picture strip: ${options.strip}`);
}

function speedOf(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0.1 && value <= 100)) {
    throw new BatonError("invalid-value", `--speed is "${text}", but must be a number of steps per second from 0.1 to 100`);
  }
  return value;
}

/** The episode that `path` means: itself when it is a file, else the newest or the named one of a run's folder. */
function findEpisode(path: string, name: string | undefined): Source {
  const found = onDisk("look at", path, () => statSync(path, { throwIfNoEntry: false }));
  if (!found) {
    throw new BatonError("invalid-file", `there is no run folder or recorded episode at ${path}`, {
      hint: "check the path; `baton evaluate RUN --record` records episodes of a run",
    });
  }
  if (found.isDirectory()) return { file: ofRun(path, name), page: join(path, "replay.html") };
  if (name !== undefined) {
    throw new BatonError("invalid-value", `--episode chooses among the episodes of a run, but ${path} is one file`, {
      hint: "leave out --episode, or give the run's folder",
    });
  }
  return { file: path, page: `${path.endsWith(extension) ? path.slice(0, -extension.length) : path}.html` };
}

function ofRun(run: string, name: string | undefined): string {
  const folder = join(run, "episodes");
  const files = existsSync(folder) ? onDisk("read the folder", folder, () => readdirSync(folder)) : [];
  const episodes = files.filter((file) => file.endsWith(extension)).map((file) => basename(file, extension));
  if (episodes.length === 0) {
    throw new BatonError("invalid-file", `${run} has no recorded episode`, {
      hint: `record one with: baton evaluate ${run} --record`,
    });
  }
  const path = (episode: string) => join(folder, episode + extension);
  if (name === undefined) {
    const written = new Map(episodes.map((episode) => [episode, statSync(path(episode)).mtimeMs]));
    return path(episodes.sort().reduce((a, b) => (written.get(b)! >= written.get(a)! ? b : a)));
  }
  const wanted = basename(name, extension);
  if (!episodes.includes(wanted)) throw unknownName("episode", name, episodes.sort());
  return path(wanted);
}

/** Writes the page; overwrites only what is a replay page already. */
function writePage(path: string, page: string): void {
  if (existsSync(path) && !beginningOf(path).includes(replayPageMark)) {
    throw new BatonError("invalid-value", `${path} exists and is not a replay page, so it was left as it is`, {
      hint: "choose another name with --html FILE",
    });
  }
  writeFileAtomic(path, [Buffer.from(page)]);
}

function showPretraining(path: string, shown: ShownPretraining, options: ReplayOptions): void {
  refuseEpisodeOptions(path, { ...options });
  const { page: render, ...summary } = shown;
  const page = options.html === undefined ? undefined : options.html === true ? join(path, "replay.html") : String(options.html);
  if (page !== undefined) writePage(page, render());
  if (options.json) {
    printJson(page === undefined ? summary : { ...summary, html: page });
    return;
  }
  const { agent, env, seed, updates, firstLoss, loss } = summary;
  printLines(
    `${path}: ${agent} on ${env}, seed ${seed}: ${updates} updates, loss ${firstLoss.toFixed(4)} → ${loss.toFixed(4)}`,
    page === undefined ? `its curve and pictures as one page: baton replay ${path} --html` : `replay page: ${page}`,
  );
}

/** Writes the strip; overwrites only what is a picture already. */
function writeStrip(path: string, episode: RecordedEpisode, steps: string | undefined): void {
  if (existsSync(path) && !beginningOf(path).startsWith("<svg")) {
    throw new BatonError("invalid-value", `${path} exists and is no SVG picture, so it was left as it is`, {
      hint: "choose another name with --strip FILE.svg",
    });
  }
  writeFileAtomic(path, [Buffer.from(renderStrip(episode, steps === undefined ? {} : { steps: stepsOf(steps) }))]);
}

/** `24-27,30` → 24, 25, 26, 27, 30. */
function stepsOf(text: string): number[] {
  return text.split(",").flatMap((part) => {
    const [, from, to] = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(part) ?? [];
    if (from === undefined || (to !== undefined && Number(to) < Number(from)) || Number(to ?? from) - Number(from) > 100) {
      throw new BatonError("invalid-value", `--steps is "${text}", but must be steps such as 24-29 or 3,8,12`);
    }
    return Array.from({ length: Number(to ?? from) - Number(from) + 1 }, (_, k) => Number(from) + k);
  });
}

/** The first kilobyte of a file as text; nothing of what is no file, such as a folder. */
function beginningOf(path: string): string {
  return onDisk("read", path, () => {
    if (!statSync(path).isFile()) return "";
    const file = openSync(path, "r");
    try {
      const buffer = Buffer.alloc(1024);
      return buffer.toString("utf8", 0, readSync(file, buffer, 0, buffer.length, 0));
    } finally {
      closeSync(file);
    }
  });
}

function summaryOf(episode: RecordedEpisode, file: string, page: string | undefined) {
  const { env, agent, seed, checkpoint, won, episodeReturn, steps } = episode;
  const summary = { env, agent, seed, checkpoint, won, return: episodeReturn, steps: steps.length - 1, episode: file };
  return page === undefined ? summary : { ...summary, html: page };
}

function sentenceOf(episode: RecordedEpisode, file: string): string {
  const { env, agent, seed, checkpoint, won, episodeReturn, steps } = episode;
  const experience = isValued(episode) ? `, trained for ${checkpoint.toLocaleString("en")} steps` : "";
  const who = `${agent} on ${env}${experience}`;
  return `${file}: ${who}, seed ${seed}: ${won ? "won" : "not won"} in ${steps.length - 1} steps, return ${episodeReturn.toFixed(2)}`;
}
