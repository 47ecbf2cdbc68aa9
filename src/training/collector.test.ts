import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { agentFamily } from "../../agents/index.js";
import type { EnvironmentSpec, VectorEnvironment, VectorTimeStep } from "../environment.js";
import { joinEnvironments } from "../environments/join.js";
import { LostEpisodes } from "../environments/lost.js";
import { completeSpec } from "../environments/spec.js";
import { BatonError } from "../errors.js";
import { ReplayBuffer } from "../replay/index.js";
import type { Device } from "../tensor/device.js";
import { openDevice } from "../tensor/devices.js";
import { RandomStream } from "../tensor/random.js";
import { checkSettings } from "../validation.js";
import { Collector } from "./collector.js";

const spec: EnvironmentSpec = completeSpec({ id: "clock", agents: 2, actions: 3, observationSize: 2, episodeLimit: 4 });
const family = agentFamily("iql");
const settings = checkSettings(family.settings, {}, "agent");
const agent = family.create(spec, settings.value as never);
const policy = agent.policy(agent.init(RandomStream.from(0)));

let device: Device;
beforeAll(async () => {
  device = await openDevice("cpu", { threads: 1 });
});

const collectors: Collector[] = [];
afterAll(() => {
  for (const collector of collectors) collector.dispose();
});

/** Shows its seed and the time; episodes last four steps. `act` may delay or spoil what is asked, `bonus` is added to every reward. */
function clock(copies: number, act: (what: "reset" | "step") => void | Promise<void> = () => {}, bonus = 0): VectorEnvironment {
  const seeds: number[] = Array(copies).fill(0);
  const times: number[] = Array(copies).fill(0);
  const show = (out: VectorTimeStep, copy: number) => {
    out.observations.set([seeds[copy]! % 97, times[copy]!, 0, times[copy]!], copy * 4);
    out.entities.set(out.observations.subarray(copy * 4, copy * 4 + 4), copy * 4);
    out.truncated[copy] = times[copy] === 4 ? 1 : 0;
    out.reward[copy] = times[copy]! + bonus;
    out.infos[copy] = {};
  };
  return {
    spec,
    copies,
    async reset(which, given, out) {
      await act("reset");
      which.forEach((copy, k) => {
        seeds[copy] = given[k]!;
        times[copy] = 0;
        show(out, copy);
      });
    },
    async step(_, out) {
      await act("step");
      for (let copy = 0; copy < copies; copy++) {
        times[copy]! += 1;
        show(out, copy);
      }
    },
  };
}

async function collecting(groups: VectorEnvironment[], order: "ready" | "fixed" = "ready") {
  const environment = joinEnvironments(groups, async () => {});
  const replay = new ReplayBuffer(spec, agent.transition, { lanes: environment.copies, capacity: 4000 });
  const collector = await Collector.create({ device, environment, agent, policy, replay, seed: 1, order });
  collectors.push(collector);
  const turn = async (signal?: AbortSignal) => {
    await collector.begin(policy, 1);
    await collector.finish(signal);
  };
  return { collector, replay, turn };
}

/** A gate that can be opened once or for each passage. */
function gate() {
  let open = () => {};
  const passage = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passage, open };
}

const never = new Promise<void>(() => {});

describe("groups that play at their own pace", () => {
  it("are not stalled by one that hangs, nor by one that takes long to begin anew", async () => {
    const steps = [0, 0, 0];
    let resets = 0;
    const groups = [
      clock(2, (what) => (what === "step" ? never : undefined)),
      clock(2, (what) => (what === "reset" && ++resets > 1 ? never : undefined)),
      clock(1, (what) => {
        if (what === "step") steps[2]! += 1;
      }),
    ];
    const { collector, turn } = await collecting(groups);
    await collector.start();
    for (let k = 0; k < 60; k++) await turn();
    expect(steps[2]).toBeGreaterThan(40);
    // The second group played one episode; of the third, one step may be under way.
    expect([steps[2]! + 7, steps[2]! + 8]).toContain(collector.environmentSteps);
    expect(collector.episodes).toBeGreaterThan(10);
  });

  it("wait when nobody is ready, and go on with the first that is", async () => {
    const [slow, fast] = [gate(), gate()];
    const groups = [slow, fast].map(({ passage }) => clock(1, (what) => (what === "step" ? passage : undefined)));
    const { collector, turn } = await collecting(groups);
    await collector.start();
    const first = turn();
    fast.open();
    await first;
    expect(collector.environmentSteps).toBe(1);
    slow.open();
  });

  it("play in turn, and so the same run every time, when that is wanted", async () => {
    const runs = [];
    for (const delays of [
      [0, 3, 6],
      [6, 3, 0],
    ]) {
      const groups = delays.map((delay) => clock(2, () => new Promise<void>((resolve) => setTimeout(resolve, delay))));
      const { collector, replay, turn } = await collecting(groups, "fixed");
      await collector.start();
      for (let k = 0; k < 24; k++) await turn();
      await collector.settle();
      runs.push({ state: collector.state(), lanes: replay.lanes.map(({ end, actions }) => [end, [...actions.slice(0, 60)]]) });
    }
    expect(runs[0]).toEqual(runs[1]);
    expect(runs[0]!.state.episodes).toBeGreaterThan(8);
  });

  it("are settled before anything is saved", async () => {
    const groups = [1, 2, 3].map((delay) => clock(1, () => new Promise<void>((resolve) => setTimeout(resolve, delay))));
    const { collector, replay, turn } = await collecting(groups);
    await collector.start();
    for (let k = 0; k < 20; k++) await turn();
    await collector.settle();
    const { running, environmentSteps, episodes } = collector.state();
    expect(replay.lanes.every(({ pending }) => !pending)).toBe(true);
    const playing = running.reduce((sum, { actions }) => sum + actions.length, 0);
    expect(environmentSteps).toBe(4 * episodes + playing);
    expect(replay.rows).toBe(environmentSteps + episodes);
  });

  it("are given up one by one when the run is to stop and they do not answer", async () => {
    const groups = [clock(1, (what) => (what === "step" ? never : undefined)), clock(1)];
    const { collector, replay, turn } = await collecting(groups);
    await collector.start();
    for (let k = 0; k < 6; k++) await turn();
    const stop = new AbortController();
    stop.abort();
    await collector.settle(stop.signal);
    expect(collector.lostEpisodes).toBe(1);
    expect(replay.lanes[0]!.pending).toBe(false);
    expect(collector.state().running[0]!.actions).toEqual([]);
  });
});

