import { BatonError } from "../errors.js";
import { unknownName } from "../names.js";
import type { Device, DeviceOptions } from "./device.js";
import { catalogue, type DeviceName } from "./devices/catalogue.js";

const concreteNames = Object.keys(catalogue) as [DeviceName, ...DeviceName[]];

/** What `--device` takes. */
export const deviceNames: readonly ["auto", ...DeviceName[]] = ["auto", ...concreteNames];

/** What a probe found out about one device. */
export interface DeviceReport {
  readonly name: DeviceName;
  /** It trained the probe's steps with the reference's numbers. */
  readonly works: boolean;
  /** One line: what it is, or why it does not work. */
  readonly detail: string;
  /** What would make it work. */
  readonly hint: string | undefined;
}

/** What would make a device work that fails for a reason of its own. */
const hints: Partial<Record<DeviceName, string>> = {
  cuda: "needs an NVIDIA card with CUDA 12 and cuDNN 9, and npm rebuild onnxruntime-node with ONNXRUNTIME_NODE_INSTALL=v12",
  webgpu: "needs a graphics card with a Vulkan, Metal or D3D12 driver",
};

/** Opens one device and trains a small step on it, in comparison with the reference. */
async function examine(name: DeviceName, options: DeviceOptions): Promise<DeviceReport & { device?: Device }> {
  try {
    const device = await catalogue[name](options);
    const { probe } = await import("./devices/probe.js");
    const { works, difference } = await probe(device, await catalogue.js({}));
    if (works) return { name, works, detail: device.description, hint: undefined, device };
    const detail = `${device.description}: wrong numbers, up to ${(100 * difference).toPrecision(2)} % off the reference`;
    return { name, works, detail, hint: "use another device" };
  } catch (error) {
    if (error instanceof BatonError) return { name, works: false, detail: error.message, hint: error.hint };
    return {
      name,
      works: false,
      detail: `device "${name}" is not available: ${reasonOf(error)}`,
      hint: hints[name] ?? "use another device",
    };
  }
}

/** The first line of an engine's error; ONNX Runtime puts the source line of a failed check before what it has to say. */
function reasonOf(error: unknown): string {
  const line = (error instanceof Error ? error.message : String(error)).split("\n")[0]!;
  return line.split(" was false. ").at(-1)!.slice(0, 150);
}

/** Examines every device in turn, for `baton doctor`. */
export async function probeDevices(options: DeviceOptions = {}): Promise<DeviceReport[]> {
  const reports: DeviceReport[] = [];
  for (const name of concreteNames) {
    const { works, detail, hint } = await examine(name, options);
    reports.push({ name, works, detail, hint });
  }
  return reports;
}

/**
 * Opens the device of this name after a probe has shown that it works. `auto` takes the first in the order of {@link deviceNames} that
 * does, and its description tells which were passed over and why.
 *
 * @throws BatonError "unknown-name"; "missing-dependency" or "io" when the device does not work, with what would mend it.
 */
export async function openDevice(name: string, options: DeviceOptions = {}): Promise<Device> {
  if (name === "auto") return openFirst(options);
  if (!isDeviceName(name)) throw unknownName("device", name, deviceNames);
  // The reference needs no comparison with itself.
  if (name === "js") return catalogue.js(options);
  const { device, detail, hint } = await examine(name, options);
  if (device) return device;
  throw new BatonError("missing-dependency", detail, hint === undefined ? {} : { hint });
}

function isDeviceName(name: string): name is DeviceName {
  return name in catalogue;
}

function described(device: Device, description: string): Device {
  const { name, resident } = device;
  const compile: Device["compile"] = (...of) => device.compile(...of);
  return resident
    ? { name, description, compile, resident: (...of) => resident.apply(device, of) }
    : { name, description, compile };
}

async function openFirst(options: DeviceOptions): Promise<Device> {
  const passedOver: string[] = [];
  for (const name of concreteNames) {
    const { device, detail } = await examine(name, options);
    if (device) {
      const why = passedOver.length === 0 ? "the first choice, and it works" : `the first that works; ${passedOver.join("; ")}`;
      return described(device, `${device.description} (auto: ${why})`);
    }
    passedOver.push(detail);
  }
  throw new BatonError("missing-dependency", `no device works: ${passedOver.join("; ")}`, { hint: "run baton doctor" });
}
