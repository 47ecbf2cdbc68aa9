import type {
  EnvironmentSpec,
  EnvironmentSpecInput,
  EpisodeInfo,
  Frame,
  TimeStep,
  TimeStepField,
  VectorEnvironment,
  VectorTimeStep,
} from "../environment.js";
import { timeStepFields } from "../environment.js";
import { completeEnvironment } from "../environments/complete.js";
import { resetTimeStep, viewOf } from "../environments/timestep.js";
import { BatonError } from "../errors.js";
import { Canvas, type Drawing, isDrawing } from "./canvas.js";
import type { Connection } from "./connection.js";
import { type Dtype, dtypeOf, type Message, RequestTemplate, type WireData } from "./protocol.js";
import { type KnownArray, KnownMessage } from "./reader.js";

/** How long to wait for a host, in seconds. */
export interface Patience {
  /** From its start until it is ready: simulators may take a while to load. */
  readonly start: number;
  /** For the answer to one `reset` or `step`. */
  readonly answer: number;
}

export const defaultPatience: Patience = { start: 120, answer: 120 };

type OutcomeField = "reward" | "terminated" | "truncated";
/** What only pictures need. */
type DrawnField = "units" | "world";

const fieldDtypes: Readonly<Record<TimeStepField | OutcomeField | DrawnField, Dtype>> = {
  entities: "float32",
  relations: "float32",
  alive: "uint8",
  actionMask: "uint8",
  actionTargets: "int32",
  observations: "float32",
  state: "float32",
  reward: "float32",
  terminated: "uint8",
  truncated: "uint8",
  units: "float32",
  world: "float32",
};

const drawnFields: readonly unknown[] = ["units", "world"] satisfies DrawnField[];

/**
 * Shakes hands with a host and makes its batch of simulators a {@link VectorEnvironment}.
 *
 * @param wanted copies, for hosts that lend them; others have what they were started with.
 * @throws BatonError `incompatible` when the host speaks another version, `environment` when its spec does not fit together,
 *   `io` when it does not answer.
 */
export async function connectEnvironment(
  connection: Connection,
  patience: Patience = defaultPatience,
  wanted?: number,
): Promise<VectorEnvironment> {
  const [environment] = await connectGroups(connection, 1, patience, wanted);
  return environment!;
}

/**
 * {@link connectEnvironment}, with the host's copies split into `groups` groups, each an environment of its own: they share the
 * connection and may be stepped independently, so that the host always has something to do. There are never more groups than copies.
 */
export async function connectGroups(
  connection: Connection,
  groups: number,
  patience: Patience = defaultPatience,
  wanted?: number,
): Promise<VectorEnvironment[]> {
  const welcome = await connection.request("hello", wanted === undefined ? {} : { copies: wanted }, {}, patience.start);
  const { spec, copies, fields, drawing } = welcome.fields;
  const wellFormed =
    welcome.kind === "welcome" &&
    isRecord(spec) &&
    Number.isInteger(copies) &&
    (copies as number) > 0 &&
    Array.isArray(fields) &&
    fields.every((field) => (timeStepFields as readonly unknown[]).includes(field) || drawnFields.includes(field)) &&
    (drawing === undefined || isDrawing(drawing));
  if (!wellFormed) throw new BatonError("incompatible", `${connection.peer}: the host's "${welcome.kind}" is not a welcome`);
  // `completeEnvironment` checks every number of the spec.
  const read = fields.filter((field): field is TimeStepField => !drawnFields.includes(field));
  const served = { spec: spec as unknown as EnvironmentSpecInput, fields: read, ...(isDrawing(drawing) && { drawing }) };
  return shares(copies as number, groups).map(
    ([first, end]) => new RemoteEnvironment(connection, patience, served, first, end - first),
  );
}

/** Splits `total` into at most `parts` runs [first, end) that differ by no more than one. */
export function shares(total: number, parts: number): [first: number, end: number][] {
  const count = Math.min(parts, total);
  return Array.from({ length: count }, (_, k) => [Math.floor((k * total) / count), Math.floor(((k + 1) * total) / count)]);
}

/** The layout of a step's answer that was checked and whose infos are all empty, as those in the middle of episodes are. */
interface PlainStep {
  readonly layout: KnownMessage["layout"];
  readonly arrays: readonly (readonly [TimeStepField | OutcomeField, KnownArray])[];
}

