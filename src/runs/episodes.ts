import { readFileSync } from "node:fs";
import { gunzipSync, gzipSync } from "node:zlib";
import { Packr } from "msgpackr";
import { z } from "zod";
import type { EnvironmentSpec, Frame } from "../environment.js";
import { BatonError } from "../errors.js";
import { type Disk, nodeDisk, onDisk, writeFileAtomic } from "./files.js";
import { specFields, specOfFields } from "./spec-fields.js";

/** One whole episode, as played by a trained team: everything that a viewer shows. Axes as in `environment.ts`. */
export interface RecordedEpisode {
  /** Id of the environment, e.g. `skirmish/3m`. */
  readonly env: string;
  /** Name of the algorithm, e.g. `ace`. */
  readonly agent: string;
  /** Seed that the episode was reset with. */
  readonly seed: number;
  /** Environment steps that the checkpoint had been trained for. */
  readonly checkpoint: number;
  readonly spec: EnvironmentSpec;
  readonly won: boolean;
  /** Undiscounted sum of the rewards. */
  readonly episodeReturn: number;
  /** Every time step, the last one included. */
  readonly steps: readonly RecordedStep[];
}

/** One time step of a {@link RecordedEpisode}. */
export interface RecordedStep {
  /** Picture at this time step, null when the environment draws none. */
  readonly frame: Frame | null;
  /** [N] */
  readonly alive: Uint8Array;
  /** Reward of the step that led here. */
  readonly reward: number;
  /** Null at the last time step. */
  readonly decision: Decision | null;
}

/** What the team chose at one time step, and why. */
export interface Decision {
  /** [n] */
  readonly actions: Int32Array;
  /** [n] order[p] = agent that decided p-th. */
  readonly order: Int32Array;
  /** [n, A] value of each action when its agent decided, unavailable −1e9; null when the policy values nothing. */
  readonly values: Float32Array | null;
  /** [n, A] the same before anybody had chosen, where the agent can tell. */
  readonly priorValues?: Float32Array;
  /** [n, A] */
  readonly mask: Uint8Array;
  /** [n, A−U] */
  readonly targets: Int32Array;
}

const magic = "BATONEPI";
/** 2: ground, events, energy and sight in frames; decisions without values, or with values before anybody chose. */
const version = 2;
const oldestVersion = 1;
/** Magic, then the version as a 32-bit little-endian integer; the rest of the file is gzipped msgpack. */
const headerBytes = magic.length + 4;

// Records are off: plain maps, which any msgpack reader can read.
const packer = new Packr({ useRecords: false });

const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, "expected raw bytes");
const count = z.number().int().nonnegative();

// What an environment puts into its pictures besides is passed over: nobody draws it.
const unitFields = z.object({
  x: z.number(),
  y: z.number(),
  radius: z.number(),
  team: z.number(),
  type: z.string(),
  alive: z.boolean(),
  health: z.number(),
  healthMax: z.number(),
  shield: z.number(),
  shieldMax: z.number(),
  energy: z.number().optional(),
  energyMax: z.number().optional(),
  sight: z.number().optional(),
  flying: z.boolean().optional(),
});

const eventFields = z.discriminatedUnion("kind", [
  z.object({ kind: z.enum(["shot", "heal"]), at: z.number(), from: count, to: count, amount: z.number() }),
  z.object({ kind: z.literal("splash"), at: z.number(), x: z.number(), y: z.number(), radius: z.number() }),
  z.object({ kind: z.literal("death"), at: z.number(), unit: count }),
]);

const frameFields = z.object({
  width: z.number(),
  height: z.number(),
  units: z.array(unitFields),
  ground: z.array(z.string()).optional(),
  events: z.array(eventFields).optional(),
});

/** What is in the file: typed arrays as little-endian bytes. */
const fileFields = z.strictObject({
  env: z.string(),
  agent: z.string(),
  seed: z.number(),
  checkpoint: z.number(),
  spec: specFields,
  won: z.boolean(),
  episodeReturn: z.number(),
  steps: z.array(
    z.strictObject({
      frame: frameFields.nullable(),
      alive: bytes,
      reward: z.number(),
      decision: z
        .strictObject({
          actions: bytes,
          order: bytes,
          values: bytes.nullable(),
          priorValues: bytes.optional(),
          mask: bytes,
          targets: bytes,
        })
        .nullable(),
    }),
  ),
});
type FileFields = z.infer<typeof fileFields>;

const asBytes = (array: Int32Array | Float32Array | Uint8Array): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

function toFields(episode: RecordedEpisode): FileFields {
  const { spec } = episode;
  return {
    ...episode,
    spec: { ...spec, actionNames: [...spec.actionNames], predictedFeatures: [...spec.predictedFeatures] },
    steps: episode.steps.map(({ frame, alive, reward, decision }) => ({
      frame: frame && (structuredClone(frame) as z.infer<typeof frameFields>),
      alive: asBytes(alive),
      reward,
      decision: decision && {
        actions: asBytes(decision.actions),
        order: asBytes(decision.order),
        values: decision.values && asBytes(decision.values),
        ...(decision.priorValues && { priorValues: asBytes(decision.priorValues) }),
        mask: asBytes(decision.mask),
        targets: asBytes(decision.targets),
      },
    })),
  };
}

