import { appendFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { brokenDisk } from "../../test/broken-disk.js";
import { temporaryFolder } from "../../test/temporary-folder.js";
import { EvaluationLog } from "./evaluation.js";
import { RunFolder } from "./folder.js";
import { type MetricRecord, MetricsWriter, readMetrics } from "./metrics.js";
import { decodeEvents } from "./tensorboard.js";

const info = { baton: "0.1.0", env: "skirmish/3m", agent: "ace", seed: 3 };
const begin = () => RunFolder.create(join(temporaryFolder(), "run"), info, "");

const record = (k: number): MetricRecord => ({
  environmentSteps: 100 * k,
  updates: 10 * k,
  wallSeconds: k / 2,
  loss: 1 / (k + 1),
});
const now = () => 1_700_000_000_000;

function eventsOf(run: RunFolder) {
  const names = readdirSync(run.events);
  expect(names).toHaveLength(1);
  return decodeEvents(readFileSync(join(run.events, names[0]!))).map((event) => event.record);
}

/** Everything that the metrics consist of, byte for byte. */
const bytesOf = (run: RunFolder) =>
  [run.metrics, ...readdirSync(run.events).map((name) => join(run.events, name))].map((path) => readFileSync(path));

describe("MetricsWriter", () => {
  test("writes lines and TensorBoard scalars", () => {
    const run = begin();
    const writer = new MetricsWriter(run, { now });
    for (const k of [0, 1]) writer.write(record(k));
    writer.flush();
    writer.close();
    expect(readMetrics(run)).toEqual([record(0), record(1)]);
    expect(readdirSync(run.events)[0]).toMatch(/^events\.out\.tfevents\.1700000000\../);
    const [version, , second] = eventsOf(run);
    expect(version).toEqual({ wallTime: 1_700_000_000, fileVersion: "brain.Event:2" });
    expect(second!.step).toBe(100);
    expect(second!.summary!.value).toEqual([
      { tag: "updates", simpleValue: 10 },
      { tag: "wallSeconds", simpleValue: 0.5 },
      { tag: "loss", simpleValue: 0.5 },
    ]);
  });

  test.each([
    ["whole", ""],
    ["with a torn last line", '{"environmentSteps":500,"upd'],
  ])("a resumed curve, %s, continues as if nothing had happened", (_, torn) => {
    const straight = begin();
    const writer = new MetricsWriter(straight, { now });
    for (let k = 0; k < 6; k++) writer.write(record(k));
    writer.close();

    const resumed = begin();
    const first = new MetricsWriter(resumed, { now });
    for (let k = 0; k < 5; k++) first.write(record(k));
    first.close(); // Killed here; its last checkpoint was at record 2.
    appendFileSync(resumed.metrics, torn);
    appendFileSync(join(resumed.events, readdirSync(resumed.events)[0]!), torn);
    const second = new MetricsWriter(resumed, { resume: { environmentSteps: 200, updates: 20 }, now });
    for (let k = 3; k < 6; k++) second.write(record(k));
    second.close();
    expect(bytesOf(resumed)).toEqual(bytesOf(straight));
  });

  test("a fresh curve begins anew", () => {
    const run = begin();
    for (const k of [1, 2]) {
      const writer = new MetricsWriter(run, { now });
      writer.write(record(k));
      writer.close();
    }
    expect(readMetrics(run)).toEqual([record(2)]);
    expect(eventsOf(run).map(({ step }) => step)).toEqual([undefined, 200]);
  });

  test("values that are no numbers come back as NaN", () => {
    const run = begin();
    const writer = new MetricsWriter(run, { now });
    writer.write({ ...record(1), loss: Number.POSITIVE_INFINITY });
    writer.close();
    expect(readMetrics(run)[0]!.loss).toBeNaN();
  });

  test("a broken line in the middle is named", () => {
    const run = begin();
    const line = JSON.stringify(record(1));
    writeFileSync(run.metrics, `${line}\nhello\n${line}\n`);
    expect(() => readMetrics(run)).toThrow(`${run.metrics}, line 2`);
    writeFileSync(run.metrics, `${line}\n{"environmentSteps":1,"updates":"two"}\n${line}\n`);
    expect(() => readMetrics(run)).toThrow("line 2");
  });

  test("a full disk is said in a sentence", () => {
    const { path } = begin();
    const { disk } = brokenDisk(3, "ENOSPC");
    const writer = new MetricsWriter(RunFolder.open(path, disk), { now });
    expect(() => writer.write(record(1))).toThrow(/the disk is full: cannot write .*metrics\.jsonl \(.* free\)/);
  });
});

describe("EvaluationLog", () => {
  const point = (k: number) => ({
    stepCount: 1000 * k,
    elapsedTime: 10 * k,
    metrics: { return: [k, k + 0.5], win_rate: [0, 1] },
  });

  test("writes marl-eval's format", () => {
    const run = begin();
    const log = EvaluationLog.open(run);
    log.add(point(1));
    log.add(point(2));
    log.setAbsolute({ return: [3], win_rate: [1] });
    expect(JSON.parse(readFileSync(run.evaluation, "utf8"))).toEqual({
      skirmish: {
        "3m": {
          ace: {
            seed_3: {
              step_0: { step_count: 1000, elapsed_time: 10, return: [1, 1.5], win_rate: [0, 1] },
              step_1: { step_count: 2000, elapsed_time: 20, return: [2, 2.5], win_rate: [0, 1] },
              absolute_metrics: { return: [3], win_rate: [1] },
            },
          },
        },
      },
    });
  });

  test("a resumed log leaves out what is newer than the checkpoint", () => {
    const run = begin();
    const log = EvaluationLog.open(run);
    for (let k = 0; k < 12; k++) log.add(point(k));
    log.setAbsolute({ return: [3] });
    const resumed = EvaluationLog.open(run, 10_500);
    expect(resumed.points).toEqual(Array.from({ length: 11 }, (_, k) => point(k)));
    expect(resumed.absolute).toEqual({ return: [3] });
    resumed.add(point(11));
    expect(EvaluationLog.open(run).points).toEqual(log.points);
    expect(EvaluationLog.open(run).absolute).toEqual({});
  });

  test.each(["{", "[]", '{"skirmish":{}}', '{"skirmish":{"3m":{"ace":{"seed_3":{"step_0":{"step_count":"x"}}}}}}'])(
    "refuses %s",
    (text) => {
      const run = begin();
      writeFileSync(run.evaluation, text);
      expect(() => EvaluationLog.open(run)).toThrow("is not a file in marl-eval's format");
    },
  );
});
