/**
 * Which devices the conformance suite runs on: all that work on this machine, WebGPU on a software GPU where there is no other.
 *
 * @module
 */

import type { DeviceName } from "../../src/tensor/devices/catalogue.js";
import { probeDevices } from "../../src/tensor/devices.js";
import { swiftShader } from "../swiftshader.js";

const reports = (await probeDevices({ threads: 1 })).filter(({ name }) => name !== "js");

/** Every device that works here, but for the reference. */
export const available: readonly DeviceName[] = reports.filter(({ works }) => works).map(({ name }) => name);

const software = swiftShader()
  ? ""
  : " (nor does this machine have a Chromium that brings a software GPU: apt-get install chromium)";

/** Devices that do not work here, with the reason for people to read. */
export const missing = reports
  .filter(({ works }) => !works)
  .map(({ name, detail }) => ({ name, why: `skipped: ${detail}${name === "webgpu" ? software : ""}` }));

/** How close a device must come to the reference. */
export interface Precision {
  /** Relative. */
  readonly tolerance: number;
  /** Absolute, of sin, cos and what is made of them. */
  readonly trigonometry: number;
}

/** WGSL asks of sin and cos only that they are right to 2⁻¹¹ (WGSL specification, "Floating point accuracy"), and SwiftShader takes that. */
export const precisionOf = (name: DeviceName): Precision =>
  name === "webgpu" ? { tolerance: 1e-4, trigonometry: 2 ** -10 } : { tolerance: 1e-4, trigonometry: 1e-6 };
