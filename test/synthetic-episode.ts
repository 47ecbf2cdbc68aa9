import type { EnvironmentSpec, Frame, FrameEvent, FrameUnit } from "../src/environment.js";
import type { Decision, RecordedEpisode, RecordedStep } from "../src/runs/episodes.js";
import { RandomStream } from "../src/tensor/random.js";

/** Value of an unavailable action in a {@link Decision}. */
const unavailable = -1e9;

interface Unit {
  readonly type: string;
  readonly team: number;
  readonly healthMax: number;
  readonly shieldMax: number;
  readonly radius: number;
  x: number;
  y: number;
  health: number;
  shield: number;
}

const moves = ["north", "south", "east", "west"] as const;
const untargeted = ["no-op", "stop", ...moves] as const;

function specOf(id: string, agents: number, entities: number): EnvironmentSpec {
  const targets = entities - agents;
  return {
    ...{ id, agents, entities, actions: untargeted.length + targets, untargetedActions: untargeted.length },
    ...{ entityFeatures: 4, relationFeatures: 0, observationSize: 4, stateSize: 4, episodeLimit: 60, predictedFeatures: [] },
    actionNames: [...untargeted, ...Array.from({ length: targets }, (_, k) => `target ${k}`)],
  };
}

function startingUnits(random: RandomStream): Unit[] {
  const line = (type: string, team: number, x: number, count: number, healthMax: number, shieldMax: number, radius: number) =>
    Array.from({ length: count }, (_, k) => {
      const y = 16 + 2 * (k - (count - 1) / 2) + random.uniform();
      return { type, team, healthMax, shieldMax, radius, x: x + random.uniform(), y, health: healthMax, shield: shieldMax };
    });
  return [
    ...line("stalker", 0, 9, 2, 80, 80, 0.625),
    ...line("zealot", 0, 11, 3, 100, 50, 0.5),
    ...line("marine", 1, 22, 4, 45, 0, 0.375),
    ...line("marauder", 1, 24, 1, 125, 0, 0.5625),
  ];
}

function frameOf(units: readonly Unit[]): Frame {
  const drawn: FrameUnit[] = units.map((unit) => ({ ...unit, alive: unit.health > 0 }));
  return { width: 32, height: 32, units: drawn };
}

/** Five agents (stalkers and zealots) walk to five enemies and shoot the nearest; the numbers are made up, the shapes are not. */
function decide(units: readonly Unit[], spec: EnvironmentSpec, t: number, random: RandomStream): Decision {
  const { agents: n, actions: A, untargetedActions: U } = spec;
  const order = new Int32Array(n);
  random.permutation(order, 0, n);
  const actions = new Int32Array(n);
  const mask = new Uint8Array(n * A);
  const values = new Float32Array(n * A).fill(unavailable);
  const targets = new Int32Array(n * (A - U)).fill(-1);
  for (let i = 0; i < n; i++) {
    const self = units[i]!;
    const range = self.type === "stalker" ? 6 : 2;
    if (self.health <= 0) mask[i * A] = 1;
    else {
      mask.fill(1, i * A + 1, i * A + U);
      units.slice(n).forEach((enemy, k) => {
        if (enemy.health <= 0 || Math.hypot(enemy.x - self.x, enemy.y - self.y) > range + enemy.radius + self.radius) return;
        mask[i * A + U + k] = 1;
        targets[i * (A - U) + k] = n + k;
      });
    }
    for (let a = 0; a < A; a++) {
      if (!mask[i * A + a]) continue;
      const bonus = a >= U ? 0.8 : a === 4 ? 0.5 : 0;
      values[i * A + a] = self.health <= 0 ? 0 : 14 + 0.15 * t + bonus + 0.3 * random.normal();
    }
    const row = values.subarray(i * A, (i + 1) * A);
    actions[i] = row.indexOf(Math.max(...row));
  }
  return { order, actions, mask, values, targets };
}

