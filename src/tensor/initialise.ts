import type { RandomStream } from "./random.js";
import { HostArray } from "./tree.js";

/** Fills a float32 array of `shape` from `draw`, row by row. */
function filled(shape: readonly number[], draw: () => number): HostArray {
  const array = HostArray.zeros({ shape, dtype: "float32" });
  for (let i = 0; i < array.data.length; i++) array.data[i] = draw();
  return array;
}

/** U(−limit, limit). */
export function uniform(rng: RandomStream, shape: readonly number[], limit: number): HostArray {
  return filled(shape, () => (2 * rng.uniform() - 1) * limit);
}

/** N(0, std²). */
export function normal(rng: RandomStream, shape: readonly number[], std: number): HostArray {
  return filled(shape, () => rng.normal() * std);
}

export function zeros(shape: readonly number[]): HostArray {
  return HostArray.zeros({ shape, dtype: "float32" });
}

/**
 * A linear layer as PyTorch initialises it: w [inputs, outputs] and b [outputs], both U(±1/√fanIn).
 *
 * @param fanIn features that reach one output; `inputs` unless the layer is a part of a wider one.
 */
export function uniformFanIn(rng: RandomStream, inputs: number, outputs: number, fanIn = inputs): { w: HostArray; b: HostArray } {
  // An output that nothing reaches has only its bias, which PyTorch begins with 0.
  const limit = fanIn > 0 ? 1 / Math.sqrt(fanIn) : 0;
  return { w: uniform(rng, [inputs, outputs], limit), b: uniform(rng, [outputs], limit) };
}

/** A linear layer after Glorot and Bengio (2010): w [inputs, outputs] from U(±√(6/(inputs+outputs))), b zero. */
export function xavierUniform(rng: RandomStream, inputs: number, outputs: number): { w: HostArray; b: HostArray } {
  return { w: uniform(rng, [inputs, outputs], Math.sqrt(6 / (inputs + outputs))), b: zeros([outputs]) };
}
