import { afterEach, describe, expect, it } from "vitest";
import { type Answer, type FakeHost, fakeHost } from "../../test/bridge/fake-host.js";
import type { VectorEnvironment } from "../environment.js";
import { allocateVectorTimeStep } from "../environments/timestep.js";
import { connectEnvironment } from "./client.js";
import { Connection } from "./connection.js";
import { encodeMessage, type Message, type WireArray } from "./protocol.js";

const patience = { start: 30, answer: 30 };
const spec = { id: "game", agents: 2, actions: 3, observationSize: 1, episodeLimit: 5 };
const welcome = { spec, copies: 2, fields: ["observations", "actionMask"] };

/** Observations are 10·copy + agent; after a step, the actions. Everybody may do everything but action 0. */
function play({ kind, fields, arrays }: Message, changes: Record<string, WireArray> = {}): Uint8Array {
  const copies = kind === "reset" ? [...(arrays.get("copies")!.data as Int32Array)] : [0, 1];
  const rows = copies.length;
  const observed =
    kind === "reset" ? copies.flatMap((copy) => [10 * copy, 10 * copy + 1]) : (arrays.get("actions")!.data as Int32Array);
  const infos = copies.map((copy) => (kind === "step" && copy === 1 ? { won: true } : {}));
  return encodeMessage(
    "timestep",
    { id: fields.id, infos },
    {
      observations: { shape: [rows, 2, 1], data: Float32Array.from(observed) },
      actionMask: {
        shape: [rows, 2, 3],
        data: Uint8Array.from(
          Array(rows * 2)
            .fill([0, 1, 1])
            .flat(),
        ),
      },
      reward: { shape: [rows], data: Float32Array.from(copies, (copy) => (kind === "step" ? copy + 0.5 : 0)) },
      terminated: { shape: [rows], data: Uint8Array.from(copies, (copy) => Number(kind === "step" && copy === 1)) },
      truncated: { shape: [rows], data: new Uint8Array(rows) },
      ...changes,
    },
  );
}

let host: FakeHost | undefined;
let env: VectorEnvironment | undefined;

async function open(greeting: object = welcome, answer: Answer = play, kind = "welcome"): Promise<VectorEnvironment> {
  host = await fakeHost((request) =>
    request.kind === "hello" ? encodeMessage(kind, { id: request.fields.id, ...greeting }) : answer(request),
  );
  const connection = new Connection(host.endpoint, "python:game:Game");
  try {
    env = await connectEnvironment(connection, patience);
    return env;
  } catch (error) {
    connection.close();
    throw error;
  }
}

afterEach(async () => {
  await env?.close?.();
  await host?.close();
  [env, host] = [undefined, undefined];
});

describe("connectEnvironment", () => {
  it("completes the host's spec", async () => {
    const { spec: whole, copies } = await open();
    expect(whole).toMatchObject({
      id: "game",
      agents: 2,
      entities: 2,
      entityFeatures: 1,
      stateSize: 2,
      actionNames: { length: 3 },
    });
    expect(copies).toBe(2);
  });

  it.each([
    ["a spec that does not fit together", { ...welcome, spec: { ...spec, agents: 0 } }, "environment", /spec.agents is 0/],
    ["no spec", { ...welcome, spec: 3 }, "incompatible", /is not a welcome/],
    ["no copies", { ...welcome, copies: 0 }, "incompatible", /is not a welcome/],
    ["fields that are none", { ...welcome, fields: ["reward"] }, "incompatible", /is not a welcome/],
  ])("refuses %s", async (_, greeting, code, message) => {
    await expect(open(greeting)).rejects.toMatchObject({ name: "BatonError", code, message: expect.stringMatching(message) });
  });

  it("refuses another kind of answer", async () => {
    await expect(open(welcome, play, "timestep")).rejects.toMatchObject({ code: "incompatible" });
  });
});

describe("a remote environment", () => {
  it("writes the rows of the copies that were reset, and nothing else", async () => {
    const remote = await open();
    const out = allocateVectorTimeStep(remote.spec, 2);
    out.observations.fill(7);
    await remote.reset([1], [3], out);
    expect([...out.observations]).toEqual([7, 7, 10, 11]);
    expect([...out.actionMask]).toEqual([1, 1, 1, 1, 1, 1, 0, 1, 1, 0, 1, 1]);
    expect([...out.entities]).toEqual([0, 0, 10, 11]);
    expect([...out.state]).toEqual([0, 0, 10, 11]);
    await remote.reset([1, 0], [3, 4], out);
    expect([...out.observations]).toEqual([0, 1, 10, 11]);
    await remote.reset([], [], out);
    expect(host?.asked).toEqual(["hello", "reset", "reset"]);
  });

  it("writes steps of all copies, with what follows from them, into any time step", async () => {
    const remote = await open();
    const out = allocateVectorTimeStep(remote.spec, 2);
    await remote.reset([0, 1], [0, 0], out);
    const other = allocateVectorTimeStep(remote.spec, 2);
    for (const target of [out, other]) {
      await remote.step(Int32Array.of(1, 2, 2, 1), target);
      expect([...target.observations]).toEqual([1, 2, 2, 1]);
      expect([...target.entities]).toEqual([1, 2, 2, 1]);
      expect([...target.state]).toEqual([1, 2, 2, 1]);
      expect([...target.reward]).toEqual([0.5, 1.5]);
      expect([...target.terminated]).toEqual([0, 1]);
      expect(target.infos).toEqual([{}, { won: true }]);
    }
    await remote.reset([1], [0], other);
    expect([[...other.reward], [...other.terminated], other.infos]).toEqual([
      [0.5, 0],
      [0, 0],
      [{}, {}],
    ]);
  });

  it("refuses what makes no sense before it asks", async () => {
    const remote = await open();
    const out = allocateVectorTimeStep(remote.spec, 2);
    await expect(remote.step(new Int32Array(3), out)).rejects.toThrow("3 actions are given to 2 copies of 2 agents of game");
    await expect(remote.reset([0], [0.5], out)).rejects.toThrow("reset got the seed 0.5");
    await expect(remote.reset([0, 1], [0], out)).rejects.toThrow("1 seeds for 2 copies");
    const small = allocateVectorTimeStep(remote.spec, 1);
    await expect(remote.reset([0], [0], small)).rejects.toThrow("a time step of 1 copies is given to 2 copies");
    expect(host?.asked).toEqual(["hello"]);
  });

  it.each<[string, Answer, RegExp]>([
    [
      "a missing array",
      (r) => play(r, { reward: { shape: [0], data: new Float32Array(0) } }),
      /reward is float32 \[0\], not float32 of 2/,
    ],
    ["a wrong type", (r) => play(r, { actionMask: { shape: [12], data: new Float32Array(12) } }), /actionMask is float32/],
    ["no infos", ({ fields }) => encodeMessage("timestep", { id: fields.id }), /without an info for each of 2 copies/],
    ["another kind", ({ fields }) => encodeMessage("welcome", { id: fields.id }), /answered "step" with "welcome"/],
  ])("refuses %s", async (_, answer, message) => {
    const remote = await open(welcome, answer);
    const out = allocateVectorTimeStep(remote.spec, 2);
    await expect(remote.step(new Int32Array(4), out)).rejects.toMatchObject({
      code: "incompatible",
      message: expect.stringMatching(message),
    });
  });
});
