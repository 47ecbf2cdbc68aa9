/** Small worlds with everything that makes ACE hard: dead units, unavailable actions, heal targets, self-targets, held things, any order. */
import type { EnvironmentSpec } from "../../src/environment.js";
import { RandomStream } from "../../src/tensor/random.js";
import { HostArray, type HostTree } from "../../src/tensor/tree.js";
import type { Sample, Transition } from "./reference.js";

const shared = { observationSize: 1, stateSize: 1, episodeLimit: 10, entityFeatures: 5, predictedFeatures: [1, 3] };

/** Agent 0 heals (its targets are agents, itself among them), the others attack. */
const battle: EnvironmentSpec = {
  ...shared,
  id: "test/battle",
  agents: 4,
  entities: 7,
  actions: 6,
  untargetedActions: 3,
  relationFeatures: 2,
  actionNames: ["dead", "stop", "move", "target 0", "target 1", "target 2"],
};

/** Nobody has a target, whoever has the ball moves it (ace-spec §3.2). */
const football: EnvironmentSpec = {
  ...shared,
  id: "test/football",
  agents: 3,
  entities: 6,
  actions: 4,
  untargetedActions: 4,
  relationFeatures: 3,
  actionNames: ["stop", "run", "pass", "shoot"],
  heldEntity: { entity: 5, holderFeature: 2 },
};

/** Both at once, and no relations. */
const both: EnvironmentSpec = { ...battle, id: "test/both", relationFeatures: 0, heldEntity: { entity: 6, holderFeature: 4 } };

export const worlds = { battle, football, both };
export type World = keyof typeof worlds;

const list = <T>(length: number, of: (i: number) => T) => Array.from({ length }, (_, i) => of(i));

export function randomSample(rng: RandomStream, spec: EnvironmentSpec): Sample {
  const { agents: n, entities: N, actions: A, untargetedActions: U, entityFeatures: S, relationFeatures: R } = spec;
  const float = () => Math.fround(rng.uniform() * 2 - 1);
  const alive = list(N, () => (rng.uniform() < 0.75 ? 1 : 0));
  const actionTargets = list(n, (i) => list(A - U, (k) => (i === 0 ? k : n + k)));
  const actionMask = list(n, (i) =>
    list(A, (a) => {
      if (alive[i] === 0) return a === 0 ? 1 : 0;
      if (a === 0) return 0;
      if (a === 1) return 1;
      const target = a < U ? i : actionTargets[i]![a - U]!;
      return alive[target] === 1 && rng.uniform() < 0.7 ? 1 : 0;
    }),
  );
  const entities = list(N, () => list(S, float));
  const sample = { entities, relations: list(N, () => list(N, () => list(R, float))), alive, actionMask, actionTargets };
  if (!spec.heldEntity) return sample;
  const { entity, holderFeature } = spec.heldEntity;
  const holder = rng.integer(n + 1); // n: nobody
  for (const [e, row] of entities.entries()) row[holderFeature] = e === holder ? 1 : 0;
  return { ...sample, held: list(n, (i) => (i === holder ? entity : -1)) };
}

export function randomTransition(rng: RandomStream, spec: EnvironmentSpec): Transition {
  const now = randomSample(rng, spec);
  const next = randomSample(rng, spec);
  const actions = now.actionMask.map((mask) => {
    const legal = mask.flatMap((available, a) => (available ? [a] : []));
    return legal[rng.integer(legal.length)]!;
  });
  const order = new Int32Array(spec.agents);
  rng.permutation(order, 0, spec.agents);
  return {
    now,
    next,
    actions,
    returns: Math.fround(rng.uniform() * 4),
    discount: rng.uniform() < 0.3 ? 0 : Math.fround(0.97),
    order: [...order],
    weight: Math.fround(rng.uniform()),
  };
}

const flat = (x: unknown[]): number[] => x.flat(Number.POSITIVE_INFINITY) as number[];

/** Samples as the arrays that `act` reads. */
export function stepOf(samples: readonly Sample[], spec: EnvironmentSpec) {
  const B = samples.length;
  const { agents: n, entities: N, actions: A, untargetedActions: U, entityFeatures: S, relationFeatures: R } = spec;
  const all = (of: (sample: Sample) => unknown[]) => flat(samples.map(of));
  return {
    entities: HostArray.float32(Float32Array.from(all((s) => s.entities)), B, N, S),
    relations: HostArray.float32(Float32Array.from(all((s) => s.relations)), B, N, N, R),
    alive: HostArray.bool(Uint8Array.from(all((s) => s.alive)), B, N),
    actionMask: HostArray.bool(Uint8Array.from(all((s) => s.actionMask)), B, n, A),
    actionTargets: HostArray.int32(Int32Array.from(all((s) => s.actionTargets)), B, n, A - U),
  };
}

/** The same transitions as the batch that `update` takes. */
export function batchOf(transitions: Transition[], spec: EnvironmentSpec) {
  const B = transitions.length;
  const scalars = (of: (t: Transition) => number) => HostArray.float32(Float32Array.from(transitions, of), B);
  const byAgent = (of: (t: Transition) => number[]) =>
    HostArray.int32(Int32Array.from(flat(transitions.map(of))), B, spec.agents);
  const batch = {
    now: stepOf(
      transitions.map((t) => t.now),
      spec,
    ),
    next: stepOf(
      transitions.map((t) => t.next),
      spec,
    ),
    actions: byAgent((t) => t.actions),
    returns: scalars((t) => t.returns),
    discounts: scalars((t) => t.discount),
    weights: scalars((t) => t.weight),
  } satisfies HostTree;
  return { batch, order: byAgent((t) => t.order) };
}

export const transitions = (seed: number, count: number, spec: EnvironmentSpec): Transition[] => {
  const rng = RandomStream.from(seed, "ace fixture");
  return list(count, () => randomTransition(rng, spec));
};

/** No exploration. */
export function greedyExploration(B: number, spec: EnvironmentSpec, order: HostArray) {
  return {
    explore: HostArray.zeros({ shape: [B, spec.agents], dtype: "bool" }),
    scores: HostArray.zeros({ shape: [B, spec.agents, spec.actions], dtype: "float32" }),
    order,
  };
}
