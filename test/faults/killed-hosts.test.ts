/**
 * Four hosts under training, one of which is killed every moment: the team learns what it would have learnt, nothing is left over,
 * and every episode that was lost is counted.
 *
 *     BATON_FAULT_SECONDS=300 BATON_FAULT_AGENT=ace npx vitest run test/faults/killed-hosts.test.ts
 *
 * does so for five minutes with ACE, then trains once more for as many steps without a kill, and prints both.
 */
import { existsSync, readdirSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, expect, it, vi } from "vitest";
import corridor from "../../experiments/examples/my-env.js";
import type { VectorEnvironment } from "../../src/environment.js";
import { vectorize } from "../../src/environments/vectorize.js";
import { openDevice } from "../../src/tensor/devices.js";
import { RandomStream } from "../../src/tensor/random.js";
import { Evaluator } from "../../src/training/evaluator.js";
import { resolveExperiment } from "../../src/training/experiment.js";
import { Trainer } from "../../src/training/trainer.js";
import { findPython } from "../bridge/python.js";
import { temporaryFolder } from "../temporary-folder.js";
import { childHosts, memory, openFiles } from "./hosts.js";

const python = findPython();
const seconds = Number(process.env.BATON_FAULT_SECONDS ?? 6);
const agentName = process.env.BATON_FAULT_AGENT ?? "iql";
const long = process.env.BATON_FAULT_SECONDS !== undefined;
/** Environment steps in which the short run learns the game, however slow the machine is. */
const enoughSteps = 4000;
/** Seconds between two kills. */
const pause = seconds > 60 ? 3 : 0.5;
const example = fileURLToPath(new URL("../../experiments/examples/my_env.py", import.meta.url));

afterEach(() => vi.unstubAllEnvs());

/** Episodes as whoever steps the environment sees them: begun when their first time step has come. */
interface Ledger {
  begun: number;
  ended: number;
  lost: number;
  readonly running: Set<number>[];
}

function counted(environment: VectorEnvironment): { environment: VectorEnvironment; ledger: Ledger } {
  const ledger: Ledger = { begun: 0, ended: 0, lost: 0, running: [] };
  const groups = environment.groups!.map((group): VectorEnvironment => {
    const running = new Set<number>();
    ledger.running.push(running);
    const watch = async (act: void | Promise<void>) => {
      try {
        await act;
      } catch (error) {
        ledger.lost += running.size;
        running.clear();
        throw error;
      }
    };
    return {
      spec: group.spec,
      copies: group.copies,
      async step(actions, out) {
        await watch(group.step(actions, out));
        for (const copy of running) {
          if (!out.terminated[copy] && !out.truncated[copy]) continue;
          running.delete(copy);
          ledger.ended += 1;
        }
      },
      async reset(copies, seeds, out) {
        await watch(group.reset(copies, seeds, out));
        for (const copy of copies) running.add(copy);
        ledger.begun += copies.length;
      },
    };
  });
  const { spec, copies, close } = environment;
  return { environment: { ...environment, spec, copies, groups, ...(close && { close }) }, ledger };
}

