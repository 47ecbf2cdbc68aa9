import type { EnvironmentSpec, Frame, TimeStep, VectorEnvironment, VectorTimeStep } from "../environment.js";

/** One copy of an environment that may take its time. */
export interface SingleEnvironment {
  readonly spec: EnvironmentSpec;
  reset(seed: number, out: TimeStep): void | Promise<void>;
  step(actions: Int32Array, out: TimeStep): void | Promise<void>;
  frame?(): Frame | undefined;
  close?(): void | Promise<void>;
}

/** A vector environment of one copy as an environment without the axis E. */
export function singleEnvironment(vector: VectorEnvironment): SingleEnvironment {
  const views = new WeakMap<TimeStep, VectorTimeStep>();
  const viewOf = (out: TimeStep) => {
    const view = views.get(out) ?? asVector(out);
    views.set(out, view);
    return view;
  };
  return {
    spec: vector.spec,
    async reset(seed, out) {
      const view = viewOf(out);
      await vector.reset([0], [seed], view);
      publish(view, out);
    },
    async step(actions, out) {
      const view = viewOf(out);
      await vector.step(actions, view);
      publish(view, out);
    },
    ...(vector.frame && { frame: () => vector.frame!(0) }),
    ...(vector.close && { close: () => vector.close!() }),
  };
}

/** The same arrays with an axis E of 1. */
function asVector({ reward: _, terminated: __, truncated: ___, info, ...arrays }: TimeStep): VectorTimeStep {
  return { ...arrays, reward: new Float32Array(1), terminated: new Uint8Array(1), truncated: new Uint8Array(1), infos: [info] };
}

function publish(from: VectorTimeStep, out: TimeStep): void {
  out.reward = from.reward[0]!;
  out.terminated = from.terminated[0] === 1;
  out.truncated = from.truncated[0] === 1;
  out.info = from.infos[0]!;
}
