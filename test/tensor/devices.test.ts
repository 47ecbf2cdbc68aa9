/** One conformance suite for every device that works on this machine: operations and their gradients against the `js` reference. */
import { beforeAll, describe, expect, it } from "vitest";
import type { Device } from "../../src/tensor/device.js";
import { openDevice } from "../../src/tensor/devices.js";
import type { HostTree } from "../../src/tensor/tree.js";
import { available, missing, precisionOf } from "./available.js";
import { difference, runOperation } from "./conformance.js";
import { operations } from "./operations.js";

const reference = await openDevice("js");
const expected = new Map<string, Promise<HostTree>>();

/** What the reference makes of an operation, computed once for all devices. */
function referenceOf(operation: (typeof operations)[number]): Promise<HostTree> {
  let result = expected.get(operation.name);
  if (!result) {
    result = runOperation(reference, operation);
    expected.set(operation.name, result);
  }
  return result;
}

it("at least the compiled and the wasm device work here", () => {
  expect(available).toEqual(expect.arrayContaining(["cpu", "wasm"]));
});

it("operations have names of their own", () => {
  expect(new Set(operations.map(({ name }) => name)).size).toBe(operations.length);
});

describe.each(available)("%s", (name) => {
  let device: Device;
  beforeAll(async () => {
    device = await openDevice(name, { threads: 1 });
  });

  it.each(operations)("$name", async (operation) => {
    const { tolerance, trigonometry } = precisionOf(name);
    const floor = /sin|cos|tan/.test(operation.name) ? trigonometry : 1e-6;
    const [got, want] = [await runOperation(device, operation), await referenceOf(operation)];
    expect(difference(got, want, tolerance, floor)).toBeUndefined();
  });
});

describe.each(missing)("$name", ({ why }) => {
  it.skip(why, () => {});
});
