import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { curveKeyPair, Dealer, type SocketOptions } from "zeromq";
import { Connection } from "../../src/bridge/connection.js";
import { checkEndpoint, isLocal, makeKeys, readClientKeys, readHostKeys, writeKeys } from "../../src/bridge/keys.js";
import { encodeMessage } from "../../src/bridge/protocol.js";
import { temporaryFolder } from "../temporary-folder.js";
import { findPython } from "./python.js";
import { type RunningHost, startHost } from "./running-host.js";

const python = findPython();
const root = fileURLToPath(new URL("../..", import.meta.url));
const corridor = `${root}experiments/examples/my_env.py:Corridor`;

describe("keys", () => {
  it("come in two files for their owner's eyes, which are not overwritten", () => {
    const folder = join(temporaryFolder(), "keys");
    const files = writeKeys(folder);
    const [client, host] = [readClientKeys(files.client), readHostKeys(files.host)];
    expect(host.clients).toEqual([client.publicKey]);
    expect(client.hostKey).toBe(host.publicKey);
    expect(readFileSync(files.client, "utf8")).not.toContain(host.secretKey);
    expect(readFileSync(files.host, "utf8")).not.toContain(client.secretKey);
    for (const file of Object.values(files)) expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(() => writeKeys(folder)).toThrow("there are keys in");
    expect(readClientKeys(files.client)).toEqual(client);
    // Beside one half of a pair no half of another one is left.
    rmSync(files.client);
    expect(() => writeKeys(folder)).toThrow("there are keys in");
    expect(existsSync(files.client)).toBe(false);
    expect(readHostKeys(files.host)).toEqual(host);
  });

  it("are not shown when their file is wrong", () => {
    const file = join(temporaryFolder(), "client.json");
    const { client } = makeKeys();
    for (const text of [
      "{",
      "[]",
      JSON.stringify({ ...client, secretKey: `${client.secretKey}x` }),
      JSON.stringify({ ...client, role: "host" }),
    ]) {
      writeFileSync(file, text);
      const error = (() => {
        try {
          return readClientKeys(file);
        } catch (error) {
          return error as { code: string; message: string };
        }
      })();
      expect(error).toMatchObject({ code: "invalid-file", message: `${file} is no client.json of "baton simulators keys"` });
    }
    expect(() => readClientKeys(`${file}.nowhere`)).toThrow("cannot be read");
  });

  it("are wanted beyond this machine", () => {
    const local = ["ipc:///tmp/x", "tcp://127.0.0.1:5555", "tcp://127.8.0.1:*", "tcp://localhost:1", "tcp://[::1]:5"];
    const far = [
      "tcp://0.0.0.0:5555",
      "tcp://*:5555",
      "tcp://10.1.2.3:1",
      "tcp://[::]:5",
      "tcp://127.0.0.1.evil.org:5",
      "tcp://sim-3:9",
    ];
    expect([...local, ...far].map(isLocal)).toEqual([...local.map(() => true), ...far.map(() => false)]);
    for (const endpoint of local) checkEndpoint(endpoint, undefined, "--bind");
    for (const endpoint of far) {
      checkEndpoint(endpoint, makeKeys().host, "--bind");
      expect(() => checkEndpoint(endpoint, undefined, "--bind")).toThrow(`--bind is ${endpoint}, which others can reach`);
    }
    for (const endpoint of ["", "tcp://127.0.0.1", "http://x:1", "ipc://", "tcp://a b:1"]) {
      expect(() => checkEndpoint(endpoint, makeKeys().host, "--bind")).toThrow("must be tcp://ADDRESS:PORT or ipc:///path");
    }
  });
});

