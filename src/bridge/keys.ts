/**
 * CURVE keys (ZeroMQ's elliptic-curve security): without them nobody but this machine may reach a host.
 *
 * @module
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { curveKeyPair } from "zeromq";
import { z } from "zod";
import { BatonError } from "../errors.js";

/** The command that makes keys, for hints. */
export const keysCommand = "baton simulators keys";

/** A key in Z85, as ZeroMQ writes 32 bytes. */
const key = z.string().regex(/^[0-9a-zA-Z.\-:+=^!/*?&<>()[\]{}@%$#]{40}$/);

export const clientKeys = z.object({ role: z.literal("client"), publicKey: key, secretKey: key, hostKey: key });
const hostKeys = z.object({ role: z.literal("host"), publicKey: key, secretKey: key, clients: z.array(key).min(1) });

/** What Baton needs to talk to hosts: its own pair and the hosts' public key. */
export type ClientKeys = z.infer<typeof clientKeys>;

/** What a host needs: its own pair and the public keys of those that it answers. */
export type HostKeys = z.infer<typeof hostKeys>;

/** Two files that belong together. */
export interface KeyPair {
  readonly client: ClientKeys;
  readonly host: HostKeys;
}

export function makeKeys(): KeyPair {
  const [client, host] = [curveKeyPair(), curveKeyPair()];
  return {
    client: { role: "client", ...client, hostKey: host.publicKey },
    host: { role: "host", ...host, clients: [client.publicKey] },
  };
}

/** Where {@link writeKeys} wrote. */
export interface KeyFiles {
  readonly client: string;
  readonly host: string;
}

/**
 * Makes a pair of key files, readable by this user only.
 *
 * @throws BatonError `io` where they cannot be written, or are there already.
 */
export function writeKeys(folder: string): KeyFiles {
  const keys = makeKeys();
  const files = { client: join(folder, "client.json"), host: join(folder, "host.json") };
  const written: string[] = [];
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const role of ["client", "host"] as const) {
      writeFileSync(files[role], `${JSON.stringify(keys[role], null, 2)}\n`, { mode: 0o600, flag: "wx" });
      written.push(files[role]);
    }
  } catch (error) {
    // Half a pair beside somebody else's other half would look like one.
    for (const path of written) rmSync(path, { force: true });
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== "EEXIST") throw new BatonError("io", `the keys cannot be written: ${message}`, { cause: error });
    throw new BatonError("io", `there are keys in ${folder} already`, { hint: "choose another folder, or delete them first" });
  }
  return files;
}

/** @throws BatonError `io` or `invalid-file`. */
export function readClientKeys(path: string): ClientKeys {
  return readKeys(path, clientKeys, "client.json");
}

/** @throws BatonError `io` or `invalid-file`. */
export function readHostKeys(path: string): HostKeys {
  return readKeys(path, hostKeys, "host.json");
}

/** Says whether only this machine reaches an endpoint: `ipc://`, or a loopback address. */
export function isLocal(endpoint: string): boolean {
  return /^ipc:\/\/|^tcp:\/\/(127(\.\d{1,3}){3}|localhost|\[::1\]):(\d+|\*)$/.test(endpoint);
}

/**
 * Whoever reaches a host's socket may play with it or in its place.
 *
 * @throws BatonError `invalid-value` for an endpoint of another form, and for one beyond this machine without keys.
 */
export function checkEndpoint(endpoint: string, keys: ClientKeys | HostKeys | undefined, option: string): void {
  if (!/^ipc:\/\/.+|^tcp:\/\/(\[[0-9a-fA-F:]+\]|[\w.*-]+):(\d+|\*)$/.test(endpoint)) {
    throw new BatonError("invalid-value", `${option} is "${endpoint}", but must be tcp://ADDRESS:PORT or ipc:///path`);
  }
  if (keys || isLocal(endpoint)) return;
  throw new BatonError("invalid-value", `${option} is ${endpoint}, which others can reach, and there are no keys`, {
    hint: `make keys with "${keysCommand}" and give them with --keys`,
  });
}

function readKeys<T>(path: string, schema: z.ZodType<T>, name: string): T {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new BatonError("io", `the keys cannot be read: ${(error as Error).message}`, {
      hint: `make them with "${keysCommand}"`,
    });
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = undefined;
  }
  const checked = schema.safeParse(parsed);
  if (checked.success) return checked.data;
  // The content is secret: nothing of it is shown.
  throw new BatonError("invalid-file", `${path} is no ${name} of "${keysCommand}"`, { hint: `make keys with "${keysCommand}"` });
}
