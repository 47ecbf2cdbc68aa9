/** One conformance suite for every device that works on this machine: operations and their gradients against the `js` reference. */
import { beforeAll, describe, expect, it } from "vitest";
import type { Device } from "../../src/tensor/device.js";
import { openDevice, probeDevices } from "../../src/tensor/devices.js";
import { difference, runOperation } from "./conformance.js";
import { operations } from "./operations.js";

const reference = await openDevice("js");
const available = (await probeDevices()).filter(({ works, name }) => works && name !== "js").map(({ name }) => name);

it("at least the compiled and the wasm device work here", () => {
  expect(available).toEqual(expect.arrayContaining(["cpu", "wasm"]));
});

describe.each(available)("%s", (name) => {
  let device: Device;
  beforeAll(async () => {
    device = await openDevice(name, { threads: 1 });
  });

  it.each(operations)("$name", async (operation) => {
    const [got, want] = [await runOperation(device, operation), await runOperation(reference, operation)];
    expect(difference(got, want, 1e-4)).toBeUndefined();
  });
});
