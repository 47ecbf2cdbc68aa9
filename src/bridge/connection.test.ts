import { afterEach, describe, expect, it } from "vitest";
import { type Answer, type FakeHost, fakeHost } from "../../test/bridge/fake-host.js";
import { BatonError } from "../errors.js";
import { Connection } from "./connection.js";
import { encodeMessage, type Message } from "./protocol.js";

let host: FakeHost;
let connection: Connection;

async function connect(answer: Answer): Promise<void> {
  host = await fakeHost(answer);
  connection = new Connection(host.endpoint, "python:game:Game");
}

afterEach(async () => {
  connection.close();
  await host.close();
});

const ask = (kind: string, timeout = 30) => connection.request(kind, {}, {}, timeout);
const echo = ({ kind, fields }: Message) => encodeMessage(kind, { id: fields.id as number });

describe("Connection", () => {
  it("matches answers to requests under way, whatever their order", async () => {
    let release = () => {};
    await connect((request) => {
      if (request.kind === "first") return new Promise<Uint8Array>((resolve) => (release = () => resolve(echo(request))));
      if (request.kind === "last") setTimeout(release, 10);
      return echo(request);
    });
    const answered: string[] = [];
    const asked = ["first", "second", "last"].map((kind) =>
      ask(kind).then((answer) => answered.push(answer.kind) && answer.kind),
    );
    expect(await Promise.all(asked)).toEqual(["first", "second", "last"]);
    expect(answered).toEqual(["second", "last", "first"]);
  });

  it("can be used again after it was idle", async () => {
    await connect(echo);
    for (const kind of ["a", "b", "c"]) expect((await ask(kind)).kind).toBe(kind);
  });

  it("turns a fault into an error with the user's traceback below the sentence", async () => {
    const fault = { code: "environment", message: "it broke", hint: "mend it", trace: "Traceback:\n  ValueError" };
    await connect(({ fields }) => encodeMessage("fault", { id: fields.id, ...fault }));
    await expect(ask("step")).rejects.toMatchObject({
      name: "BatonError",
      code: "environment",
      message: "it broke\nTraceback:\n  ValueError",
      hint: "mend it",
    });
  });

  it("gives up on a silent host in time, and drops the answer that comes too late", async () => {
    await connect((request) =>
      request.kind === "late" ? new Promise((resolve) => setTimeout(() => resolve(echo(request)), 60)) : echo(request),
    );
    await expect(ask("late", 0.02)).rejects.toMatchObject({
      code: "io",
      message: expect.stringMatching(/no answer to "late" within 0.02 s/),
    });
    await new Promise((resolve) => setTimeout(resolve, 80));
    expect((await ask("next")).kind).toBe("next");
  });

  it("gives every request its own time", async () => {
    await connect(({ kind, fields }) => (kind === "answered" ? encodeMessage(kind, { id: fields.id as number }) : undefined));
    const ended: string[] = [];
    const wait = (kind: string, timeout: number) => ask(kind, timeout).catch(() => ended.push(kind));
    const waits = [wait("long", 0.12), wait("short", 0.04), wait("longer", 0.2)];
    await ask("answered", 30);
    await Promise.all(waits);
    expect(ended).toEqual(["short", "long", "longer"]);
  });

  it.each<[string, Answer, RegExp]>([
    ["garbage", () => Uint8Array.of(1, 2, 3), /python:game:Game: a peer sent something that is no bridge message/],
    ["several frames", () => [Uint8Array.of(1), Uint8Array.of(2)], /one frame, not 2/],
    ["another version", () => encodeMessage("welcome", { version: 3 }), /the host speaks version 3/],
    ["a fault for nobody", () => encodeMessage("fault", { id: null, code: "incompatible", message: "no" }), /^no$/],
  ])("ends with everything under way upon %s", async (_, answer, says) => {
    await connect(({ kind }) => (kind === "hear" ? answer({} as Message) : undefined));
    const waiting = ask("wait");
    const failed = expect(waiting).rejects.toMatchObject({ code: "incompatible", message: expect.stringMatching(says) });
    await expect(ask("hear")).rejects.toMatchObject({ code: "incompatible", message: expect.stringMatching(says) });
    await failed;
    await expect(ask("again")).rejects.toMatchObject({ message: expect.stringMatching(says) });
  });

  it("notices that a host is gone which had been answering until then", async () => {
    await connect(({ kind, fields }) => (kind === "answered" ? encodeMessage(kind, { id: fields.id as number }) : undefined));
    await ask("answered");
    const waiting = expect(ask("wait", 60)).rejects.toMatchObject({
      code: "io",
      message: expect.stringMatching(/the connection to its host broke/),
    });
    await host.close();
    await waiting;
  });

  it("fails what is under way when it is closed or its host is gone", async () => {
    await connect(() => undefined);
    const waiting = expect(ask("step")).rejects.toThrow("the host died");
    connection.end(new BatonError("io", "the host died"));
    await waiting;
    connection.close();
    await expect(ask("step")).rejects.toThrow("the host died");
  });
});
