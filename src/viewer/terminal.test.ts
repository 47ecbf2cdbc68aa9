import { describe, expect, it } from "vitest";
import { matrixEpisode, syntheticEpisode } from "../../test/synthetic-episode.js";
import type { FrameUnit } from "../environment.js";
import { renderStep } from "./terminal.js";
import { playInTerminal, type TerminalOutput } from "./terminal-player.js";

const episode = syntheticEpisode();
const esc = "\x1b";

describe("renderStep", () => {
  it("shows the world, the units and the decisions", () => {
    expect(renderStep(episode, 11, { columns: 80, color: false, rows: 26 })).toMatchSnapshot();
  });

  it("shows only the decisions where nothing is drawn", () => {
    expect(renderStep(matrixEpisode(), 0, { columns: 80, color: false })).toMatchInlineSnapshot(`
      "matrix/climbing   ace   seed 3   trained for 2,000 steps
      step 0/1   reward +0.00   return 0.00

        1  agent 1  a   Q   11.000   margin +4.000
        2  agent 0  a   Q   11.000   margin +11.000"
    `);
  });

  it("says how it ended", () => {
    expect(renderStep(matrixEpisode(), 1, { columns: 80, color: false })).toMatch(/return 11\.00 {3}won\n\nnobody decides/);
    expect(renderStep({ ...matrixEpisode(), won: false }, 1, { columns: 80, color: false })).toContain("not won");
  });

  it.each([40, 60, 80, 132])("stays within %i columns", (columns) => {
    for (const t of episode.steps.keys()) {
      for (const line of renderStep(episode, t, { columns, color: false }).split("\n"))
        expect(line.length).toBeLessThanOrEqual(columns);
    }
  });

  it.each([
    ["flat", 10_000, 1],
    ["high", 1, 10_000],
  ])("draws a %s world, and terminals of a few columns", (_, x, y) => {
    const far = (unit: FrameUnit): FrameUnit => ({ ...unit, x: unit.x * x, y: unit.y * y });
    const steps = episode.steps.map((step) => ({ ...step, frame: { ...step.frame!, units: step.frame!.units.map(far) } }));
    for (const columns of [1, 2, 3, 5, 80]) {
      const lines = renderStep({ ...episode, steps }, 11, { columns, color: false }).split("\n");
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
      if (columns < 80) continue;
      const map = lines.filter((line) => /^[┌│└]/.test(line));
      expect(map.length).toBeGreaterThan(2);
      expect(new Set(map.map((line) => line.length)).size).toBe(1);
    }
  });

  it("lets no name speak to the terminal", () => {
    const spec = { ...episode.spec, actionNames: episode.spec.actionNames.map((name) => `${name}${esc}[2J\n`) };
    const text = renderStep({ ...episode, spec, env: `${esc}]0;mine\x07` }, 0, { columns: 200, color: false });
    expect(text).not.toContain(esc);
    expect(text.split("\n")).toHaveLength(renderStep(episode, 0, { columns: 200, color: false }).split("\n").length);
  });

  it("makes the map flatter on a low terminal", () => {
    expect(renderStep(episode, 11, { columns: 100, color: false, rows: 24 }).split("\n").length).toBeLessThanOrEqual(24);
    expect(renderStep(episode, 11, { columns: 100, color: false }).split("\n").length).toBeGreaterThan(24);
  });

  it("shows every living unit on the map, and no dead one", () => {
    for (const [t, { frame }] of episode.steps.entries()) {
      const map = renderStep(episode, t, { columns: 100, color: false })
        .split("\n")
        .filter((line) => line.startsWith("│"));
      const numbers = map
        .join(" ")
        .match(/[A-Za-z]\d+/g)
        ?.map((glyph) => Number(glyph.slice(1)))
        .sort((a, b) => a - b);
      expect(numbers).toEqual(frame!.units.flatMap((unit, index) => (unit.alive ? [index] : [])));
    }
  });

  it("looks at no other step again for each that it shows", () => {
    let reads = 0;
    const steps = episode.steps.map((step) =>
      Object.defineProperty({ ...step }, "reward", {
        get() {
          reads += 1;
          return step.reward;
        },
      }),
    );
    const watched = { ...episode, steps };
    for (const t of steps.keys()) renderStep(watched, t, { columns: 80, color: false });
    expect(reads).toBeLessThanOrEqual(2 * steps.length);
  });

  it("colours only when asked, and says the same", () => {
    const coloured = renderStep(episode, 11, { columns: 80, color: true });
    expect(coloured).toContain(esc);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape codes are what is taken out
    const plain = coloured.replace(/\x1b\[\d+m/g, "").replace(/ +$/gm, "");
    expect(plain).toBe(renderStep(episode, 11, { columns: 80, color: false }));
  });
});

function fakeOutput(size: Partial<TerminalOutput>) {
  let text = "";
  const write = (part: string | Uint8Array) => {
    text += part;
    return true;
  };
  const output: TerminalOutput = { ...size, write };
  return { output, text: () => text };
}

describe("playInTerminal", () => {
  it("prints one plain block a step where there is no terminal", async () => {
    const { output, text } = fakeOutput({});
    await playInTerminal(episode, { output, stepsPerSecond: 0.1, color: true });
    expect(text()).not.toContain(esc);
    expect(text().match(/^step \d+\/24 /gm)).toEqual(episode.steps.map((_, t) => `step ${t}/24 `));
  });

  it("plays on the alternate screen and leaves the last step on the normal one", async () => {
    const { output, text } = fakeOutput({ isTTY: true, columns: 80, rows: 24 });
    await playInTerminal(matrixEpisode(), { output, stepsPerSecond: 100, color: false });
    expect(text().startsWith(`${esc}[?1049h`)).toBe(true);
    expect(text().split(`${esc}[2J`)).toHaveLength(3);
    expect(text().split(`${esc}[?1049l`)[1]).toContain("step 1/1");
  });

  it("takes a terminal without a size for a usual one", async () => {
    const { output, text } = fakeOutput({ isTTY: true, columns: 0, rows: 0 });
    await playInTerminal(matrixEpisode(), { output, stepsPerSecond: 100, color: false });
    expect(text()).toContain("step 1/1   reward");
  });

  it("restores the terminal and its listeners when it is stopped", async () => {
    const listeners = process.listenerCount("SIGINT");
    const { output, text } = fakeOutput({ isTTY: true, columns: 80, rows: 24 });
    const stop = new AbortController();
    const played = playInTerminal(episode, { output, stepsPerSecond: 0.1, color: false, signal: stop.signal });
    stop.abort();
    await played;
    expect(text().split(`${esc}[?25h${esc}[?1049l`)[1]).toContain("step 0/24");
    expect(process.listenerCount("SIGINT")).toBe(listeners);
  });

  it.each([
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)("restores the terminal on %s, which the exit code tells", async (name, code) => {
    const listeners = process.listenerCount(name);
    const { output, text } = fakeOutput({ isTTY: true, columns: 80, rows: 24 });
    const played = playInTerminal(episode, { output, stepsPerSecond: 0.1, color: false });
    expect(process.listenerCount(name)).toBe(listeners + 1);
    process.emit(name, name);
    await played;
    expect(text()).toContain(`${esc}[?25h${esc}[?1049l`);
    expect([process.exitCode, process.listenerCount(name)]).toEqual([code, listeners]);
    process.exitCode = undefined;
  });

  it("stops at Ctrl-C", async () => {
    const { output, text } = fakeOutput({ isTTY: true, columns: 80, rows: 24 });
    const played = playInTerminal(episode, { output, stepsPerSecond: 0.1, color: false });
    process.emit("SIGINT");
    await played;
    expect(text()).toContain(`${esc}[?1049l`);
  });
});
