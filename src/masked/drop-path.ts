import type { RandomStream } from "../tensor/random.js";
import { HostArray } from "../tensor/tree.js";

/**
 * Which samples pass over which branches of which blocks (stochastic depth, Huang et al., 2016, as MAE's fine-tuning has it): a factor for
 * each block's attention and MLP and each sample, 0 with a chance that rises from 0 in the first block to `rate` in the last, and else
 * 1/(1 − chance), so that the mean is 1.
 *
 * @param rate at least 0 and less than 1.
 * @returns [depth,2,B]
 */
export function drawDropPath(rng: RandomStream, depth: number, samples: number, rate: number): HostArray {
  const factors = new Float32Array(depth * 2 * samples);
  for (let k = 0; k < depth; k++) {
    const chance = depth > 1 ? (rate * k) / (depth - 1) : rate;
    for (let i = 0; i < 2 * samples; i++) factors[k * 2 * samples + i] = rng.uniform() < chance ? 0 : 1 / (1 - chance);
  }
  return HostArray.float32(factors, depth, 2, samples);
}
