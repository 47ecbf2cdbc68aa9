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
  /** Milliseconds of a training step of a small network, where that was asked for and the device works. */
  readonly milliseconds?: number;
}

/** What would make a device work that fails for a reason of its own, though nothing that it needs is missing. */
const hints: Partial<Record<DeviceName, string>> = {
  cuda: "nvidia-smi must list the card, with a driver for CUDA 12 (525 or newer)",
  webgpu: "a newer driver of the graphics card; vulkaninfo --summary must list it (Debian: apt-get install vulkan-tools)",
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

/** Examines every device in turn, for `baton doctor`; with `timed` those that work are timed. */
export async function probeDevices(options: DeviceOptions & { readonly timed?: boolean } = {}): Promise<DeviceReport[]> {
  const reports: DeviceReport[] = [];
  for (const name of concreteNames) {
    const { device, ...report } = await examine(name, options);
    reports.push(device && options.timed ? { ...report, milliseconds: await time(device) } : report);
  }
  return reports;
}

async function time(device: Device): Promise<number> {
  const { timeStep } = await import("./devices/probe.js");
  return timeStep(device);
}

/**
 * Opens the device of this name after a probe has shown that it works. `auto` takes the fastest in a training step of a small network,
 * and its description tells how fast each was, and why others were passed over.
 *
 * @throws BatonError "unknown-name"; "missing-dependency" or "io" when the device does not work, with what would mend it.
 */
export async function openDevice(name: string, options: DeviceOptions = {}): Promise<Device> {
  if (name === "auto") return openFastest(options);
  if (!isDeviceName(name)) throw unknownName("device", name, deviceNames);
  // The reference needs no comparison with itself.
  if (name === "js") return catalogue.js(options);
  const { device, detail, hint } = await examine(name, options);
  if (device) return device;
  throw new BatonError("missing-dependency", detail, hint === undefined ? {} : { hint });
}

function isDeviceName(name: string): name is DeviceName {
  return Object.hasOwn(catalogue, name);
}

function described(device: Device, description: string): Device {
  const { name, resident } = device;
  const compile: Device["compile"] = (...of) => device.compile(...of);
  return resident
    ? { name, description, compile, resident: (...of) => resident.apply(device, of) }
    : { name, description, compile };
}

/** Devices that only make do: they are slower than any other by far, and tried when there is no other. */
const fallbacks: readonly DeviceName[] = ["wasm", "js"];

/** How much faster a device must be than one before it in the catalogue: timings scatter, and a choice should not. */
const clearly = 1.5;

interface Candidate {
  readonly device: Device;
  readonly milliseconds: number | undefined;
}

/** Every device of these that works, timed where there is a choice, and why the others do not. */
async function candidatesOf(
  names: readonly DeviceName[],
  options: DeviceOptions,
): Promise<{ found: Candidate[]; passedOver: string[] }> {
  const [devices, passedOver]: [Device[], string[]] = [[], []];
  for (const name of names) {
    const { device, detail } = await examine(name, options);
    if (device) devices.push(device);
    else passedOver.push(detail);
  }
  const found: Candidate[] = [];
  for (const device of devices) found.push({ device, milliseconds: devices.length > 1 ? await time(device) : undefined });
  return { found, passedOver };
}

/** The fastest; one further back only where it is clearly faster. */
export function fastest<T extends { readonly milliseconds: number | undefined }>(candidates: readonly T[]): T | undefined {
  let best = candidates[0];
  for (const next of candidates) if (best && next.milliseconds! * clearly < best.milliseconds!) best = next;
  return best;
}

async function openFastest(options: DeviceOptions): Promise<Device> {
  const { found, passedOver } = await candidatesOf(
    concreteNames.filter((name) => !fallbacks.includes(name)),
    options,
  );
  const best = fastest(found);
  if (best) {
    const times = found.map(({ device, milliseconds }) => `${device.name} ${milliseconds?.toFixed(1)} ms a step`);
    const why = [found.length > 1 ? `the fastest of ${times.join(", ")}` : "the only fast one that works", ...passedOver];
    return described(best.device, `${best.device.description} (auto: ${why.join("; ")})`);
  }
  for (const name of fallbacks) {
    const { device, detail } = await examine(name, options);
    if (device) return described(device, `${device.description} (auto: the first that works; ${passedOver.join("; ")})`);
    passedOver.push(detail);
  }
  throw new BatonError("missing-dependency", `no device works: ${passedOver.join("; ")}`, { hint: "run baton doctor" });
}
