import { describe, expect, it } from "vitest";
import type { CompleteEnvironment, ScriptedPolicy, TimeStep, VectorTimeStep } from "../../src/environment.js";
import { completeEnvironment } from "../../src/environments/complete.js";
import { randomLegalAction } from "../../src/environments/player.js";
import { allocateTimeStep, allocateVectorTimeStep } from "../../src/environments/timestep.js";
import { vectorize } from "../../src/environments/vectorize.js";
import { RandomStream } from "../../src/tensor/random.js";
import { generatedMaps } from "./generated.js";
import { skirmish, skirmishMaps } from "./index.js";
import { maps } from "./maps.js";
import { Reward } from "./reward.js";
import { scriptedPolicies } from "./scripted.js";
import { World } from "./world.js";

function open(map: string, options: Record<string, unknown> = {}): CompleteEnvironment {
  return completeEnvironment(skirmish.make(map, skirmish.options.parse(options)));
}

interface Played {
  readonly won: boolean;
  readonly total: number;
  readonly last: TimeStep;
}

/** Plays one episode; `see` looks at every time step. */
function play(env: CompleteEnvironment, policy: ScriptedPolicy, seed: number, see?: (out: TimeStep) => void): Played {
  const out = allocateTimeStep(env.spec);
  const actions = new Int32Array(env.spec.agents);
  const rng = RandomStream.from(seed, "test");
  let total = 0;
  env.reset(seed, out);
  see?.(out);
  while (!out.terminated && !out.truncated) {
    policy(out, env.spec, actions, rng);
    env.step(actions, out);
    total += out.reward;
    see?.(out);
  }
  return { won: out.info.won === true, total, last: out };
}

/** Everything that an episode shows, for comparisons bit by bit. */
function transcript(env: CompleteEnvironment, policy: ScriptedPolicy, seed: number): string {
  const parts: string[] = [];
  play(env, policy, seed, (out) => {
    for (const array of [out.entities, out.relations, out.observations, out.state, out.actionMask]) {
      parts.push(Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString("base64"));
    }
    parts.push(String(out.reward));
  });
  return parts.join();
}

function wins(map: string, policy: keyof typeof scriptedPolicies, episodes: number): number {
  const env = open(map);
  let won = 0;
  for (let seed = 0; seed < episodes; seed++) if (play(env, scriptedPolicies[policy], seed).won) won++;
  return won / episodes;
}

const { random, closest, flee, "focus-fire": focusFire } = scriptedPolicies;
const names = [...maps.keys(), ...generatedMaps.keys()];
const banelings = (name: string) => ["so_many_baneling", "bane_vs_bane"].includes(name) || name.startsWith("zerg_");

describe("chance", () => {
  it.each(["3m", "MMM2", "bane_vs_bane", "2c_vs_64zg", "zerg_10_vs_11"])(
    "%s: a seed gives the same episode, whatever was played before",
    (map) => {
      const env = open(map);
      const first = transcript(env, random, 3);
      const other = transcript(env, random, 4);
      expect(transcript(env, random, 3)).toBe(first);
      expect(transcript(open(map), random, 3)).toBe(first);
      expect(other).not.toBe(first);
    },
  );

  it.each(["3m", "MMM2", "corridor"])("%s: without jitter all episodes of one policy are alike", (map) => {
    const env = open(map, { jitter: 0 });
    expect(transcript(env, closest, 1)).toBe(transcript(env, closest, 2));
    expect(transcript(open(map), closest, 1)).not.toBe(transcript(open(map), closest, 2));
  });

  it("SMACv2's teams are drawn without jitter too", () => {
    const env = open("protoss_5_vs_5", { jitter: 0 });
    expect(transcript(env, closest, 1)).not.toBe(transcript(env, closest, 2));
  });
});

describe("who wins", () => {
  it.each(names.filter((name) => !banelings(name)))("%s: fleeing gets no win and no reward", (name) => {
    const env = open(name);
    for (let seed = 0; seed < 2; seed++) expect(play(env, flee, seed)).toMatchObject({ won: false, total: 0 });
  });

  it.each(["3m", "8m", "25m", "MMM", "2s3z", "3s5z", "1c3s5z"])("%s, symmetric: random play wins nearly nothing", (map) => {
    expect(wins(map, "random", 20)).toBeLessThanOrEqual(0.05);
  });

  it.each(["5m_vs_6m", "27m_vs_30m", "MMM2", "3s5z_vs_3s6z", "3s_vs_5z", "corridor", "6h_vs_8z", "2c_vs_64zg"])(
    "%s, hard: random play wins nearly nothing",
    (map) => {
      expect(wins(map, "random", 10)).toBe(0);
    },
  );
  // test/scripted.test.ts has more.
});

