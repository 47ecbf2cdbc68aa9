import type {
  CompleteEnvironment,
  Environment,
  EnvironmentSpec,
  TimeStep,
  TimeStepField,
  VectorEnvironment,
  VectorTimeStep,
} from "../environment.js";
import { BatonError } from "../errors.js";
import { completeEnvironment } from "./complete.js";
import { copyTimeStep, viewOf, writtenFields } from "./timestep.js";

/**
 * Steps `copies` embedded environments behind one synchronous call. Each copy writes straight into its rows of the caller's
 * arrays; a step allocates nothing. A caller may go back and forth between several `VectorTimeStep`s: a copy that goes on in
 * another one finds its last time step there.
 *
 * Actions must be legal: anything else is a BatonError `invalid-value` that names the copy, the agent and the action. An
 * environment that plays on past its own episode limit is a BatonError `environment`.
 *
 * @param make makes one copy; called `copies` times.
 * @param read the fields that will be read; others are not written where the environment can skip them.
 * @param firstCopy what the first copy is called in messages, when these are a part of more.
 */
export function vectorize(
  make: () => Environment,
  copies: number,
  read?: readonly TimeStepField[],
  firstCopy = 0,
): VectorEnvironment {
  if (!Number.isInteger(copies) || copies < 1) {
    throw new BatonError(
      "invalid-value",
      `the number of environment copies is ${copies}, but must be a whole number of at least 1`,
    );
  }
  const envs = Array.from({ length: copies }, () => completeEnvironment(make()));
  return new EmbeddedVectorEnvironment(envs, writtenFields(envs[0]!, read), firstCopy);
}

class EmbeddedVectorEnvironment implements VectorEnvironment {
  readonly spec: EnvironmentSpec;
  readonly copies: number;
  readonly #envs: readonly CompleteEnvironment[];
  /** The views of every `VectorTimeStep` seen so far, one for each copy. */
  readonly #views = new WeakMap<VectorTimeStep, readonly TimeStep[]>();
  /** [E] the view that each copy wrote last; undefined before its first reset. */
  readonly #current: (TimeStep | undefined)[];
  /** [E] steps played in the running episode. */
  readonly #played: Int32Array;
  /** [E] each copy's row of the last action array, kept because callers mostly come with the same array. */
  #actionRows: Int32Array[] = [];
  #actions: Int32Array | undefined;

  constructor(
    envs: readonly CompleteEnvironment[],
    readonly fields: readonly TimeStepField[],
    readonly firstCopy: number,
  ) {
    this.#envs = envs;
    this.spec = envs[0]!.spec;
    this.copies = envs.length;
    this.#current = envs.map(() => undefined);
    this.#played = new Int32Array(envs.length);
    envs.forEach((env, copy) => {
      if (JSON.stringify(env.spec) !== JSON.stringify(this.spec)) {
        throw new BatonError("environment", `${this.spec.id}: copy ${firstCopy + copy} has another spec than copy 0`);
      }
    });
  }

  reset(copies: readonly number[], seeds: readonly number[], out: VectorTimeStep): void {
    const views = this.#viewsOf(out);
    copies.forEach((copy, k) => {
      const view = views[copy];
      if (!view)
        throw new BatonError("invalid-value", `there is no copy ${copy} of ${this.spec.id}, only 0 … ${this.copies - 1}`);
      const seed = seeds[k];
      if (seed === undefined) throw new BatonError("invalid-value", `${this.spec.id}: copy ${copy} is reset without a seed`);
      this.#envs[copy]!.reset(seed, view);
      this.#played[copy] = 0;
      this.#publish(copy, view, out);
    });
  }

  step(actions: Int32Array, out: VectorTimeStep): void {
    const views = this.#viewsOf(out);
    const rows = this.#rowsOf(actions);
    for (let copy = 0; copy < this.copies; copy++) this.#checkActions(copy, rows[copy]!);
    for (let copy = 0; copy < this.copies; copy++) {
      const view = views[copy]!;
      const last = this.#current[copy]!;
      if (view !== last) copyTimeStep(last, view);
      this.#envs[copy]!.step(rows[copy]!, view);
      this.#played[copy]! += 1;
      if (this.#played[copy]! >= this.spec.episodeLimit && !view.terminated && !view.truncated) {
        throw new BatonError(
          "environment",
          `${this.spec.id}: the episode goes on after its limit of ${this.spec.episodeLimit} steps`,
          {
            hint: "set out.terminated or out.truncated in the last step, or raise spec.episodeLimit",
          },
        );
      }
      this.#publish(copy, view, out);
    }
  }

  frame(copy: number) {
    return this.#envs[copy]?.frame?.();
  }

  close(): void {
    for (const env of this.#envs) env.close?.();
  }

  #viewsOf(out: VectorTimeStep): readonly TimeStep[] {
    let views = this.#views.get(out);
    if (!views) {
      if (out.reward.length !== this.copies) {
        throw new BatonError(
          "invalid-value",
          `a time step of ${out.reward.length} copies is given to ${this.copies} copies of ${this.spec.id}`,
        );
      }
      views = this.#envs.map((_, copy) => viewOf(out, copy));
      this.#views.set(out, views);
    }
    return views;
  }

  #rowsOf(actions: Int32Array): readonly Int32Array[] {
    if (actions !== this.#actions) {
      const n = this.spec.agents;
      if (actions.length !== this.copies * n) {
        throw new BatonError(
          "invalid-value",
          `${actions.length} actions are given to ${this.copies} copies of ${n} agents of ${this.spec.id}`,
        );
      }
      this.#actionRows = this.#envs.map((_, copy) => actions.subarray(copy * n, (copy + 1) * n));
      this.#actions = actions;
    }
    return this.#actionRows;
  }

  #checkActions(copy: number, actions: Int32Array): void {
    const last = this.#current[copy];
    if (!last || last.terminated || last.truncated) {
      const why = last ? "its episode has ended" : "it has not been reset";
      throw new BatonError("invalid-value", `copy ${this.firstCopy + copy} of ${this.spec.id} cannot be stepped: ${why}`, {
        hint: "reset it first",
      });
    }
    const A = this.spec.actions;
    for (let agent = 0; agent < actions.length; agent++) {
      const action = actions[agent]!;
      if (action < 0 || action >= A || last.actionMask[agent * A + action] === 0) throw this.#illegal(copy, agent, action, last);
    }
  }

  #illegal(copy: number, agent: number, action: number, last: TimeStep): BatonError {
    const { actions: A, actionNames, id } = this.spec;
    const name = actionNames[action];
    const allowed = actionNames.flatMap((allowedName, a) =>
      last.actionMask[agent * A + a] === 1 ? [`${a} ${allowedName}`] : [],
    );
    return new BatonError(
      "invalid-value",
      `copy ${this.firstCopy + copy} of ${id}: agent ${agent} may not choose action ${action}${name === undefined ? "" : ` (${name})`}`,
      { hint: `allowed now: ${allowed.join(", ") || "nothing, which breaks the environment's contract"}` },
    );
  }

  #publish(copy: number, view: TimeStep, out: VectorTimeStep): void {
    out.reward[copy] = view.reward;
    out.terminated[copy] = view.terminated ? 1 : 0;
    out.truncated[copy] = view.truncated ? 1 : 0;
    out.infos[copy] = view.info;
    this.#current[copy] = view;
  }
}
