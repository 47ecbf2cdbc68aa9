import type { Agent, StepTensors } from "../agent.js";
import type { EnvironmentSpec, VectorTimeStep } from "../environment.js";
import { fieldSpec } from "../replay/layout.js";
import type { Compiled, Device } from "../tensor/device.js";
import { RandomStream } from "../tensor/random.js";
import { type ArraySpec, HostArray, type HostTree, mapTree, specOf, type TensorTree } from "../tensor/tree.js";

/** What `act` gave, in arrays that the next call overwrites. */
export type Choices = {
  /** [E, n] */
  readonly actions: HostArray;
  /** [E, n, A] */
  readonly values: HostArray;
  /** [E, n] */
  readonly order: HostArray;
  /** [E, n, A] values before anybody chose; only for who asked for them, of agents that can tell. */
  readonly priorValues?: HostArray;
};

/** An agent's `act`, compiled for E copies and bound to the arrays of one vector time step. */
export class Actor {
  readonly #agent: Agent;
  readonly #spec: EnvironmentSpec;
  readonly #compiled: Compiled;
  readonly #owns: boolean;
  readonly #step: HostTree;
  readonly #choices: HostTree;

  private constructor(agent: Agent, spec: EnvironmentSpec, compiled: Compiled, step: HostTree, owns: boolean) {
    this.#agent = agent;
    this.#spec = spec;
    this.#compiled = compiled;
    this.#owns = owns;
    this.#step = step;
    this.#choices = mapTree<ArraySpec, HostArray>(compiled.outputs, (array) => HostArray.zeros(array));
  }

  /**
   * `step` is read at each call of {@link act}: its E copies are those that choose. `prior` asks for the values before anybody
   * chose, which cost about as much as deciding does.
   */
  static async create(
    device: Device,
    agent: Agent,
    spec: EnvironmentSpec,
    policy: HostTree,
    step: VectorTimeStep,
    prior = false,
  ): Promise<Actor> {
    const copies = step.reward.length;
    const fields = stepArrays(agent, spec, step);
    const exploration = agent.drawExploration(RandomStream.from(0), 0, copies);
    const act = (p: TensorTree, s: StepTensors, e: TensorTree): TensorTree => {
      const { actions, values, order } = agent.act(p, s, e);
      return { actions, values, order, ...(prior && agent.priorValues && { priorValues: agent.priorValues(p, s) }) };
    };
    const compiled = await device.compile(act, [specOf(policy), specOf(fields), specOf(exploration)], "act");
    return new Actor(agent, spec, compiled, fields, true);
  }

  /** The same for another vector time step of as many copies; it ends with this one. */
  on(step: VectorTimeStep): Actor {
    return new Actor(this.#agent, this.#spec, this.#compiled, stepArrays(this.#agent, this.#spec, step), false);
  }

  async act(policy: HostTree, exploration: HostTree): Promise<Choices> {
    return (await this.#compiled.run([policy, this.#step, exploration], this.#choices)) as Choices;
  }

  dispose(): void {
    if (this.#owns) this.#compiled.dispose();
  }
}

/** The fields that the agent reads, as views of the vector time step's own memory. */
function stepArrays(agent: Agent, spec: EnvironmentSpec, step: VectorTimeStep): HostTree {
  const copies = step.reward.length;
  return Object.fromEntries(
    agent.transition.fields.map((field) => {
      const { shape, dtype } = fieldSpec(spec, field);
      return [field, new HostArray(step[field], [copies, ...shape], dtype)];
    }),
  );
}
