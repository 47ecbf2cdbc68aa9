/** Made-up time steps and transitions of an environment's sizes: 85 % alive, 40 % of targets and 80 % of moves available. */
import type { EnvironmentSpec } from "../../environment.js";
import type { RandomStream } from "../../tensor/random.js";
import { HostArray } from "../../tensor/tree.js";

function floats(rng: RandomStream, ...shape: number[]): HostArray {
  const size = shape.reduce((a, b) => a * b, 1);
  return HostArray.float32(
    Float32Array.from({ length: size }, () => rng.uniform() * 2 - 1),
    ...shape,
  );
}

export type Steps = ReturnType<typeof randomSteps>;

/** B time steps. Action 0 is the dead's only one, action 1 is always available, action U+k acts on an enemy. */
export function randomSteps(rng: RandomStream, B: number, spec: EnvironmentSpec) {
  const { agents: n, entities: N, actions: A, untargetedActions: U, entityFeatures: S, relationFeatures: R } = spec;
  const T = A - U;
  const alive = Uint8Array.from({ length: B * N }, () => (rng.uniform() < 0.85 ? 1 : 0));
  const targets = Int32Array.from({ length: B * n * T }, (_, i) => n + ((i % T) % (N - n)));
  const mask = new Uint8Array(B * n * A);
  for (let row = 0; row < B * n; row++) {
    const b = Math.floor(row / n);
    if (!alive[b * N + (row % n)]) mask[row * A] = 1;
    else {
      mask[row * A + 1] = 1;
      for (let a = 2; a < A; a++) {
        const possible = a < U || alive[b * N + targets[row * T + a - U]!];
        mask[row * A + a] = possible && rng.uniform() < (a < U ? 0.8 : 0.4) ? 1 : 0;
      }
    }
  }
  return {
    entities: floats(rng, B, N, S),
    relations: floats(rng, B, N, N, R),
    alive: HostArray.bool(alive, B, N),
    actionMask: HostArray.bool(mask, B, n, A),
    actionTargets: HostArray.int32(targets, B, n, T),
  };
}

/** B transitions whose actions were available. */
export function randomBatch(rng: RandomStream, B: number, spec: EnvironmentSpec) {
  const { agents: n, actions: A } = spec;
  const [now, next] = [randomSteps(rng, B, spec), randomSteps(rng, B, spec)];
  const actions = Int32Array.from({ length: B * n }, (_, row) => {
    const legal = [...now.actionMask.data.subarray(row * A, (row + 1) * A)].flatMap((available, a) => (available ? [a] : []));
    return legal[rng.integer(legal.length)]!;
  });
  return {
    now,
    next,
    actions: HostArray.int32(actions, B, n),
    returns: floats(rng, B),
    discounts: HostArray.float32(
      Float32Array.from({ length: B }, () => (rng.uniform() < 0.1 ? 0 : 0.97)),
      B,
    ),
  };
}