function play(units: readonly Unit[], decision: Decision, spec: EnvironmentSpec, random: RandomStream): number {
  const { agents: n, actions: A, untargetedActions: U } = spec;
  let reward = 0;
  const hurt = (unit: Unit, damage: number) => {
    const absorbed = Math.min(unit.shield, damage);
    unit.shield -= absorbed;
    unit.health = Math.max(0, unit.health - damage + absorbed);
  };
  decision.actions.forEach((action, i) => {
    const self = units[i]!;
    const target = action >= U ? units[decision.targets[i * (A - U) + action - U]!] : undefined;
    const steps: Readonly<Record<string, readonly [number, number]>> = {
      north: [0, 1],
      south: [0, -1],
      east: [1, 0],
      west: [-1, 0],
    };
    const direction = steps[spec.actionNames[action]!];
    if (target && target.health > 0) {
      hurt(target, 9);
      reward += 0.1;
    } else if (direction && self.health > 0) {
      self.x += direction[0];
      self.y += direction[1];
    }
  });
  for (const enemy of units.slice(n)) {
    const prey = units.slice(0, n).filter((unit) => unit.health > 0);
    const nearest = prey.sort((a, b) => Math.abs(a.x - enemy.x) - Math.abs(b.x - enemy.x))[0];
    if (enemy.health <= 0 || !nearest) continue;
    if (Math.abs(nearest.x - enemy.x) < 6) hurt(nearest, 4 + 4 * random.uniform());
    else enemy.x -= 0.8;
  }
  return reward;
}

/** A skirmish of five against five, `length` decisions long. The same arguments give the same episode. */
export function syntheticEpisode(length = 24, seed = 0): RecordedEpisode {
  const random = RandomStream.from(seed, "synthetic episode");
  const units = startingUnits(random);
  const spec = specOf("skirmish/synthetic", 5, units.length);
  const steps: RecordedStep[] = [];
  let [reward, episodeReturn] = [0, 0];
  for (let t = 0; t <= length; t++) {
    const decision = t < length ? decide(units, spec, t, random) : null;
    steps.push({ frame: frameOf(units), alive: Uint8Array.from(units, (unit) => Number(unit.health > 0)), reward, decision });
    episodeReturn += reward;
    if (decision) reward = play(units, decision, spec, random);
  }
  return { env: spec.id, agent: "ace", seed, checkpoint: 40_000, spec, won: true, episodeReturn, steps };
}

/** The same with everything that a frame may tell: ground, shots, healing, splash, a death, energy and sight; and values from before anybody chose. */
export function vividEpisode(length = 24): RecordedEpisode {
  const plain = syntheticEpisode(length);
  const ground = Array.from({ length: 32 }, (_, row) => (row < 8 ? "#".repeat(32) : `${".".repeat(24)}^^//~~##`));
  const steps = plain.steps.map((step, t): RecordedStep => {
    const events: FrameEvent[] = [
      { kind: "shot", at: 0.25, from: 0, to: 6, amount: 13 },
      { kind: "heal", at: 0.5, from: 1, to: 0, amount: 4 },
      { kind: "splash", at: 0.5, x: 16, y: 16, radius: 2.2 },
      { kind: "death", at: 1, unit: 7 },
    ];
    const units = step.frame!.units.map((unit) => ({
      ...unit,
      sight: 9,
      energy: 50,
      energyMax: 200,
      flying: unit.type === "zealot",
    }));
    const decision = step.decision && {
      ...step.decision,
      priorValues: step.decision.values!.map((value, k) => value + (k % 3 === 0 ? 0.5 : -0.5)),
    };
    return { ...step, decision, frame: { ...step.frame!, units, ground, ...(t > 0 && { events }) } };
  });
  return { ...plain, steps };
}

/** One move of the climbing game: two agents, three actions, nothing to draw. */
export function matrixEpisode(): RecordedEpisode {
  const spec: EnvironmentSpec = {
    ...{
      id: "matrix/climbing",
      agents: 2,
      entities: 2,
      actions: 3,
      untargetedActions: 3,
      entityFeatures: 1,
      relationFeatures: 0,
    },
    ...{ observationSize: 1, stateSize: 1, episodeLimit: 1, actionNames: ["a", "b", "c"], predictedFeatures: [] },
  };
  const alive = Uint8Array.of(1, 1);
  const decision: Decision = {
    actions: Int32Array.of(0, 0),
    order: Int32Array.of(1, 0),
    values: Float32Array.of(11, -30, 0, 11, 7, 6),
    mask: Uint8Array.of(1, 1, 1, 1, 1, 0),
    targets: new Int32Array(0),
  };
  const steps = [
    { frame: null, alive, reward: 0, decision },
    { frame: null, alive, reward: 11, decision: null },
  ];
  return { env: spec.id, agent: "ace", seed: 3, checkpoint: 2000, spec, won: true, episodeReturn: 11, steps };
}
