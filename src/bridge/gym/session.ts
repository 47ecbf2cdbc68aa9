import { BatonError } from "../../errors.js";
import { defaultPatience, type Patience } from "../client.js";
import { Connection } from "../connection.js";
import { Host } from "../host.js";
import type { Message } from "../protocol.js";
import { readSpace } from "./describe.js";
import { type Buffers, Layout } from "./layout.js";
import type { Space, SpaceValue } from "./spaces.js";

/** What a copy does once its episode is over: nothing, start the next one in the next step, or in the same step. */
export type Autoreset = "disabled" | "next-step" | "same-step";

/** Facts that the environment tells besides; numpy arrays have become lists. */
export type Info = { readonly [key: string]: unknown };

export interface MakeOptions {
  /** Keyword arguments of the environment, as JSON has them. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** What `render` gives, e.g. `rgb_array` or `ansi`; which there are is in `env.metadata.renderModes`. */
  readonly renderMode?: string;
  /** The interpreter, `python3` unless given. */
  readonly python?: string;
  /** Folders in which Python looks for modules, besides the working folder and PYTHONPATH. */
  readonly path?: readonly string[];
  readonly patience?: Patience;
}

/** A picture: rows of pixels from the top, `channels` bytes each. */
export interface RenderFrame {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly data: Uint8Array;
}

/** What a host tells of a step or reset, for K copies and, in a multi-agent environment, P agents. */
export interface State {
  /** Read them with `observations`, or `finals` where copy k was reset in the same step. */
  readonly buffers: Buffers;
  readonly finals: Buffers | undefined;
  /** Copies whose last observation is in `finals`. */
  readonly finished: readonly number[];
  /** [K] or [K, P] */
  readonly reward: Float64Array;
  readonly terminated: Uint8Array;
  readonly truncated: Uint8Array;
  readonly infos: readonly Info[];
  /** [K] the agents that act next, and those that the observations are of; undefined in a single-agent environment. */
  readonly agents: readonly (readonly string[])[] | undefined;
  readonly present: readonly (readonly string[])[] | undefined;
}

/** What is known of an environment once its host has greeted. */
export interface Welcome {
  readonly observationSpace: Space;
  readonly actionSpace: Space;
  readonly possibleAgents: readonly string[] | undefined;
  readonly renderModes: readonly string[];
  readonly renderFps: number | undefined;
}

/** K copies of one Python environment in a host of their own. */
export class GymSession {
  readonly observations: Layout;
  readonly actions: Layout;

  private constructor(
    readonly id: string,
    readonly copies: number,
    readonly welcome: Welcome,
    private readonly connection: Connection,
    private readonly host: Host,
    private readonly patience: Patience,
  ) {
    this.observations = new Layout(welcome.observationSpace, copies);
    this.actions = new Layout(welcome.actionSpace, copies);
  }

  /**
   * Starts a host and makes the environment there.
   *
   * @throws BatonError `unknown-name` (no such environment), `missing-dependency` (Python, Gymnasium or another package is not
   *   installed; the hint has the command that installs it), `environment` (it cannot be made), `io`.
   */
  static async open(id: string, copies: number, autoreset: Autoreset, options: MakeOptions): Promise<GymSession> {
    const { patience = defaultPatience, renderMode, python, path } = options;
    if (!Number.isInteger(copies) || copies < 1) {
      const allowed = "a whole number of at least 1";
      throw new BatonError("invalid-value", `the number of environment copies is ${copies}, but must be ${allowed}`);
    }
    const keywords = { ...options.options, ...(renderMode === undefined ? {} : { render_mode: renderMode }) };
    const host = new Host({
      environment: id,
      copies,
      gym: true,
      options: keywords,
      ...(python === undefined ? {} : { python }),
      ...(path === undefined ? {} : { path }),
    });
    const connection = new Connection(host.endpoint, id);
    void host.ended.then((error) => connection.end(error));
    try {
      const welcome = readWelcome(await connection.request("gym-hello", { autoreset }, {}, patience.start), id);
      return new GymSession(id, copies, welcome, connection, host, patience);
    } catch (error) {
      connection.close();
      await host.close();
      throw error;
    }
  }

  /** Starts an episode in every copy. */
  async reset(seeds: readonly (number | undefined)[], options: Readonly<Record<string, unknown>> | undefined): Promise<State> {
    const bad = seeds.find((seed) => seed !== undefined && !(Number.isSafeInteger(seed) && seed >= 0));
    if (bad !== undefined) throw new BatonError("invalid-value", `the seed is ${bad}, but must be a whole number from 0`);
    return this.#state("gym-reset", { seeds: seeds.map((seed) => seed ?? null), options: options ?? null }, {});
  }

