// `npm run demo`: train, evaluate, and write something to look at, all through the command line of Baton.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const baton = fileURLToPath(new URL("../dist/src/cli/main.js", import.meta.url));
const run = "runs/demo";

/** Runs one command; a failure ends the demo with the same exit code. */
function step(...args) {
  process.stderr.write(`\n$ baton ${args.join(" ")}\n`);
  const { status, signal } = spawnSync(process.execPath, [baton, ...args], { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? (signal === "SIGINT" ? 130 : 1));
}

process.on("SIGINT", () => {}); // the command itself saves and ends
const started = Date.now();
step("train", "demo", "--run", run, ...process.argv.slice(2));
step("evaluate", run, "--episodes", "64", "--record");
step("replay", run, "--html", `${run}/replay.html`);
const seconds = Math.round((Date.now() - started) / 1000);
process.stderr.write(`
The demo took ${Math.floor(seconds / 60)} min ${seconds % 60} s. Look at
  ${run}/curve.svg     the learning curve
  ${run}/replay.html   an episode, with who chose what and why
or play it here: npm run baton -- replay ${run} --terminal
`);