/** A copy of `raw` (whose own offset may be unaligned) of exactly `size` elements. */
function uint8(raw: Uint8Array, size: number, name: string): Uint8Array {
  if (raw.byteLength !== size) throw new RangeError(`"${name}" has ${raw.byteLength} elements instead of ${size}`);
  return Uint8Array.from(raw);
}

function words(raw: Uint8Array, size: number, name: string): ArrayBuffer {
  if (raw.byteLength !== size * 4) throw new RangeError(`"${name}" has ${raw.byteLength / 4} elements instead of ${size}`);
  return Uint8Array.from(raw).buffer;
}

function fromFields(fields: FileFields): RecordedEpisode {
  const { agents: n, entities: N, actions: A, untargetedActions: U } = fields.spec;
  const int32 = (raw: Uint8Array, size: number, name: string) => new Int32Array(words(raw, size, name));
  const float32 = (raw: Uint8Array, name: string) => new Float32Array(words(raw, n * A, name));
  return {
    ...fields,
    spec: specOfFields(fields.spec),
    steps: fields.steps.map(({ frame, alive, reward, decision }) => ({
      frame: frame as Frame | null,
      alive: uint8(alive, N, "alive"),
      reward,
      decision: decision && {
        actions: int32(decision.actions, n, "actions"),
        order: int32(decision.order, n, "order"),
        values: decision.values && float32(decision.values, "values"),
        ...(decision.priorValues && { priorValues: float32(decision.priorValues, "priorValues") }),
        mask: uint8(decision.mask, n * A, "mask"),
        targets: int32(decision.targets, n * (A - U), "targets"),
      },
    })),
  };
}

/** Refuses what could not be read again, such as a reward that is no number: its environment is known here, and later is not. */
function refuseUnreadable(episode: RecordedEpisode, fields: FileFields): void {
  const { error } = fileFields.safeParse(fields);
  if (!error) return;
  // A return that is no number comes from a reward: the step says more.
  const { path, message } = error.issues.find((issue) => issue.path[0] === "steps") ?? error.issues[0]!;
  const value = path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | null | undefined)?.[key], fields);
  const [place, name] = path[0] === "steps" ? [`at step ${String(path[1])}, `, path.slice(2)] : ["", path];
  const what = typeof value === "number" ? `is ${value}, but must be a finite number` : `cannot be written: ${message}`;
  throw new BatonError(
    "environment",
    `an episode of ${episode.env} (seed ${episode.seed}) cannot be recorded: ${place}${name.join(".")} ${what}`,
    { hint: `check the environment: baton envs check ${episode.env}`, cause: error },
  );
}

/**
 * Writes an episode to one file, whole or not at all.
 *
 * @throws BatonError "environment" when a reward, the return or a picture holds what is no finite number, "io" when the disk refuses.
 */
export function writeEpisode(path: string, episode: RecordedEpisode, disk: Disk = nodeDisk): void {
  const fields = toFields(episode);
  refuseUnreadable(episode, fields);
  const header = Buffer.alloc(headerBytes);
  header.write(magic, "latin1");
  header.writeUInt32LE(version, magic.length);
  writeFileAtomic(path, [header, gzipSync(packer.pack(fields))], disk);
}

/**
 * Reads an episode written by {@link writeEpisode}.
 *
 * @throws BatonError "io" when there is no such file, "invalid-file" when it is something else or torn, "incompatible" when it
 * is of another version.
 */
export function readEpisode(path: string): RecordedEpisode {
  const file = onDisk("read", path, () => readFileSync(path));
  if (file.subarray(0, magic.length).toString("latin1") !== magic) {
    throw new BatonError("invalid-file", `${path} is not a recorded episode`, {
      hint: "give a file of a run's episodes/ folder; `baton evaluate RUN --record` writes them",
    });
  }
  const torn = (why: string, cause?: unknown) =>
    new BatonError("invalid-file", `the recorded episode ${path} is torn or damaged: ${why}`, {
      hint: "record it again with `baton evaluate RUN --record`",
      cause,
    });
  if (file.length < headerBytes) throw torn("it ends within its header");
  const found = file.readUInt32LE(magic.length);
  if (found < oldestVersion || found > version) {
    throw new BatonError(
      "incompatible",
      `the recorded episode ${path} has format version ${found}, this Baton reads ${oldestVersion} to ${version}`,
      {
        hint: "record it again with this version (`baton evaluate RUN --record`), or open it with the version that wrote it",
      },
    );
  }
  try {
    return fromFields(fileFields.parse(packer.unpack(gunzipSync(file.subarray(headerBytes)))));
  } catch (error) {
    if (error instanceof z.ZodError) {
      const issue = error.issues[0]!;
      throw torn(`${issue.path.join(".")}: ${issue.message}`, error);
    }
    throw torn(error instanceof Error ? error.message : String(error), error);
  }
}