  async step(actions: Buffers, agents: readonly (readonly string[])[] | undefined): Promise<State> {
    return this.#state("gym-step", { agents: agents ?? null }, actions);
  }

  /** What each copy shows: pictures, texts, or nothing. */
  async render(): Promise<readonly (RenderFrame | readonly RenderFrame[] | string | undefined)[]> {
    const answer = await this.connection.request("gym-render", {}, {}, this.patience.answer);
    const { text } = answer.fields;
    const frames = answer.arrays.get("frames");
    if (Array.isArray(text)) return text.map(String);
    if (!frames) return Array.from({ length: this.copies }, () => undefined);
    const { data, shape } = frames;
    if (!(data instanceof Uint8Array) || shape[0] !== this.copies) throw this.#incompatible("pictures of another kind");
    return Array.from({ length: this.copies }, (_, copy) => {
      const size = data.length / this.copies;
      return pictures(data.subarray(copy * size, (copy + 1) * size), shape.slice(1));
    });
  }

  async close(): Promise<void> {
    this.connection.close();
    await this.host.close();
  }

  async #state(kind: string, fields: Readonly<Record<string, unknown>>, actions: Buffers): Promise<State> {
    const answer = await this.connection.request(kind, fields, this.actions.arraysOf(actions), this.patience.answer);
    const { infos, agents, present, finals } = answer.fields;
    const size = this.copies * (this.welcome.possibleAgents?.length ?? 1);
    const reward = answer.arrays.get("reward")?.data;
    const [terminated, truncated] = [answer.arrays.get("terminated")?.data, answer.arrays.get("truncated")?.data];
    if (
      !(reward instanceof Float64Array && terminated instanceof Uint8Array && truncated instanceof Uint8Array) ||
      [reward, terminated, truncated].some((array) => array.length !== size) ||
      !isList(infos, this.copies) ||
      !isList(finals)
    ) {
      throw this.#incompatible(`a "${answer.kind}" that is no step`);
    }
    const several = this.welcome.possibleAgents !== undefined;
    return {
      buffers: this.observations.buffersIn(answer),
      finals: finals.length > 0 ? this.observations.buffersIn(answer, "finals.") : undefined,
      finished: finals as number[],
      reward,
      terminated,
      truncated,
      infos: infos as Info[],
      agents: several ? namesOf(agents) : undefined,
      present: several ? namesOf(present) : undefined,
    };
  }

  #incompatible(what: string): BatonError {
    return new BatonError("incompatible", `${this.id}: the host sent ${what}`, { hint: "is it a baton_host of this version?" });
  }
}

function readWelcome(answer: Message, id: string): Welcome {
  const { observationSpace, actionSpace, agents, renderModes, renderFps } = answer.fields;
  const bounds = answer.arrays.get("bounds")?.data;
  if (answer.kind !== "gym-welcome" || !(bounds instanceof Float64Array) || !isList(renderModes)) {
    throw new BatonError("incompatible", `${id}: the host's "${answer.kind}" is not a welcome`, {
      hint: "is it a baton_host of this version?",
    });
  }
  return {
    observationSpace: readSpace(observationSpace, bounds),
    actionSpace: readSpace(actionSpace, bounds),
    possibleAgents: isList(agents) ? agents.map(String) : undefined,
    renderModes: renderModes.map(String),
    renderFps: typeof renderFps === "number" ? renderFps : undefined,
  };
}

/** One picture [H, W, C], or a list of them [T, H, W, C]. */
function pictures(data: Uint8Array, shape: readonly number[]): RenderFrame | readonly RenderFrame[] {
  if (shape.length === 4) {
    const size = data.length / (shape[0] || 1);
    return Array.from(
      { length: shape[0]! },
      (_, t) => pictures(data.subarray(t * size, (t + 1) * size), shape.slice(1)) as RenderFrame,
    );
  }
  const [height = 0, width = 0, channels = 1] = shape;
  return { height, width, channels, data };
}

function namesOf(value: unknown): readonly (readonly string[])[] {
  return isList(value) ? value.map((names) => (isList(names) ? names.map(String) : [])) : [];
}

function isList(value: unknown, length?: number): value is readonly unknown[] {
  return Array.isArray(value) && (length === undefined || value.length === length);
}

/** A value for each agent's name. */
export function byAgent<T>(agents: readonly string[], value: (agent: string) => T): Readonly<Record<string, T>> {
  return Object.fromEntries(agents.map((agent) => [agent, value(agent)]));
}

/** Keys of a multi-agent value that are agents there. */
export function only(value: SpaceValue, agents: readonly string[]): SpaceValue {
  const all = value as Readonly<Record<string, SpaceValue>>;
  return byAgent(agents, (agent) => all[agent]!);
}