interface Served {
  readonly spec: EnvironmentSpecInput;
  readonly fields: readonly TimeStepField[];
  readonly drawing?: Drawing;
}

/** In the middle of episodes there is nothing to say, so often that it is not made anew. */
const noInfo: EpisodeInfo = Object.freeze({});

/** Copies `first` … `first + copies`−1 of one host. The arrays of an answer are copied straight from its frame into the caller's. */
class RemoteEnvironment implements VectorEnvironment {
  readonly spec: EnvironmentSpec;
  readonly copies: number;
  readonly #first: number;
  readonly #connection: Connection;
  readonly #patience: Patience;
  readonly #fields: readonly TimeStepField[];
  readonly #stepRequest: RequestTemplate;
  #plainStep: PlainStep | undefined;
  /** Writes nothing of its own, so that its completion writes what the host does not send. */
  readonly #derive: (view: TimeStep) => void;
  /** The host leaves out entities, observations or state, which then follow from the others. */
  readonly #derives: boolean;
  readonly #views = new WeakMap<VectorTimeStep, readonly TimeStep[]>();
  readonly #canvas: Canvas | undefined;
  /** Where the host sends what there is to be drawn. */
  readonly frame?: (copy: number) => Frame;

  constructor(connection: Connection, patience: Patience, { spec, fields, drawing }: Served, first: number, copies: number) {
    const silent = completeEnvironment({ spec, reset() {}, step() {} });
    const noActions = new Int32Array(0);
    this.spec = silent.spec;
    this.copies = copies;
    this.#first = first;
    this.#connection = connection;
    this.#patience = patience;
    this.#fields = fields;
    this.#stepRequest = new RequestTemplate("step", { first }, "actions", {
      shape: [copies, this.spec.agents],
      data: new Int32Array(copies * this.spec.agents),
    });
    this.#derive = (view) => silent.step(noActions, view);
    this.#derives = !(spec.entityFeatures && spec.observationSize && spec.stateSize);
    if (!drawing) return;
    const canvas = new Canvas(copies, drawing);
    this.#canvas = canvas;
    this.frame = (copy) => canvas.frame(copy);
  }

  async reset(copies: readonly number[], seeds: readonly number[], out: VectorTimeStep): Promise<void> {
    if (copies.length === 0) return;
    const views = this.#viewsOf(out);
    const bad = seeds.find((seed) => !Number.isSafeInteger(seed));
    if (bad !== undefined || seeds.length !== copies.length) {
      const found = bad === undefined ? `${seeds.length} seeds for ${copies.length} copies` : `the seed ${bad}`;
      throw new BatonError("invalid-value", `${this.spec.id}: reset got ${found}, but needs one whole number for each copy`);
    }
    const shape = [copies.length];
    const unknown = copies.find((copy) => !(Number.isInteger(copy) && copy >= 0 && copy < this.copies));
    if (unknown !== undefined) {
      throw new BatonError("invalid-value", `there is no copy ${unknown} of ${this.spec.id}, only 0 … ${this.copies - 1}`);
    }
    const chosen = {
      copies: { shape, data: Int32Array.from(copies, (copy) => this.#first + copy) },
      seeds: { shape, data: BigInt64Array.from(seeds, BigInt) },
    };
    const answer = await this.#connection.request("reset", {}, chosen, this.#patience.answer);
    this.#expectTimeStep(answer, "reset");
    const infos = this.#infosOf(answer, copies.length);
    const rows = this.#fields.map((field) => [field, this.#arrayOf(answer, field, out, copies.length)] as const);
    this.#draw(answer, copies);
    for (const [k, copy] of copies.entries()) {
      const view = views[copy]!;
      resetTimeStep(view);
      for (const [field, array] of rows) {
        const size = view[field].length;
        view[field].set(array.subarray(k * size, (k + 1) * size));
      }
      this.#derive(view);
      out.reward[copy] = 0;
      out.terminated[copy] = 0;
      out.truncated[copy] = 0;
      out.infos[copy] = infos[k]!;
    }
  }

  async step(actions: Int32Array, out: VectorTimeStep): Promise<void> {
    const views = this.#viewsOf(out);
    const { copies, spec } = this;
    if (actions.length !== copies * spec.agents) {
      const given = `${actions.length} actions are given to ${copies} copies of ${spec.agents} agents of ${spec.id}`;
      throw new BatonError("invalid-value", given);
    }
    const answer = await this.#connection.ask(this.#stepRequest, actions, this.#patience.answer);
    if (answer instanceof KnownMessage && answer.layout === this.#plainStep?.layout)
      this.#copyPlain(answer, this.#plainStep, out);
    else this.#copyStep(answer, out);
    if (this.#canvas)
      this.#draw(
        answer,
        Array.from({ length: copies }, (_, copy) => copy),
      );
    if (this.#derives) for (const view of views) this.#derive(view);
  }

  #copyStep(answer: Message, out: VectorTimeStep): void {
    const { copies } = this;
    this.#expectTimeStep(answer, "step");
    const infos = this.#infosOf(answer, copies);
    const fields = [...this.#fields, "reward", "terminated", "truncated"] as const;
    for (const field of fields) out[field].set(this.#arrayOf(answer, field, out, copies));
    for (let copy = 0; copy < copies; copy++) out.infos[copy] = infos[copy]!;
    // It has been checked, and so has every later one with this layout.
    if (answer instanceof KnownMessage && infos.every((info) => Object.keys(info).length === 0)) {
      const arrays = fields.map((field) => [field, answer.layout.arrays.find(({ name }) => name === field)!] as const);
      this.#plainStep = { layout: answer.layout, arrays };
    }
  }

  #copyPlain(answer: KnownMessage, { arrays }: PlainStep, out: VectorTimeStep): void {
    for (const [field, array] of arrays) out[field].set(answer.view(array) as Float32Array);
    out.infos.fill(noInfo);
  }

  close(): void {
    this.#connection.close();
  }

  #expectTimeStep(answer: Message, asked: "reset" | "step"): void {
    if (answer.kind !== "timestep") throw this.#incompatible(`answered "${asked}" with "${answer.kind}"`);
  }

  /** An array of the answer with `rows` rows, each as long as a row of `out`. */
  #arrayOf(answer: Message, field: TimeStepField | OutcomeField, out: VectorTimeStep, rows: number) {
    return this.#sized(answer, field, (out[field].length / this.copies) * rows);
  }

  /** Keeps what is to be drawn of copies, whose rows the answer has in this order. */
  #draw(answer: Message, copies: readonly number[]): void {
    if (!this.#canvas) return;
    const units = this.#sized(answer, "units", this.#canvas.unitsSize * copies.length) as Float32Array;
    this.#canvas.keep(copies, units, this.#sized(answer, "world", 2 * copies.length) as Float32Array);
  }

  #sized(answer: Message, field: keyof typeof fieldDtypes, size: number): Exclude<WireData, BigInt64Array> {
    const array = answer.arrays.get(field);
    if (!array || dtypeOf(array.data) !== fieldDtypes[field] || array.data.length !== size) {
      const found = array ? `${dtypeOf(array.data)} [${array.shape}]` : "missing";
      throw this.#incompatible(`sent a time step whose ${field} is ${found}, not ${fieldDtypes[field]} of ${size}`);
    }
    return array.data as Exclude<WireData, BigInt64Array>;
  }

  #infosOf(answer: Message, rows: number): EpisodeInfo[] {
    const { infos } = answer.fields;
    if (!Array.isArray(infos) || infos.length !== rows || !infos.every(isRecord)) {
      throw this.#incompatible(`sent a time step without an info for each of ${rows} copies`);
    }
    return infos as EpisodeInfo[];
  }

  #incompatible(what: string): BatonError {
    return new BatonError("incompatible", `${this.spec.id}: the host ${what}`, { hint: "is it a baton_host of this version?" });
  }

  #viewsOf(out: VectorTimeStep): readonly TimeStep[] {
    let views = this.#views.get(out);
    if (!views) {
      if (out.reward.length !== this.copies) {
        const given = `a time step of ${out.reward.length} copies is given to ${this.copies} copies of ${this.spec.id}`;
        throw new BatonError("invalid-value", given);
      }
      views = Array.from({ length: this.copies }, (_, copy) => viewOf(out, copy));
      this.#views.set(out, views);
    }
    return views;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
