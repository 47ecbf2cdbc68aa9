import { expect } from "vitest";
import { BatonError } from "../src/errors.js";

/** Message and hint of the BatonError that `run` ends with; fails where there is none. */
export async function mistake(run: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof run === "function" ? run() : run);
  } catch (error) {
    expect(error).toBeInstanceOf(BatonError);
    return `${(error as Error).message}; ${(error as BatonError).hint}`;
  }
  return expect.fail("no mistake");
}
