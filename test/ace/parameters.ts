import { initNetwork } from "../../agents/ace/network.js";
import type { AceSettings } from "../../agents/ace/settings.js";
import type { EnvironmentSpec } from "../../src/environment.js";
import { normal } from "../../src/tensor/initialise.js";
import { RandomStream } from "../../src/tensor/random.js";
import { HostArray, type HostTree, mapTree } from "../../src/tensor/tree.js";

/** Fresh parameters, moved a little so that zero biases, gains of one and alike rows are none. */
export function parameters(seed: number, spec: EnvironmentSpec, settings: AceSettings): HostTree {
  const rng = RandomStream.from(seed, "weights");
  return mapTree<HostArray, HostArray>(initNetwork(rng, spec, settings) as HostTree, (leaf) => {
    const noise = normal(rng, leaf.shape, 0.05);
    return new HostArray(
      leaf.data.map((value, k) => value + noise.data[k]!),
      leaf.shape,
      leaf.dtype,
    );
  });
}
