import type { ActTensors, Agent, StepTensors } from "../agent.js";
import type { EnvironmentSpec, VectorTimeStep } from "../environment.js";
import { fieldSpec } from "../replay/layout.js";
import type { Compiled, Device } from "../tensor/device.js";
import { RandomStream } from "../tensor/random.js";
import { type ArraySpec, HostArray, type HostTree, mapTree, specOf, type TensorTree, zipTrees } from "../tensor/tree.js";

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

type Outputs = Choices & { readonly memory?: HostTree };

/** An agent's `act`, compiled for E copies and bound to the arrays of one vector time step. */
export class Actor {
  readonly #agent: Agent;
  readonly #spec: EnvironmentSpec;
  readonly #compiled: Compiled;
  readonly #owns: boolean;
  readonly #step: HostTree;
  /** Two sets that take turns: what one call remembers is what the next one reads. */
  #outputs: Outputs;
  #nextOutputs: Outputs;

  private constructor(agent: Agent, spec: EnvironmentSpec, compiled: Compiled, step: HostTree, owns: boolean) {
    this.#agent = agent;
    this.#spec = spec;
    this.#compiled = compiled;
    this.#owns = owns;
    this.#step = step;
    const blank = () => mapTree<ArraySpec, HostArray>(compiled.outputs, (array) => HostArray.zeros(array)) as Outputs;
    this.#outputs = blank();
    this.#nextOutputs = this.#outputs.memory ? blank() : this.#outputs;
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
    const memory = agent.memory?.(copies);
    const act = (p: TensorTree, s: StepTensors, e: TensorTree, m?: TensorTree): TensorTree => {
      const chosen = agent.act(p, s, e, m) as ActTensors & { [name: string]: TensorTree };
      return { ...chosen, ...(prior && agent.priorValues && { priorValues: agent.priorValues(p, s) }) };
    };
    const signature = [policy, fields, exploration, ...(memory ? [memory] : [])].map((tree) => specOf(tree));
    return new Actor(agent, spec, await device.compile(act, signature, "act"), fields, true);
  }

  /** The same for another vector time step of as many copies; it ends with this one. */
  on(step: VectorTimeStep): Actor {
    return new Actor(this.#agent, this.#spec, this.#compiled, stepArrays(this.#agent, this.#spec, step), false);
  }

  async act(policy: HostTree, exploration: HostTree): Promise<Choices> {
    const { memory } = this.#outputs;
    const into = this.#nextOutputs;
    await this.#compiled.run([policy, this.#step, exploration, ...(memory ? [memory] : [])], into as HostTree);
    [this.#outputs, this.#nextOutputs] = [into, this.#outputs];
    return into;
  }

  /** These copies begin an episode: what they remember is as at its start. */
  forget(copies: readonly number[]): void {
    const { memory } = this.#outputs;
    if (!memory || copies.length === 0) return;
    const blank = this.#agent.memory!(1);
    zipTrees<HostArray, HostArray, void>(memory, blank, (mine, { data }) => {
      for (const copy of copies) mine.data.set(data as Float32Array, copy * data.length);
    });
  }

  /** These actions [E, n] are what was really done: agents that remember the action before under `previous` shall know. */
  did(actions: Int32Array): void {
    const previous = (this.#outputs.memory as { readonly previous?: HostArray } | undefined)?.previous;
    for (let i = 0; previous && i < actions.length; i++) previous.data[i] = actions[i]! + 1;
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