describe("groups whose simulators break", () => {
  it("lose their episodes, which leave no trace in the replay, and begin new ones", async () => {
    let calls = 0;
    const breaking = clock(2, (what) => {
      // the third step of the second episode
      if (what === "step" && ++calls === 7) throw new LostEpisodes("kill -9");
    });
    const { collector, replay, turn } = await collecting([breaking, clock(1)]);
    await collector.start();
    while (calls < 7) await turn();
    await collector.settle();
    expect(collector.lostEpisodes).toBe(2);
    expect(collector.episodes).toBe(2 + replay.lanes[2]!.boundaries);
    // one whole episode and its last time step
    expect(replay.lanes.slice(0, 2).map(({ end }) => end)).toEqual([5, 5]);
    while (calls < 15) await turn();
    expect(replay.lanes[0]!.end).toBeGreaterThan(9);
    expect(collector.state().lostEpisodes).toBe(2);
  });

  it("count only what had begun when a reset fails", async () => {
    let resets = 0;
    const breaking = clock(2, (what) => {
      if (what === "reset" && ++resets === 2) throw new LostEpisodes("kill -9");
    });
    const { collector, turn } = await collecting([breaking]);
    await collector.start();
    for (let k = 0; k < 6; k++) await turn();
    expect(collector.lostEpisodes).toBe(0); // both had ended
    expect(collector.episodes).toBe(2);
  });

  it("stop the run when nothing more is tried", async () => {
    const broken = clock(1, (what) => {
      if (what === "step") throw new BatonError("io", "failed 5 times in a row");
    });
    const { collector, turn } = await collecting([broken, clock(1)]);
    await collector.start();
    await expect(turn()).rejects.toThrow("failed 5 times in a row");
  });

  it("continue from a saved state as far as their simulators repeat themselves", async () => {
    const { collector, turn } = await collecting([clock(2), clock(1)]);
    await collector.start();
    do {
      await turn();
      await collector.settle();
    } while (collector.episodes < 4 || collector.state().running[0]!.actions.length < 2);
    const state = collector.state();
    const again = await collecting([clock(2), clock(1)]);
    await again.collector.restore(state);
    expect(again.collector.state()).toEqual(state);

    let calls = 0;
    const other = clock(2, (what) => {
      if (what === "step" && ++calls === 1) throw new BatonError("invalid-value", "agent 0 may not choose action 1");
    });
    const differing = await collecting([other, clock(1)]);
    await differing.collector.restore(state);
    const begun = state.running.slice(0, 2).filter(({ actions }) => actions.length > 0).length;
    expect(begun).toBeGreaterThan(0);
    expect(differing.collector.lostEpisodes).toBe(begun);
    await differing.turn();
  });
});

describe("a collector that is restored", () => {
  it("goes on with episodes that repeat, and begins those anew that come out otherwise", async () => {
    const { collector, turn } = await collecting([clock(2), clock(2)], "fixed");
    await collector.start();
    for (let k = 0; k < 5; k++) await turn();
    await collector.settle();
    const state = collector.state();
    expect(state.running.map(({ actions }) => actions.length)).toEqual([3, 3, 3, 3]);

    const same = await collecting([clock(2), clock(2)], "fixed");
    await same.collector.restore(state);
    expect(same.collector.state()).toEqual(state);

    const other = await collecting([clock(2), clock(2, undefined, 1)], "fixed");
    await other.collector.restore(state);
    expect(other.collector.lostEpisodes).toBe(2);
    expect(other.collector.state().running.map(({ actions }) => actions.length)).toEqual([3, 3, 0, 0]);
  });
});
