/** A small world with everything that makes ACE hard: dead units, unavailable actions, heal targets, self-targets, any order. */
import type { EnvironmentSpec } from "../../src/environment.js";
import { RandomStream } from "../../src/tensor/random.js";
import { HostArray, type HostTree } from "../../src/tensor/tree.js";
import type { Sample, Transition } from "./reference.js";

export const spec: EnvironmentSpec = {
  id: "test/ace",
  agents: 4,
  entities: 7,
  actions: 6,
  untargetedActions: 3,
  entityFeatures: 5,
  relationFeatures: 2,
  observationSize: 1,
  stateSize: 1,
  episodeLimit: 10,
  actionNames: ["dead", "stop", "move", "target 0", "target 1", "target 2"],
  predictedFeatures: [1, 3],
};

function randomSample(rng: RandomStream): Sample {
  const { agents: n, entities: N, actions: A, untargetedActions: U, entityFeatures: S, relationFeatures: R } = spec;
  const float = () => Math.fround(rng.uniform() * 2 - 1);
  const list = <T>(length: number, of: (i: number) => T) => Array.from({ length }, (_, i) => of(i));
  const alive = list(N, () => (rng.uniform() < 0.75 ? 1 : 0));
  // agent 0 heals (its targets are agents, itself among them), the others attack
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
  return {
    entities: list(N, () => list(S, float)),
    relations: list(N, () => list(N, () => list(R, float))),
    alive,
    actionMask,
    actionTargets,
  };
}

export function randomTransition(rng: RandomStream): Transition {
  const now = randomSample(rng);
  const next = randomSample(rng);
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
  };
}

/** The same transitions as the batch that `update` takes. */
export function batchOf(transitions: Transition[]) {
  const B = transitions.length;
  const flat = (x: unknown[]): number[] => x.flat(Number.POSITIVE_INFINITY) as number[];
  const { agents: n, entities: N, actions: A, untargetedActions: U, entityFeatures: S, relationFeatures: R } = spec;
  const step = (of: (t: Transition) => Sample) => ({
    entities: HostArray.float32(Float32Array.from(flat(transitions.map((t) => of(t).entities))), B, N, S),
    relations: HostArray.float32(Float32Array.from(flat(transitions.map((t) => of(t).relations))), B, N, N, R),
    alive: HostArray.bool(Uint8Array.from(flat(transitions.map((t) => of(t).alive))), B, N),
    actionMask: HostArray.bool(Uint8Array.from(flat(transitions.map((t) => of(t).actionMask))), B, n, A),
    actionTargets: HostArray.int32(Int32Array.from(flat(transitions.map((t) => of(t).actionTargets))), B, n, A - U),
  });
  const batch = {
    now: step((t) => t.now),
    next: step((t) => t.next),
    actions: HostArray.int32(Int32Array.from(flat(transitions.map((t) => t.actions))), B, n),
    returns: HostArray.float32(
      Float32Array.from(transitions, (t) => t.returns),
      B,
    ),
    discounts: HostArray.float32(
      Float32Array.from(transitions, (t) => t.discount),
      B,
    ),
  } satisfies HostTree;
  return { batch, order: HostArray.int32(Int32Array.from(flat(transitions.map((t) => t.order))), B, n) };
}

export const transitions = (seed: number, count: number): Transition[] => {
  const rng = RandomStream.from(seed, "ace fixture");
  return Array.from({ length: count }, () => randomTransition(rng));
};
