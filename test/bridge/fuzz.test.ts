/**
 * Both decoders against mutated messages. `BATON_FUZZ=1000000 npx vitest run test/bridge/fuzz.test.ts` gives each a million.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { Dealer } from "zeromq";
import { Host } from "../../src/bridge/index.js";
import { decodeMessage, encodeMessage, type Message } from "../../src/bridge/protocol.js";
import { MessageReader } from "../../src/bridge/reader.js";
import { BatonError } from "../../src/errors.js";
import { RandomStream } from "../../src/tensor/random.js";
import { findPython } from "./python.js";

const count = Number(process.env.BATON_FUZZ ?? 30_000);
const python = findPython();
const folder = fileURLToPath(new URL("vectors", import.meta.url));
const games = fileURLToPath(new URL("../../envs/python/tests/games.py", import.meta.url));
const originals = readdirSync(folder).flatMap((name) => (name.endsWith(".bin") ? [[...readFileSync(`${folder}/${name}`)]] : []));
const timeout = 60_000 + count;

const bytes = (text: string) => [...Buffer.from(text, "hex")];
/** Lengths and numbers at their extremes, tags that nobody uses, deep nesting. */
const extremes = [
  ...["00", "7f", "80", "8f", "9f", "bf", "c1", "c6ffffffff", "ddffffffff", "df7fffffff", "cfffffffffffffffff"].map(bytes),
  ...["cb7ff8000000000000", "d38000000000000000", "c7ff05", "ffffffff", "91".repeat(40)].map(bytes),
];

function mutate(rng: RandomStream): Uint8Array {
  const pick = <T>(items: readonly T[]): T => items[rng.integer(items.length)]!;
  const data = [...pick(originals)];
  if (rng.integer(10) === 0) {
    // A next message: another id, and perhaps fewer bytes.
    const end = 4 + data[0]! + 256 * data[1]!;
    for (let at = end - 4; at < end && at < data.length; at++) data[at] = rng.integer(256);
    return Uint8Array.from(data.slice(0, data.length - pick([0, 0, 1, 8, 40])));
  }
  for (let k = rng.integer(5); k >= 0; k--) {
    const at = rng.integer(data.length + 1);
    const kind = rng.integer(6);
    if (kind === 0 && at < data.length) data[at] = rng.integer(256);
    else if (kind === 1 && at < data.length) data[at]! ^= 1 << rng.integer(8);
    else if (kind === 2) data.splice(at, 1 + rng.integer(8));
    else if (kind === 3) {
      const extreme = pick(extremes);
      data.splice(at, pick([0, extreme.length]), ...extreme);
    } else if (kind === 4) {
      const other = pick(originals);
      const start = rng.integer(other.length + 1);
      data.splice(at, 0, ...other.slice(start, start + rng.integer(64)));
    } else {
      const length = pick([data.length, Math.max(0, data.length - 4), rng.integer(1024), 0xffffffff]);
      data.splice(0, 4, length & 255, (length >>> 8) & 255, (length >>> 16) & 255, length >>> 24);
    }
  }
  return Uint8Array.from(data);
}

type Outcome = { readonly message: Message } | { readonly refused: string };

/** What becomes of a message; throws when it is refused in any way but the right one. */
function outcomeOf(read: (data: Uint8Array) => Message, data: Uint8Array): Outcome {
  let message: Message;
  try {
    message = read(data);
  } catch (error) {
    if (error instanceof BatonError && error.code === "incompatible" && error.message.length > 0)
      return { refused: error.message };
    throw error;
  }
  const { kind, fields, arrays } = message;
  for (const { shape, data: array } of arrays.values()) {
    const size = shape.reduce((product, n) => product * n, 1);
    if (array.length !== size) throw new Error(`an array of shape ${shape} holds ${array.length} numbers`);
  }
  return { message: { kind, fields, arrays } };
}

describe("mutated messages", () => {
  it(
    `${count} are read or refused by decodeMessage, and alike by a MessageReader`,
    () => {
      const rng = RandomStream.from(1, "fuzz");
      const reader = new MessageReader();
      const seen = { read: 0, refused: 0, slowestSeconds: 0 };
      let memory = 0;
      for (let k = 0; k < count; k++) {
        const data = mutate(rng);
        const start = performance.now();
        const outcome = outcomeOf((bytes) => reader.read(bytes), data);
        if (!isDeepStrictEqual(outcome, outcomeOf(decodeMessage, data)))
          throw new Error(`read in two ways: ${Buffer.from(data).toString("hex")}`);
        seen["message" in outcome ? "read" : "refused"] += 1;
        seen.slowestSeconds = Math.max(seen.slowestSeconds, (performance.now() - start) / 1000);
        if (k === Math.floor(count / 10)) memory = process.memoryUsage().rss;
      }
      const growthMiB = (process.memoryUsage().rss - memory) / 2 ** 20;
      if (process.env.BATON_FUZZ) console.log({ ...seen, growthMiB });
      expect(seen.read + seen.refused).toBe(count);
      expect(seen.read).toBeGreaterThan(count / 100);
      expect(seen.refused).toBeGreaterThan(count / 4);
      expect(growthMiB).toBeLessThan(128);
    },
    timeout,
  );

  it.skipIf(!python)(
    `${count} are read or refused by protocol.decode`,
    () => {
      const cwd = fileURLToPath(new URL("../../envs/python", import.meta.url));
      const env = { ...process.env, PYTHONDONTWRITEBYTECODE: "1" };
      const printed = execFileSync(python!, ["-m", "tests.fuzz", String(count)], { cwd, env, encoding: "utf8" });
      const seen = JSON.parse(printed) as { read: number; refused: number; growthKiB: number };
      if (process.env.BATON_FUZZ) console.log(seen);
      expect(seen.read + seen.refused).toBe(count);
      expect(seen.refused).toBeGreaterThan(count / 4);
      expect(seen.growthKiB).toBeLessThan(65_536);
    },
    timeout,
  );

  it.skipIf(!python)("leave a host that is asked with them as it was", async () => {
    const host = new Host({ environment: `${games}:Lights`, copies: 1, python: python! });
    const socket = new Dealer({ linger: 0, receiveTimeout: 30_000 });
    try {
      socket.connect(host.endpoint);
      const rng = RandomStream.from(2, "fuzz");
      for (let k = 0; k < 500; k++) {
        await socket.send(k % 10 === 0 ? [mutate(rng), mutate(rng)] : mutate(rng));
        const [answer] = await socket.receive();
        expect(["fault", "welcome", "timestep"]).toContain(decodeMessage(answer!).kind);
      }
      await socket.send(encodeMessage("hello", { id: 9 }));
      const [answer] = await socket.receive();
      expect(decodeMessage(answer!)).toMatchObject({ kind: "welcome", fields: { id: 9 } });
    } finally {
      socket.close();
      await host.close();
    }
  });
});
