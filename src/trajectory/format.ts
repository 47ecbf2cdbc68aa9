/**
 * A recording on disk: a folder of whole episodes as typed arrays.
 *
 * - `recording.json` says what was recorded and lists the segments; a segment that it does not list does not exist.
 * - `000000.rows`, …: segments of whole episodes, in the order of their numbers. A header, then one column after another, each
 *   [rows, width], little-endian, uncompressed: any stretch of a column can be read without reading anything else.
 *
 * The columns, and what their rows mean, are those of the replay (`src/replay`): a row is a time step, the actions taken there, and what the
 * step that followed brought; the last row of an episode is a boundary, seen and not acted in.
 *
 * @module
 */
import { z } from "zod";
import { type EnvironmentSpec, timeStepFields } from "../environment.js";
import { type Column, columnsOf } from "../replay/layout.js";
import { specFields, specOfFields } from "../runs/spec-fields.js";

/** Version of everything described above. */
export const recordingFormat = 1;

export const manifestName = "recording.json";
export const segmentName = (number: number): string => `${String(number).padStart(6, "0")}.rows`;

/** First bytes of a segment; then its version and the length of its JSON header, both 32-bit little-endian integers. */
export const segmentMagic = "BATONREC";
export const prefixBytes = segmentMagic.length + 8;

const count = z.number().int().nonnegative();

/** One of the policies that were mixed. */
const policyFields = z.strictObject({
  /** `random`, the name of a scripted policy, or the path of a run. */
  what: z.string(),
  /** Probability of a random legal action instead, for each agent and step. */
  epsilon: z.number().min(0).max(1),
  /** Its share of the episodes, among the weights of all. */
  weight: z.number().positive(),
  /** Environment steps that a run's weights had been trained for. */
  checkpoint: count.optional(),
});
export type RecordedPolicy = z.infer<typeof policyFields>;

/** What `recording.json` holds. */
export const manifestFields = z.strictObject({
  format: z.number().int(),
  /** Version of Baton that wrote it. */
  baton: z.string(),
  /** The environment's options. */
  options: z.record(z.string(), z.json()),
  /** Episode k depends on this and on k alone. */
  seed: count,
  policies: z.array(policyFields).min(1),
  fields: z.array(z.enum(timeStepFields)),
  spec: specFields,
  segments: z.array(z.strictObject({ file: z.string(), episodes: count, rows: count, bytes: count })),
});
export type Manifest = z.infer<typeof manifestFields>;

/** Facts about one recorded episode. */
const episodeFields = z.strictObject({
  /** What the environment was reset with. */
  seed: count,
  /** Which of the manifest's policies played it. */
  policy: count,
  /** Time steps, the last one included. */
  rows: count,
  won: z.boolean(),
  /** Undiscounted sum of the rewards. */
  return: z.number(),
});
export type EpisodeFacts = z.infer<typeof episodeFields>;

export const segmentHeader = z.strictObject({ episodes: z.array(episodeFields) });

export const specOfManifest = ({ spec }: Manifest): EnvironmentSpec => specOfFields(spec);

/** The spec as a manifest holds it. */
export const specToJson = (spec: EnvironmentSpec): Manifest["spec"] => structuredClone(spec) as unknown as Manifest["spec"];

/** The columns of a recording, in the order in which they stand in a segment. */
export const recordedColumns = (manifest: Pick<Manifest, "spec" | "fields">): Column[] =>
  columnsOf(specOfManifest(manifest as Manifest), manifest.fields);