/** Trains until `until` is over or `steps` are done, a random host being killed every moment or none. */
async function trainWithHosts({ kills: killing, until, steps }: { kills: boolean; until?: number; steps?: number }) {
  const settings = {
    env: { id: `python:${example}:Corridor`, length: 4 },
    agent: { name: agentName, ...(agentName === "ace" && { hidden: 24 }) },
    training: { environmentSteps: steps ?? 1e9, copies: 16, warmupSteps: 200, replayCapacity: 20_000 },
    evaluation: { everySteps: 1e9, episodes: 16 },
    checkpoint: { everySteps: 5000 },
    simulators: { hosts: 4, python: python!, backoffSeconds: 0.05, failures: 100 },
  };
  const { config, spec, agent, environment: served } = await resolveExperiment({ settings, origin: () => undefined });
  const device = await openDevice("cpu", { threads: 1 });
  const filesBefore = openFiles();
  const warnings: string[] = [];
  const fleet = await served.vectorize(config.training.copies, config, (sentence) => warnings.push(sentence));
  expect(childHosts()).toHaveLength(4);
  const filesOfFleet = openFiles() - filesBefore;
  const { environment, ledger } = counted(fleet);
  const twin = vectorize(() => corridor({ length: 4 }), config.evaluation.episodes);
  const trainer = await Trainer.create({ config, spec, agent, device, environment, evaluationEnvironment: twin });

  const stop = new AbortController();
  let kills = 0;
  const chance = RandomStream.from(1, "faults");
  const killer = setInterval(() => {
    const hosts = childHosts();
    // In the short run a busy machine would have no time to start them again.
    if (!killing || hosts.length < (long ? 1 : 4)) return;
    process.kill(hosts[chance.integer(hosts.length)]!, "SIGKILL");
    kills += 1;
  }, 1000 * pause);
  const memorySeen: number[] = [];
  const start = performance.now();
  await trainer.run(
    {
      onStep() {
        const elapsed = (performance.now() - start) / 1000;
        if (elapsed > memorySeen.length) memorySeen.push(memory());
        const learnt = trainer.environmentSteps >= enoughSteps || elapsed > 10 * seconds;
        if (until !== undefined && elapsed > until && (long || learnt)) stop.abort();
      },
    },
    stop.signal,
  );
  clearInterval(killer);
  const filesAfter = openFiles() - filesBefore;
  const policy = agent.policy(await trainer.learnerState());
  const evaluator = await Evaluator.create({ device, environment: twin, agent, policy });
  const { winRate, meanLength } = await evaluator.evaluate(policy, { episodes: 64, seed: 7 });
  evaluator.dispose();
  trainer.dispose();
  await fleet.close?.();
  // Steps that the trainer gave up when it stopped, their hosts being replaced, are lost to the ledger only now.
  await setImmediate();
  const { ended, lost, begun } = ledger;
  const counters = { episodes: trainer.state().collector.episodes, lost: trainer.lostEpisodes };
  const running = ledger.running.reduce((sum, { size }) => sum + size, 0);
  const half = memorySeen[Math.floor(memorySeen.length / 2)] ?? 0;
  const growthInSecondHalfMiB = Math.round((memorySeen.at(-1)! - half) / 2 ** 20);
  const facts = {
    kills,
    failures: warnings.length,
    steps: trainer.environmentSteps,
    ...counters,
    winRate,
    meanLength,
  };
  if (long) console.log(agentName, { ...facts, growthInSecondHalfMiB, filesOfFleet, filesAfter });
  expect(counters).toEqual({ episodes: ended, lost });
  expect(begun).toBe(ended + lost + running);
  expect(childHosts()).toEqual([]);
  // Hosts that are being replaced at this moment hold a few less or more.
  expect(filesAfter).toBeLessThanOrEqual(filesOfFleet + 30);
  return facts;
}

it.skipIf(!python || !existsSync("/proc"))(
  `${seconds} s of killed hosts change nothing`,
  async () => {
    const sockets = temporaryFolder();
    vi.stubEnv("TMPDIR", sockets);
    vi.stubEnv("PYTHONDONTWRITEBYTECODE", "1");
    const killed = await trainWithHosts({ kills: true, until: seconds });
    expect(killed.winRate).toBe(1);
    expect(killed.kills).toBeGreaterThanOrEqual(long ? seconds / pause / 2 : 1);
    expect(killed.lost).toBeGreaterThan(0);
    if (long) {
      const undisturbed = await trainWithHosts({ kills: false, steps: killed.steps });
      expect(undisturbed).toMatchObject({ winRate: killed.winRate, lost: 0 });
    }
    expect(readdirSync(sockets).filter((name) => name.startsWith("baton-"))).toEqual([]);
  },
  1000 * (2 * seconds + 240),
);
