import { rmSync } from "node:fs";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { BatonError } from "../errors.js";
import { readEpisode } from "../runs/index.js";
import { benchPoliciesCommand } from "./bench-policies.js";
import { evaluateCommand } from "./evaluate.js";

let printed: string;

beforeEach(() => {
  printed = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += text;
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
});

async function mistake(run: Promise<unknown>): Promise<BatonError> {
  const error = await run.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(BatonError);
  return error as BatonError;
}

const evaluate = (...args: string[]) => evaluateCommand().parseAsync(args, { from: "user" });
const bench = (...args: string[]) => benchPoliciesCommand().parseAsync(args, { from: "user" });

it("evaluates a scripted policy, the same with any number of threads", async () => {
  const args = ["--env", "skirmish/3m", "--policy", "focus-fire", "--episodes", "6", "--json"];
  await evaluate(...args);
  const alone = printed;
  expect(JSON.parse(alone)).toMatchObject({ env: "skirmish/3m", agent: "scripted focus-fire", episodes: 6 });
  expect(JSON.parse(alone)).not.toHaveProperty("checkpoint");
  printed = "";
  await evaluate(...args, "--env-threads", "2");
  expect(printed).toBe(alone);
});

it("records a scripted policy's episodes, which value nothing", async () => {
  await evaluate("--env", "skirmish/3m", "--policy", "kite", "--episodes", "1", "--record", "1", "--json");
  const [file] = (JSON.parse(printed) as { recorded: string[] }).recorded;
  const episode = readEpisode(file!);
  expect(episode).toMatchObject({ env: "skirmish/3m", agent: "scripted kite" });
  expect(episode.steps.at(-1)!.decision).toBeNull();
  expect(episode.steps[0]!.decision).toMatchObject({ values: null, order: Int32Array.of(0, 1, 2) });
  expect(episode.steps[0]!.frame!.ground).toHaveLength(32);
  rmSync(file!);
});

it("says what to give when too little, too much or nothing known is given", async () => {
  expect((await mistake(evaluate())).message).toContain("what shall be evaluated?");
  expect((await mistake(evaluate("--policy", "kite"))).message).toContain("what shall be evaluated?");
  expect((await mistake(evaluate("runs/x", "--policy", "kite"))).message).toContain("beside a run");
  const unknown = await mistake(evaluate("--env", "skirmish/3m", "--policy", "kites"));
  expect([unknown.message, unknown.hint]).toEqual([
    'unknown scripted policy "kites"',
    expect.stringContaining('did you mean "kite"?'),
  ]);
  expect((await mistake(bench("matrix/climbing"))).message).toContain("no scripted policy");
  for (const option of ["--checkpoint", "--device"]) {
    const message = `${option} has no meaning beside --policy`;
    expect((await mistake(evaluate("--env", "skirmish/3m", "--policy", "kite", option, "js"))).message).toContain(message);
  }
});

it("measures policies on several environments, as Markdown or JSON", async () => {
  await bench("skirmish/3m", "skirmish/8m", "--policy", "random", "--policy", "flee", "--episodes", "4", "--markdown");
  expect(printed).toBe("|  | random | flee |\n| --- | ---: | ---: |\n| 3m | 0.0 | 0.0 |\n| 8m | 0.0 | 0.0 |\n");
  printed = "";
  await bench("skirmish/3m", "--policy", "flee", "--episodes", "2", "--json");
  expect(JSON.parse(printed)).toMatchObject({ rows: [{ name: "skirmish/3m, flee", unit: "% won", value: 0 }] });
});