describe("reward", () => {
  /** SMAC's own max_reward: 10·m + 200 + the enemy's hit points. */
  it.each([
    ["3m", 365],
    ["2s3z", 1020],
    ["2s_vs_1sc", 510],
    ["3s_vs_5z", 1000],
    ["3s5z", 1510],
    ["3s5z_vs_3s6z", 1670],
    ["10m_vs_11m", 805],
    ["27m_vs_30m", 1850],
    ["MMM", 1015],
    ["MMM2", 1205],
    ["bane_vs_bane", 1260],
    ["corridor", 1280],
    ["2c_vs_64zg", 3080],
  ])("of %s is scaled by SMAC's %i / 20", (map, maxReward) => {
    expect(new Reward(new World(maps.get(map)!), skirmish.options.parse({})).maxReward).toBe(maxReward);
  });

  it("of a win on 3m is 20: every hit point, three kills and the win", () => {
    const env = open("3m");
    let seed = 0;
    while (!play(env, focusFire, seed).won) seed++;
    expect(play(env, focusFire, seed).total).toBeCloseTo(20, 6);
    const raw = play(open("3m", { reward_scale: false }), focusFire, seed);
    expect(raw.total).toBeCloseTo(3 * 45 + 3 * 10 + 200, 6);
    expect(play(open("3m", { reward_scale: false, reward_win: 7, reward_death_value: 1 }), focusFire, seed).total).toBeCloseTo(
      3 * 45 + 3 + 7,
      6,
    );
  });

  it("of a loss costs half of what the team lost, when that is asked for, and the defeat", () => {
    const positive = play(open("5m_vs_6m", { reward_scale: false }), closest, 0);
    expect(positive.won).toBe(false);
    const both = play(open("5m_vs_6m", { reward_scale: false, reward_only_positive: false, reward_defeat: -30 }), closest, 0);
    expect(positive.total - both.total).toBeCloseTo(0.5 * (5 * 45 + 5 * 10) + 30, 6);
  });

  it.each([
    ["3s_vs_3z", false, 6],
    ["protoss_5_vs_5", true, 0],
  ] as const)("of shields that come back to the enemy, on %s", (name, drawn, reward) => {
    const world = new World(skirmishMaps.get(name)!);
    const worth = new Reward(world, skirmish.options.parse({ reward_scale: false }), drawn);
    world.revive();
    world.shield.fill(0);
    worth.begin();
    world.shield[world.agents] = 6;
    expect(worth.of("undecided")).toBe(reward);
  });

  it("sparse, is 1 for a win and −1 for a defeat, at the end only", () => {
    const rewards: number[] = [];
    play(open("5m_vs_6m", { reward_sparse: true, reward_scale: false }), closest, 0, (out) => rewards.push(out.reward));
    expect(rewards.pop()).toBe(-1);
    expect(new Set(rewards)).toEqual(new Set([0]));
    const env = open("3m", { reward_sparse: true });
    const won = Array.from({ length: 8 }, (_, seed) => play(env, focusFire, seed)).find((played) => played.won)!;
    expect(won.total).toBeCloseTo(20 / 365, 9);
  });
});

describe("the end", () => {
  it("is terminated when a side is dead, truncated at the limit", () => {
    const beaten = play(open("5m_vs_6m"), closest, 0).last;
    expect([beaten.terminated, beaten.truncated, beaten.info]).toEqual([
      true,
      false,
      { won: false, dead_allies: 5, dead_enemies: expect.any(Number), timeout: false },
    ]);
    let steps = -1;
    const fled = play(open("3m"), flee, 0, () => steps++).last;
    expect([fled.terminated, fled.truncated, steps, fled.info.timeout]).toEqual([false, true, 60, true]);
  });

  it("comes on MMM with a medivac alone", () => {
    const env = open("MMM");
    const ends = Array.from({ length: 40 }, (_, seed) => play(env, random, seed).last.info);
    expect(ends.some((info) => !info.won && info.dead_allies === 9)).toBe(true);
  });
});

describe("fields that nobody reads", () => {
  it.each([
    [["entities", "relations"], {}],
    [["observations"], {}],
    [["state"], { obs_instead_of_state: true }],
    [[], {}],
  ] as const)("are not written when only %j are read, and the rest is as ever", (read, options) => {
    const make = () => skirmish.make("MMM", skirmish.options.parse(options));
    const whole = vectorize(make, 2);
    const part = vectorize(make, 2, read);
    const [all, some] = [whole, part].map((env) => allocateVectorTimeStep(env.spec, 2, env.fields)) as [
      VectorTimeStep,
      VectorTimeStep,
    ];
    for (const field of ["entities", "relations", "observations", "state"] as const) {
      expect([field, some[field].length]).toEqual([field, (read as readonly string[]).includes(field) ? all[field].length : 0]);
    }
    const actions = new Int32Array(2 * whole.spec.agents);
    const rng = RandomStream.from(0, "fields");
    whole.reset([0, 1], [3, 4], all);
    part.reset([0, 1], [3, 4], some);
    for (let t = 0; t < 15; t++) {
      const A = whole.spec.actions;
      for (let row = 0; row < actions.length; row++) actions[row] = randomLegalAction(all.actionMask, row * A, A, rng);
      whole.step(actions, all);
      part.step(actions, some);
      for (const field of [...read, "alive", "actionMask", "actionTargets", "reward"] as const)
        expect(some[field]).toEqual(all[field]);
    }
  });
});
