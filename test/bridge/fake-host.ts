/**
 * A host for tests, in this process: answers each request with what a function makes of it.
 *
 * @module
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Router } from "zeromq";
import { decodeMessage, type Message } from "../../src/bridge/protocol.js";

/** Frames to send back, possibly later, or nothing at all. */
export type Answer = (request: Message) => Uint8Array | Uint8Array[] | Promise<Uint8Array> | undefined;

export interface FakeHost {
  readonly endpoint: string;
  /** Kinds of the requests so far. */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

export async function fakeHost(answer: Answer): Promise<FakeHost> {
  const folder = mkdtempSync(join(tmpdir(), "baton-fake-"));
  const socket = new Router({ linger: 0 });
  const endpoint = `ipc://${join(folder, "host")}`;
  await socket.bind(endpoint);
  const asked: string[] = [];
  const serve = async () => {
    for await (const [peer, frame] of socket) {
      const request = decodeMessage(frame!);
      asked.push(request.kind);
      void Promise.resolve(answer(request)).then((frames) => frames && socket.send([peer!, frames].flat()));
    }
  };
  const served = serve();
  return {
    endpoint,
    asked,
    async close() {
      socket.close();
      await served;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
