/** `baton record`: from what a person asks for to a recording on disk. */
import type { OpenedEnvironment, Resources } from "../../envs/index.js";
import { type TimeStepField, timeStepFields, type VectorEnvironment } from "../environment.js";
import { BatonError } from "../errors.js";
import { packageVersion } from "../package.js";
import type { Device } from "../tensor/device.js";
import { type RecordedPolicy, specToJson } from "./format.js";
import { playerSource } from "./policies.js";
import { recordEpisodes } from "./recorder.js";
import { RecordingWriter } from "./writer.js";

export interface RecordOptions {
  readonly opened: OpenedEnvironment;
  readonly resources: Resources;
  readonly path: string;
  readonly policies: readonly RecordedPolicy[];
  readonly checkpoint: "best" | "latest" | number;
  readonly episodes: number;
  readonly seed: number;
  readonly copies: number;
  readonly fields: readonly TimeStepField[];
  readonly device: () => Promise<Device>;
}

export interface RecordEvents {
  /** @param before episodes that were there already. */
  readonly onBegin?: (before: number) => void;
  readonly onStep?: (writer: RecordingWriter, wins: number) => void;
  readonly onWarning?: (sentence: string) => void;
}

export interface Recorded {
  readonly episodes: number;
  readonly rows: number;
  readonly bytes: number;
  /** Of the episodes that were recorded now. */
  readonly wins: number;
  readonly recorded: number;
}

/** Fields that a recording holds unless told otherwise: what agents learn from that see entities. */
export const defaultFields: readonly TimeStepField[] = ["entities", "relations", "alive", "actionMask", "actionTargets"];

/** `entities,alive,…` as fields, in their own order. Throws a BatonError that names the one that there is not. */
export function parseFields(text: string): TimeStepField[] {
  const names = text.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !timeStepFields.includes(name as TimeStepField));
  if (unknown !== undefined) {
    throw new BatonError("unknown-name", `--fields has "${unknown}", but a time step has ${timeStepFields.join(", ")}`);
  }
  return timeStepFields.filter((field) => names.includes(field));
}

/**
 * Records until there are `episodes` of them, or goes on with a recording that was stopped. At `signal` what is whole so far is kept.
 *
 * @throws BatonError for policies that there are not or that do not fit, and for a folder that holds something else.
 */
export async function record(options: RecordOptions, events: RecordEvents = {}, signal?: AbortSignal): Promise<Recorded> {
  const { opened, resources, path, seed, episodes, copies, fields } = options;
  const spec = await opened.spec(resources);
  const parts = { spec, scripted: opened.policies, checkpoint: options.checkpoint, device: options.device };
  const players = await Promise.all(options.policies.map((policy) => playerSource(policy, parts)));
  const writer = RecordingWriter.open(path, {
    baton: packageVersion(),
    options: JSON.parse(JSON.stringify(opened.options)),
    seed,
    policies: players.map(({ policy }) => policy),
    fields: [...fields],
    spec: specToJson(spec),
  });
  let environment: VectorEnvironment | undefined;
  let [wins, recorded] = [0, 0];
  try {
    const from = writer.episodes;
    events.onBegin?.(from);
    if (from < episodes) {
      const read = timeStepFields.filter(
        (field) => fields.includes(field) || players.some((player) => player.fields.includes(field)),
      );
      environment = await opened.vectorize(Math.min(copies, episodes - from), { ...resources, read }, events.onWarning);
      await recordEpisodes(
        {
          environment,
          players,
          columns: writer.columns,
          seed,
          from,
          to: episodes,
          write(episode) {
            writer.write(episode);
            wins += episode.facts.won ? 1 : 0;
            recorded += 1;
          },
          onStep: () => events.onStep?.(writer, wins),
        },
        signal,
      );
    }
    writer.flush();
    return { episodes: writer.episodes, rows: writer.rows, bytes: writer.bytes, wins, recorded };
  } finally {
    try {
      await environment?.close?.();
    } finally {
      writer.close();
    }
  }
}
