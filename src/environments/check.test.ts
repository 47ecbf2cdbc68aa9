import { describe, expect, it } from "vitest";
import type { Environment, EnvironmentSpecInput, TimeStep } from "../environment.js";
import { RandomStream } from "../tensor/random.js";
import { assertConforms, type CheckName, checkEnvironment, checkNames } from "./check.js";

const spec: EnvironmentSpecInput = {
  id: "duel",
  agents: 2,
  entities: 3,
  actions: 3,
  untargetedActions: 2,
  entityFeatures: 2,
  relationFeatures: 1,
  observationSize: 2,
  stateSize: 3,
  episodeLimit: 8,
};

/** Agents 0 and 1 may hit entity 2 until its random health is gone; agent 1 dies half-way. Keeps the contract. */
class Duel implements Environment {
  readonly spec = spec;
  health = 0;
  t = 0;

  reset(seed: number, out: TimeStep): void {
    this.t = 0;
    this.health = 3 + RandomStream.from(seed, "duel").uniform() * 8;
    this.write(out);
  }

  step(actions: Int32Array, out: TimeStep): void {
    this.t += 1;
    for (const action of actions) if (action === 2) this.health -= 1;
    out.reward = this.health <= 0 ? 1 : 0;
    out.terminated = this.health <= 0;
    out.truncated = !out.terminated && this.t === 8;
    if (out.terminated) out.info.won = true;
    this.write(out);
  }

  write(out: TimeStep): void {
    out.entities[4] = this.health;
    out.relations.fill(this.health);
    out.observations.fill(this.t / 8);
    out.state[0] = this.t;
    out.actionMask.fill(1);
    out.actionMask[0] = 0;
    out.alive[2] = this.health > 0 ? 1 : 0;
    out.actionTargets.fill(this.health > 0 ? 2 : -1);
    for (const agent of [0, 1]) if (this.health <= 0) out.actionMask[agent * 3 + 2] = 0;
    if (this.t >= 3) {
      out.alive[1] = 0;
      out.actionMask.set([1, 0, 0], 3);
    }
  }

  frame() {
    const unit = { y: 0, radius: 1, team: 0, type: "duellist", alive: true, health: 1, healthMax: 1, shield: 0, shieldMax: 0 };
    return { width: 2, height: 1, units: [0, 1].map((x) => ({ ...unit, x })) };
  }
}

/** A duel that spoils its time step after each reset (t = 0) and step. */
function spoilt(spoil: (out: TimeStep, env: Duel) => void): () => Environment {
  return () => {
    class Spoilt extends Duel {
      override write(out: TimeStep): void {
        super.write(out);
        spoil(out, this);
      }
    }
    return new Spoilt();
  };
}

/** Names of the checks that failed by themselves, not for want of another. */
function failures(make: () => Environment): CheckName[] {
  const { checks } = checkEnvironment(make);
  return checks.filter((check) => !check.passed && !check.detail.startsWith("not judged")).map((check) => check.name);
}

let shared = 0;

class Forgetful extends Duel {
  override reset(seed: number, out: TimeStep): void {
    this.health = this.health > 0 ? this.health : RandomStream.from(seed).uniform() * 8;
    this.t = 0;
    this.write(out);
  }
}

class Shared extends Duel {
  override reset(seed: number, out: TimeStep): void {
    super.reset(seed, out);
    shared = this.health;
  }
  override step(actions: Int32Array, out: TimeStep): void {
    this.health = shared;
    super.step(actions, out);
    shared = this.health;
  }
}

class Endless extends Duel {
  override step(actions: Int32Array, out: TimeStep): void {
    super.step(actions, out);
    out.truncated = false;
    out.terminated = false;
    out.info.won = false;
  }
}

class Meddler extends Duel {
  override step(actions: Int32Array, out: TimeStep): void {
    super.step(actions, out);
    actions[0] = 7;
  }
}

class Thrower extends Duel {
  override step(): void {
    throw new TypeError("oops");
  }
}

