/**
 * How an episode travels inside a replay page: JSON whose typed arrays are tagged base64, compressed with gzip, as base64. It
 * comes out exactly as it went in. Uses only what both Node and browsers have.
 *
 * @module
 */
import type { RecordedEpisode } from "../runs/episodes.js";

const arrayTypes = { f32: Float32Array, i32: Int32Array, u8: Uint8Array } as const;
type Tag = keyof typeof arrayTypes;
type TaggedArray = { readonly $array: Tag; readonly data: string };

function toBase64(bytes: Uint8Array): string {
  const chunk = 0x8000; // fromCharCode takes its bytes as arguments, of which there may not be many
  let binary = "";
  for (let i = 0; i < bytes.length; i += chunk) binary += String.fromCharCode(...bytes.subarray(i, i + chunk));
  return btoa(binary);
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

function tagArrays(_key: string, value: unknown): unknown {
  if (!ArrayBuffer.isView(value)) return value;
  const tag = (Object.keys(arrayTypes) as Tag[]).find((name) => value instanceof arrayTypes[name]);
  if (!tag) throw new TypeError(`cannot carry a ${value.constructor.name} in a replay page`);
  return { $array: tag, data: toBase64(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)) } satisfies TaggedArray;
}

function untagArrays(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("$array" in value)) return value;
  const { $array, data } = value as TaggedArray;
  return new arrayTypes[$array](fromBase64(data).buffer);
}

async function pipe(
  bytes: Uint8Array<ArrayBuffer>,
  transform: CompressionStream | DecompressionStream,
): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(transform);
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Packs an episode into one string of base64 characters. */
export async function encodePayload(episode: RecordedEpisode): Promise<string> {
  const json = new TextEncoder().encode(JSON.stringify(episode, tagArrays));
  return toBase64(await pipe(json, new CompressionStream("gzip")));
}

/** Unpacks what {@link encodePayload} packed. */
export async function decodePayload(payload: string): Promise<RecordedEpisode> {
  const json = await pipe(fromBase64(payload), new DecompressionStream("gzip"));
  return JSON.parse(new TextDecoder().decode(json), untagArrays) as RecordedEpisode;
}