describe.skipIf(!python)("a guarded host", () => {
  const keys = makeKeys();
  let host: RunningHost;

  beforeEach(async () => {
    const folder = temporaryFolder();
    mkdirSync(folder, { recursive: true });
    const file = join(folder, "host.json");
    writeFileSync(file, JSON.stringify(keys.host));
    // Reached through loopback, but bound for all: what is refused without keys.
    const port = await freePort();
    host = await startHost(python!, ["--env", corridor, "--bind", `tcp://0.0.0.0:${port}`, "--keys", file], port);
  });

  afterEach(() => host.stop());

  /** What a peer with these options gets for a well-formed hello. */
  async function greet(options: Partial<SocketOptions<Dealer>>): Promise<string> {
    const socket = new Dealer({ linger: 0, receiveTimeout: 1000, reconnectInterval: 50, ...options });
    socket.connect(`tcp://127.0.0.1:${host.port}`);
    try {
      await socket.send(encodeMessage("hello", { id: 1 }));
      return Buffer.concat(await socket.receive()).toString("latin1");
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? String(error);
    } finally {
      socket.close();
    }
  }

  it("answers who has its keys and nobody else", async () => {
    const right = {
      curveServerKey: keys.client.hostKey,
      curvePublicKey: keys.client.publicKey,
      curveSecretKey: keys.client.secretKey,
    };
    const stranger = curveKeyPair();
    const nothing = "EAGAIN";
    expect(await greet(right)).toContain("welcome");
    expect(await greet({})).toBe(nothing);
    // The host's own public key is known to the stranger, but the stranger not to the host.
    expect(await greet({ ...right, curvePublicKey: stranger.publicKey, curveSecretKey: stranger.secretKey })).toBe(nothing);
    // Nor does it help to claim a known key without its secret,
    expect(await greet({ ...right, curveSecretKey: stranger.secretKey })).toBe(nothing);
    // or to know another host's key.
    expect(await greet({ ...right, curveServerKey: stranger.publicKey })).toBe(nothing);
    expect(await greet({ plainUsername: "a", plainPassword: "b" })).toBe(nothing);
    expect(await greet(right)).toContain("welcome");
  });

  it("is recognised by a connection, which says at once when keys do not fit", async () => {
    const endpoint = `tcp://127.0.0.1:${host.port}`;
    const ask = async (given?: typeof keys.client) => {
      const connection = new Connection(endpoint, "corridor", given, true);
      try {
        return (await connection.request("hello", {}, {}, 20)).kind;
      } finally {
        connection.close();
      }
    };
    expect(await ask(keys.client)).toBe("welcome");
    await expect(ask()).rejects.toThrow(`corridor: the host at ${endpoint} wants keys`);
    const { client } = makeKeys();
    await expect(ask(client)).rejects.toThrow("does not accept these keys");
    await expect(ask({ ...client, hostKey: keys.client.hostKey })).rejects.toThrow("does not accept these keys");
  });
});

describe.skipIf(!python)("a host without keys", () => {
  it("is not bound where others could reach it", () => {
    const env = { ...process.env, PYTHONPATH: `${root}envs/python`, PYTHONDONTWRITEBYTECODE: "1" };
    const run = (...more: string[]) =>
      spawnSync(python!, ["-m", "baton_host", "--env", corridor, ...more], { env, encoding: "utf8" });
    const { status, stderr } = run("--bind", "tcp://0.0.0.0:5599");
    expect(status).toBe(1);
    expect(stderr).toContain("--bind is tcp://0.0.0.0:5599, which others can reach, and there are no keys");
    expect(stderr).toContain('hint: make keys with "baton simulators keys"');
    const file = join(temporaryFolder(), "host.json");
    writeFileSync(file, JSON.stringify(makeKeys().client));
    expect(run("--bind", "tcp://127.0.0.1:*", "--keys", file).stderr).toContain('is no host.json of "baton simulators keys"');
  });

  it("needs them in the environment only where a file would be in the way", () => {
    const env = { ...process.env, PYTHONPATH: `${root}envs/python`, BATON_HOST_KEYS: JSON.stringify(makeKeys().host) };
    const script = "import os; from baton_host.keys import load_keys; print(load_keys(None), 'BATON_HOST_KEYS' in os.environ)";
    const printed = execFileSync(python!, ["-c", script], { env, encoding: "utf8" });
    expect(printed).toMatch(/^<baton_host\.keys\.HostKeys object at \w+> False\n$/);
  });
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
