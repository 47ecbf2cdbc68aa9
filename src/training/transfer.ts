/**
 * Weights at work where they were not trained: in another environment (zero-shot evaluation), or as the start of another run (warm start).
 *
 * @module
 */
import type { EnvironmentSpec } from "../environment.js";
import { BatonError } from "../errors.js";
import { RunFolder } from "../runs/index.js";
import { RandomStream } from "../tensor/random.js";
import { type HostArray, type HostTree, leavesOf, mapTree } from "../tensor/tree.js";
import { type Experiment, resolveExperiment } from "./experiment.js";
import { mergeLayers, optionLayer, type SettingLayer, yamlLayer } from "./layers.js";
import { loadPolicy } from "./policy-file.js";

const familyOf = (id: unknown) => String(id).split("/")[0];

/** The same settings for another environment: its options are kept when it is of the same family. */
export function elsewhere(layer: SettingLayer, id: string): SettingLayer {
  const env = (layer.settings.env ?? {}) as { id?: unknown };
  const kept = familyOf(env.id) === familyOf(id) ? layer : { ...layer, settings: { ...layer.settings, env: {} } };
  return mergeLayers([kept, optionLayer({ env: { id } }, () => "--env")]);
}

/** Sizes that weights depend on; team and map sizes are not among them. */
const sizes = {
  entityFeatures: "features per entity",
  relationFeatures: "features per relation",
  untargetedActions: "actions without a target",
} as const;

/**
 * `policy` as the agent of `to` takes it.
 *
 * @param from where the weights come from, for people, and the environment that they were trained in.
 * @throws BatonError "incompatible" that names the sizes in which the two environments, or the parameter in which the agents, differ.
 */
export function fitPolicy(to: Experiment, policy: HostTree, from: { run: string; experiment: Experiment }): HostTree {
  const like = to.agent.policy(to.agent.init(RandomStream.from(0)));
  const arrays = new Map(leavesOf<HostArray>(policy).map(({ path, leaf }) => [path, leaf]));
  const fail = (what: string) => misfit(to, from, what);
  const fitted = mapTree<HostArray, HostArray>(like, ({ shape }, path) => {
    const found = arrays.get(path);
    if (!found) throw fail(`they have no "${path}"`);
    if (found.shape.join() !== shape.join()) throw fail(`"${path}" is [${found.shape}] instead of [${shape}]`);
    arrays.delete(path);
    return found;
  });
  const [extra] = arrays.keys();
  if (extra !== undefined) throw fail(`they have "${extra}", which ${to.config.agent.name} here does not`);
  return fitted;
}

function misfit(to: Experiment, from: { run: string; experiment: Experiment }, what: string): BatonError {
  const there: EnvironmentSpec = from.experiment.spec;
  const here: EnvironmentSpec = to.spec;
  const reasons = Object.entries(sizes).flatMap(([size, words]) => {
    const [theirs, ours] = [there[size as keyof typeof sizes], here[size as keyof typeof sizes]];
    return theirs === ours ? [] : [`${words}: ${theirs} there, ${ours} here`];
  });
  return new BatonError(
    "incompatible",
    `the weights of ${from.run} (${from.experiment.config.agent.name} on ${there.id}) do not fit ${to.config.agent.name} on ${here.id}: ${reasons.length > 0 ? reasons.join("; ") : what}`,
    {
      hint:
        reasons.length > 0
          ? "weights fit any number of agents and entities, but features and untargeted actions must be the same"
          : "network settings (agent.hidden, agent.encoder, …) must be those of that run",
    },
  );
}

/** The best weights of the run in `path`, for the agent of `to`. */
export async function policyOf(path: string, to: Experiment): Promise<{ policy: HostTree; warnings: readonly string[] }> {
  const run = RunFolder.open(path);
  const experiment = await resolveExperiment(yamlLayer(run.readConfig(), `${path}/config.yaml`));
  const { policy, warnings } = loadPolicy(run, "best", experiment);
  return { policy: fitPolicy(to, policy, { run: path, experiment }), warnings };
}