let made = 0;

const broken: Record<CheckName, () => Environment> = {
  spec: () => Object.assign(new Duel(), { spec: { ...spec, agents: 1.5 } }),
  plays: () => new Thrower(),
  types: spoilt((out, env) => {
    if (env.t === 1) (out as { reward: unknown }).reward = "1";
  }),
  buffers: spoilt((out) => {
    (out as { state: Float32Array }).state = Float32Array.from(out.state);
  }),
  finite: spoilt((out, env) => {
    if (env.t === 2) out.entities[1] = Number.NaN;
  }),
  flags: spoilt((out) => {
    out.actionMask[1] = 2;
  }),
  choice: spoilt((out, env) => {
    if (env.t === 1) out.actionMask.fill(0);
  }),
  dead: spoilt((out) => {
    if (out.alive[1] === 0) out.actionMask[4] = 1;
  }),
  targets: spoilt((out) => {
    out.actionTargets[0] = 3;
  }),
  "target-mask": spoilt((out) => {
    out.actionTargets[0] = -1;
  }),
  beginning: spoilt((out, env) => {
    if (env.t === 0) out.reward = 1;
  }),
  ending: () => new Endless(),
  "end-kind": spoilt((out) => {
    if (out.terminated) out.truncated = true;
  }),
  won: spoilt((out, env) => {
    if (env.t === 1 && !out.terminated) out.info.won = true;
  }),
  frame: () => Object.assign(new Duel(), { frame: () => ({ ...new Duel().frame(), width: Number.POSITIVE_INFINITY }) }),
  actions: () => new Meddler(),
  deterministic: () => {
    const copy = made++;
    return spoilt((out) => {
      out.state[1] = copy;
    })();
  },
  reset: () => new Forgetful(),
  independent: () => new Shared(),
};

describe("checkEnvironment", () => {
  it("passes an environment that keeps the contract, and says what it saw", () => {
    const report = checkEnvironment(() => new Duel(), { episodes: 6 });
    expect(report.checks.filter((check) => !check.passed)).toEqual([]);
    expect(report).toMatchObject({ id: "duel", passed: true });
    expect(report.checks.map((check) => check.name)).toEqual(checkNames);
    expect(report.checks.find((check) => check.name === "ending")?.detail).toMatch(/^6 episodes of \d+ to 8 steps \(limit 8\)/);
    expect(report.checks.find((check) => check.name === "deterministic")?.detail).toBe("another seed gives another episode");
  });

  it.each(checkNames)("fails exactly %s for an environment that breaks it", (name) => {
    expect(failures(broken[name])).toEqual([name]);
  });

  it("finds an array of the wrong length or type", () => {
    const make = spoilt((out) => {
      (out as { state: unknown }).state = new Float64Array(4);
    });
    const report = checkEnvironment(make);
    const detail = report.checks.find((check) => check.name === "types")?.detail;
    expect(detail).toBe("at step 0, out.state is a Float64Array of 4, but must be a Float32Array of 3");
  });

  it("does not judge what it cannot reach", () => {
    const { checks } = checkEnvironment(() => new Thrower());
    expect(checks.find((check) => check.name === "plays")?.detail).toBe("TypeError: oops");
    expect(checks.find((check) => check.name === "independent")).toMatchObject({
      passed: false,
      detail: "not judged, because TypeError: oops",
    });
  });

  it("reports an environment that cannot be made", () => {
    const report = checkEnvironment(() => {
      throw new Error("no simulator");
    });
    expect(report.passed).toBe(false);
    expect(report.checks[0]).toMatchObject({ name: "spec", passed: false, detail: "Error: no simulator" });
  });
});

describe("assertConforms", () => {
  it("is silent for a good environment and lists what a bad one breaks", () => {
    expect(() => assertConforms(() => new Duel())).not.toThrow();
    expect(() => assertConforms(() => new Endless())).toThrow(
      /duel breaks its contract:\n- ending: Every episode ends by its limit/,
    );
  });
});
