import { describe, expect, it } from "vitest";
import type { CompleteEnvironment, FrameUnit, TimeStep } from "../../src/environment.js";
import { completeEnvironment } from "../../src/environments/complete.js";
import { allocateTimeStep } from "../../src/environments/timestep.js";
import { RandomStream } from "../../src/tensor/random.js";
import { skirmish, skirmishMaps } from "./index.js";
import type { SkirmishOptions } from "./options.js";
import { scriptedPolicies } from "./scripted.js";
import { type UnitName, unitTypes } from "./units.js";

/** SMAC's feature vectors, written down once more from its description: lists that grow, read off the picture of the world. */
class Reference {
  readonly #units: readonly FrameUnit[];
  readonly #n: number;
  readonly #m: number;
  readonly #A: number;

  constructor(
    env: CompleteEnvironment,
    readonly map: string,
    readonly options: SkirmishOptions,
    readonly out: TimeStep,
    readonly lastActions: Int32Array | undefined,
    readonly progress: number,
  ) {
    this.#units = env.frame!().units;
    this.#n = env.spec.agents;
    this.#m = env.spec.entities - this.#n;
    this.#A = env.spec.actions;
  }

  get #generated(): boolean {
    return this.map.includes("_vs_") && /^(terran|protoss|zerg)/.test(this.map);
  }

  #typeBits(unit: FrameUnit, side: "allyTypeBits" | "enemyTypeBits"): number[] {
    return skirmishMaps.get(this.map)![side].map((name) => (name === unit.type ? 1 : 0));
  }

  #shields(first: number): boolean {
    return unitTypes[this.#units[first]!.type as UnitName].race === "protoss";
  }

  #oneHot(i: number): number[] {
    return Array.from({ length: this.#A }, (_, a) => (this.lastActions?.[i] === a ? 1 : 0));
  }

  observation(i: number): number[] {
    const { options, out } = this;
    const units = this.#units;
    const [n, m, A] = [this.#n, this.#m, this.#A];
    const me = units[i]!;
    const sight = this.#generated ? unitTypes[me.type as UnitName].sight : 9;
    const seen = (j: number, bit: number, side: "allyTypeBits" | "enemyTypeBits", shields: boolean): number[] => {
      const it = units[j]!;
      const distance = Math.hypot(it.x - me.x, it.y - me.y);
      const features = [bit, distance / sight, (it.x - me.x) / sight, (it.y - me.y) / sight];
      if (options.obs_all_health) features.push(it.health / it.healthMax);
      if (options.obs_all_health && shields) features.push(it.shield / it.shieldMax);
      features.push(...this.#typeBits(it, side));
      if (side === "allyTypeBits" && options.obs_last_action) features.push(...this.#oneHot(j));
      return it.alive && distance < sight ? features : features.map(() => 0);
    };
    const features: number[] = [];
    for (let d = 0; d < 4; d++) features.push(out.actionMask[i * A + 2 + d]!);
    for (let k = 0; k < m; k++) features.push(...seen(n + k, out.actionMask[i * A + 6 + k]!, "enemyTypeBits", this.#shields(n)));
    for (let j = 0; j < n; j++) if (j !== i) features.push(...seen(j, 1, "allyTypeBits", this.#shields(0)));
    if (options.obs_all_health || options.obs_own_health) {
      features.push(me.health / me.healthMax);
      if (this.#shields(0)) features.push(me.shield / me.shieldMax);
    }
    if (this.#generated) features.push(me.x / 32, me.y / 32);
    features.push(...this.#typeBits(me, "allyTypeBits"));
    if (options.obs_timestep_number) features.push(this.progress);
    return me.alive ? features : features.map(() => 0);
  }

  state(cooldown: (i: number) => number): number[] {
    const features: number[] = [];
    this.#units.forEach((unit, u) => {
      const ally = u < this.#n;
      const own = [unit.health / unit.healthMax];
      if (ally) own.push(unit.type === "medivac" ? unit.energy! / 200 : cooldown(u));
      own.push((unit.x - 16) / 32, (unit.y - 16) / 32);
      if (this.#shields(ally ? 0 : this.#n)) own.push(unit.shield / unit.shieldMax);
      own.push(...this.#typeBits(unit, ally ? "allyTypeBits" : "enemyTypeBits"));
      features.push(...own.map((value) => (unit.alive ? value : 0)));
    });
    if (this.options.state_last_action) for (let i = 0; i < this.#n; i++) features.push(...this.#oneHot(i));
    if (this.options.state_timestep_number) features.push(this.progress);
    return features;
  }
}

/** SMAC's largest weapon cooldowns in ticks. */
const maxCooldown: Partial<Record<string, number>> = {
  marine: 15,
  marauder: 25,
  stalker: 35,
  zealot: 22,
  colossus: 24,
  hydralisk: 10,
  zergling: 11,
  baneling: 1,
};

function closeTo(found: Float32Array, expected: number[], what: string): void {
  expect(found.length, what).toBe(expected.length);
  let worst = 0;
  expected.forEach((value, k) => {
    worst = Math.max(worst, Math.abs(value - found[k]!));
  });
  expect(worst, what).toBeLessThan(1e-5);
}

describe("observations and state, against SMAC's description", () => {
  it.each([
    ["3m", {}],
    ["5m_vs_6m", { obs_last_action: true, obs_timestep_number: true, state_timestep_number: true }],
    ["2s3z", {}],
    ["MMM2", { obs_own_health: false, obs_all_health: false }],
    ["MMM", { obs_all_health: false, state_last_action: false }],
    ["1c3s5z", { obs_last_action: true }],
    ["6h_vs_8z", {}],
    ["corridor", {}],
    ["bane_vs_bane", {}],
    ["2c_vs_64zg", {}],
    ["protoss_5_vs_5", {}],
    ["terran_10_vs_11", { obs_last_action: true }],
    ["zerg_5_vs_5", { obs_timestep_number: true }],
  ])("%s with %j", (map, given) => {
    const options = skirmish.options.parse(given);
    const env = completeEnvironment(skirmish.make(map, options));
    const { agents: n, observationSize: O, entityFeatures: S, predictedFeatures, episodeLimit } = env.spec;
    const out = allocateTimeStep(env.spec);
    const actions = new Int32Array(n);
    const rng = RandomStream.from(1, "features");
    env.reset(7, out);
    for (let t = 0; !out.terminated && !out.truncated && t < 60; t++) {
      if (t % 5 === 0) {
        const reference = new Reference(env, map, options, out, t > 0 ? actions : undefined, t / episodeLimit);
        for (let i = 0; i < n; i++)
          closeTo(out.observations.subarray(i * O, (i + 1) * O), reference.observation(i), `agent ${i}, step ${t}`);
        const units = env.frame!().units;
        const cooldown = (i: number) => (out.entities[i * S + predictedFeatures[5]!]! * 50) / maxCooldown[units[i]!.type]!;
        closeTo(out.state, reference.state(cooldown), `state, step ${t}`);
      }
      // Now this, now that, so that there are fights, deaths and wounds.
      (t % 3 === 0 ? scriptedPolicies.random : scriptedPolicies.closest)(out, env.spec, actions, rng);
      env.step(actions, out);
    }
  });

  it("obs_instead_of_state gives all observations, one after another", () => {
    const env = completeEnvironment(skirmish.make("2s3z", skirmish.options.parse({ obs_instead_of_state: true })));
    const out = allocateTimeStep(env.spec);
    env.reset(0, out);
    expect(env.spec.stateSize).toBe(5 * 80);
    expect(out.state).toEqual(out.observations);
  });

  it("tell of the ground: 8 points of pathing, 9 of height, which count as 1 beyond the edge", () => {
    const env = completeEnvironment(
      skirmish.make("3m", skirmish.options.parse({ obs_pathing_grid: true, obs_terrain_height: true, jitter: 0 })),
    );
    const out = allocateTimeStep(env.spec);
    env.reset(0, out);
    expect(env.spec.observationSize).toBe(30 + 8 + 9);
    expect(Array.from(out.observations.subarray(4, 21))).toEqual([
      ...Array(8).fill(1),
      ...Array(9).fill(expect.closeTo(127 / 255, 5)),
    ]);
  });
});

describe("masks", () => {
  it("let nobody act on whom their side cannot reach, and the dead do nothing but no-op", () => {
    for (const [map, ranges] of [
      ["MMM", { marine: 6, marauder: 6, medivac: 6 }],
      ["terran_10_vs_11", { marine: 5, marauder: 6, medivac: 4 }],
      ["zerg_5_vs_5", { zergling: 2, hydralisk: 5, baneling: 2 }],
    ] as const) {
      const env = completeEnvironment(skirmish.make(map, skirmish.options.parse({})));
      const { agents: n, actions: A } = env.spec;
      const out = allocateTimeStep(env.spec);
      const actions = new Int32Array(n);
      const rng = RandomStream.from(1, "masks");
      env.reset(3, out);
      while (!out.terminated && !out.truncated) {
        const { units } = env.frame!();
        for (let i = 0; i < n; i++) {
          const me = units[i]!;
          const healer = me.type === "medivac";
          for (let k = 0; k < A - 6; k++) {
            const target = healer ? (k < n && units[k]!.type !== "medivac" ? k : -1) : n + k;
            expect(out.actionTargets[i * (A - 6) + k]).toBe(target);
            const it = units[target];
            const range = (ranges as Record<string, number>)[me.type]!;
            const may = me.alive && it?.alive && Math.hypot(it.x - me.x, it.y - me.y) <= range;
            expect(out.actionMask[i * A + 6 + k]).toBe(may ? 1 : 0);
          }
          expect([out.actionMask[i * A], out.actionMask[i * A + 1]]).toEqual(me.alive ? [0, 1] : [1, 0]);
        }
        scriptedPolicies.closest(out, env.spec, actions, rng);
        env.step(actions, out);
      }
    }
  });

  it("an action that is not legal is refused by name", () => {
    const env = completeEnvironment(skirmish.make("3m", skirmish.options.parse({})));
    const out = allocateTimeStep(env.spec);
    env.reset(0, out);
    expect(() => env.step(Int32Array.of(1, 0, 1), out)).toThrow("action 0 (no-op) of living agent 1 is not legal in skirmish/3m");
  });
});
