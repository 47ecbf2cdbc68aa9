import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RecordedEpisode } from "../src/runs/episodes.js";
import { renderReplayPage } from "../src/viewer/html.js";
import { choicesAt, entityName, optionsAt } from "../src/viewer/story.js";
import { findChromium, launchChromium } from "./chromium.js";
import { matrixEpisode, syntheticEpisode, vividEpisode } from "./synthetic-episode.js";

const executable = findChromium();
if (!executable) {
  console.warn("Skipped: no Chromium to test the replay page with. Install the package chromium, or name its path in CHROMIUM.");
}
const episode = syntheticEpisode();
const last = episode.steps.length - 1;

describe.skipIf(!executable)("the replay page in a browser", () => {
  let browser: Browser;
  let page: Page;
  let folder: string;
  let complaints: string[];
  let requests: string[];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "baton-page-"));
    browser = await launchChromium(executable!);
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    complaints = [];
    requests = [];
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("request", (request) => requests.push(request.url()));
  });
  afterEach(async () => {
    expect(complaints).toEqual([]);
    expect(requests.filter((url) => !/^(file|data):/.test(url))).toEqual([]);
    await page.close();
  });

  async function open(recorded: RecordedEpisode): Promise<void> {
    const file = join(folder, "replay.html");
    writeFileSync(file, await renderReplayPage(recorded));
    await page.goto(pathToFileURL(file).href);
    await page.waitForSelector("main");
  }
  const step = () => page.locator(".scrub").inputValue().then(Number);
  const rows = () => page.locator(".decisions tbody tr");
  /** How many colours the canvas shows. */
  const colours = () =>
    page.locator("canvas").evaluate((canvas: HTMLCanvasElement) => {
      const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true })!;
      copy.drawImage(canvas, 0, 0);
      const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
      return new Set(new Uint32Array(data.buffer)).size;
    });
  const picture = () => page.locator("canvas").evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL());

  it("shows the world, the decisions and the facts of the episode", async () => {
    await open(episode);
    expect(await colours()).toBeGreaterThan(10);
    expect(await page.locator("h1").textContent()).toBe("skirmish/synthetic");
    expect(await page.locator("header").textContent()).toMatch(/ace.*40,000 steps.*Won/s);
    const shown = await rows().locator(".action").allInnerTexts();
    expect(shown).toEqual(choicesAt(episode, 0).map((choice) => choice.name));
  });

  it("plays and pauses with the space bar, and stops at the end", async () => {
    const long = syntheticEpisode(400); // so that it cannot end before the second key
    await open(long);
    await page.locator("select").selectOption("16");
    await page.locator("h1").click(); // away from the select, which uses keys itself
    await page.keyboard.press(" ");
    await page.waitForFunction(() => Number(document.querySelector<HTMLInputElement>(".scrub")!.value) >= 3);
    await page.keyboard.press(" ");
    const paused = await step();
    expect(paused).toBeLessThan(400);
    expect(await page.getByRole("button", { name: "Play (space)" }).count()).toBe(1);
    for (const key of ["End", "ArrowLeft", "ArrowLeft"]) await page.keyboard.press(key);
    await page.getByRole("button", { name: "Play (space)" }).click();
    await page.waitForFunction(() => document.querySelector<HTMLInputElement>(".scrub")!.value === "400");
    await page.getByRole("button", { name: "Play (space)" }).waitFor();
    expect(await page.locator(".decisions .hint").textContent()).toContain("over");
  });

  it("draws the moments between two steps", async () => {
    await open(episode);
    const still = await picture();
    await page.locator("select").selectOption("1");
    await page.getByRole("button", { name: "Play (space)" }).click();
    await page.waitForFunction((before) => document.querySelector("canvas")!.toDataURL() !== before, still);
    expect(await step()).toBe(0);
  });

  it("steps with the arrow keys, jumps with Home and End, scrubs with the slider", async () => {
    await open(episode);
    for (const [key, expected] of [
      ["ArrowRight", 1],
      ["ArrowRight", 2],
      ["ArrowLeft", 1],
      ["Home", 0],
      ["ArrowLeft", 0],
      ["End", last],
      ["ArrowRight", last],
    ] as const) {
      await page.keyboard.press(key);
      expect(await step()).toBe(expected);
    }
    const before = await picture();
    const { x, y, width, height } = (await page.locator(".scrub").boundingBox())!;
    await page.mouse.click(x + width / 2, y + height / 2);
    expect(await step()).toBe(last / 2);
    expect(await picture()).not.toBe(before);
    expect(await page.locator(".readout").textContent()).toContain(`${last / 2} / ${last}`);
    await page.keyboard.press("ArrowRight"); // the slider has the focus: one step, not two
    expect(await step()).toBe(last / 2 + 1);
  });

  it("shows the Q-values of the agent that is selected by row, by key or on the canvas", async () => {
    await open(episode);
    for (let k = 0; k < 11; k++) await page.keyboard.press("ArrowRight");
    for (const [p, choice] of choicesAt(episode, 11).entries()) {
      await rows().nth(p).click();
      expect(await rows().nth(p).getAttribute("class")).toContain("selected");
      const options = optionsAt(episode, 11, choice.agent);
      const texts = await page.locator(".option").allInnerTexts();
      expect(texts.map((text) => text.split("\n")[0])).toEqual(options.map((option) => option.name));
      expect(await page.locator(".option.chosen .name").textContent()).toBe(choice.name);
      expect(await page.locator(".option.unavailable").count()).toBe(options.filter((option) => !option.available).length);
    }
    await rows().nth(2).locator("button").focus();
    await page.keyboard.press("Enter");
    expect(await rows().nth(2).getAttribute("class")).toContain("selected");

    // Units are found as a user finds them: the pointer tells nothing, so the canvas is clicked in a grid until one answers.
    const before = await page.locator(".values h2").textContent();
    const answered = await page.locator("canvas").evaluate((canvas, title) => {
      const { left, top, width, height } = canvas.getBoundingClientRect();
      for (let at = 0; at < 60 * 40; at++) {
        const [clientX, clientY] = [left + (((at % 60) + 0.5) * width) / 60, top + ((Math.floor(at / 60) + 0.5) * height) / 40];
        canvas.dispatchEvent(new MouseEvent("click", { clientX, clientY }));
        if (document.querySelector(".values h2")!.textContent !== title) return true;
      }
      return false;
    }, before);
    expect(answered).toBe(true);
  });

  it("shows ground, events and sight, and walks from decision to decision", async () => {
    const vivid = vividEpisode();
    await open(episode);
    const plain = await colours();
    await open(vivid);
    expect(await page.locator(".legend").textContent()).toMatch(/high ground.*ramp|ramp.*high ground/);
    await page.keyboard.press("ArrowRight");
    expect(await colours()).toBeGreaterThan(plain);
    const living = (t: number) => choicesAt(vivid, t).filter((choice) => choice.alive);
    const turns = [...living(1).map((choice) => [1, choice] as const), ...living(2).map((choice) => [2, choice] as const)];
    await rows().nth(turns[0]![1].position).click();
    for (const [t, choice] of turns) {
      expect([await step(), await page.locator(".decisions tr.selected button").textContent()]).toEqual([
        t,
        entityName(vivid.steps[t]!.frame, 5, choice.agent),
      ]);
      const { prior } = choice;
      expect(await page.locator(".decisions tr.selected .prior").textContent()).toBe(prior!.changed ? prior!.name : "=");
      await page.keyboard.press("ArrowDown");
    }
    await page.keyboard.press("ArrowUp");
    expect(await step()).toBe(2);
    expect(await page.locator(".options .before:visible").count()).toBeGreaterThan(2);
  });

  it("shows a scripted team without values", async () => {
    const steps = episode.steps.map((s) => ({ ...s, decision: s.decision && { ...s.decision, values: null } }));
    await open({ ...episode, steps, agent: "scripted kite" });
    expect(await page.locator(".values").textContent()).toMatch(/Actions of .*values nothing/);
    expect(await page.locator(".decisions thead").textContent()).toBe("#agentaction");
    expect(await page.locator("header").textContent()).not.toContain("trained for");
  });

  it("works without a picture", async () => {
    await open(matrixEpisode());
    expect(await page.locator("canvas").count()).toBe(0);
    expect(await rows().allInnerTexts()).toEqual([
      expect.stringMatching(/1\s+agent 1\s+a\s+11\.000\s+\+4\.000/),
      expect.stringMatching(/agent 0/),
    ]);
    await rows().nth(0).click();
    expect(await page.locator(".option").allInnerTexts()).toEqual(["a\n11.000", "b\n7.000", "c\n—"]);
    await page.keyboard.press("ArrowRight");
    expect(await page.locator(".readout").textContent()).toMatch(/\+11\.00/);
  });

  it.each([
    [1280, 800],
    [400, 800],
  ])("needs no sideways scrolling at %i × %i, light or dark", async (width, height) => {
    await page.setViewportSize({ width, height });
    await open(episode);
    const backgrounds = new Set<string>();
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      backgrounds.add(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
      expect(await colours()).toBeGreaterThan(10);
    }
    expect(backgrounds.size).toBe(2);
  });

  it("says so when its episode is damaged", async () => {
    const file = join(folder, "damaged.html");
    const html = await renderReplayPage(episode);
    writeFileSync(file, html.replace(/(id="episode">.{200}).{40}/, `$1${"A".repeat(40)}`));
    await page.goto(pathToFileURL(file).href);
    expect(await page.getByRole("alert").textContent()).toContain("This replay is damaged");
  });
});
