/**
 * Weights at work where they were not trained: in another environment (zero-shot evaluation), or as the start of another run (warm start).
 *
 * @module
 */
import type { EnvironmentSpec } from "../environment.js";
import { BatonError } from "../errors.js";
import { trajectoryAgent } from "../pretraining/folder.js";
import { loadCheckpoint, RunFolder } from "../runs/index.js";
import { RandomStream } from "../tensor/random.js";
import { type HostArray, type HostTree, leavesOf, mapTree } from "../tensor/tree.js";
import { type Experiment, resolveExperiment } from "./experiment.js";
import { mergeLayers, optionLayer, type SettingLayer, yamlLayer } from "./layers.js";
import { type Features, rowsForTypes, sameBesideTypes } from "./other-types.js";
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
    const given = arrays.get(path);
    if (!given) throw fail(`they have no "${path}"`);
    const found = carried(to, path, given, from.experiment.spec);
    if (found.shape.join() !== shape.join()) throw fail(`"${path}" is [${found.shape}] instead of [${shape}]`);
    arrays.delete(path);
    return found;
  });
  const [extra] = arrays.keys();
  if (extra !== undefined) throw fail(`they have "${extra}", which ${to.config.agent.name} here does not`);
  return fitted;
}

/** A parameter as the types of entities here take it. */
function carried(to: Experiment, path: string, parameter: HostArray, there: FeatureSizes): HostArray {
  const rows = to.agent.featureRows?.includes(path) && sameBesideTypes(there, to.spec);
  return rows ? rowsForTypes(parameter, there, to.spec) : parameter;
}

function misfit(to: Experiment, from: { run: string; experiment: Experiment }, what: string): BatonError {
  const there: EnvironmentSpec = from.experiment.spec;
  const here: EnvironmentSpec = to.spec;
  const reasons = Object.entries(sizes).flatMap(([size, words]) => {
    const [theirs, ours] = [there[size as keyof typeof sizes], here[size as keyof typeof sizes]];
    const fits = size === "entityFeatures" ? sameBesideTypes(there, here) : theirs === ours;
    return fits ? [] : [`${words}: ${theirs} there, ${ours} here`];
  });
  return new BatonError(
    "incompatible",
    `the weights of ${from.run} (${from.experiment.config.agent.name} on ${there.id}) do not fit ${to.config.agent.name} on ${here.id}: ${reasons.length > 0 ? reasons.join("; ") : what}`,
    {
      hint:
        reasons.length > 0
          ? "weights fit any number of agents and entities, and other types of them, but all other features and untargeted actions must be the same"
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

/** What training begins with besides chance, and what is to be told of it; undefined where it begins with chance alone. */
export type Start = { readonly policy: HostTree; readonly warnings: readonly string[] };

/** What the settings `initial` and `initialEncoder` ask for. */
export async function startOf(experiment: Experiment): Promise<Start | undefined> {
  const { initial, initialEncoder } = experiment.config;
  if (initial !== null && initialEncoder !== null) {
    throw new BatonError(
      "invalid-value",
      "both initial (--init) and initialEncoder (--init-encoder) are given, but the first holds an encoder already",
      {
        hint: "leave one of them out",
      },
    );
  }
  if (initial !== null) return policyOf(initial, experiment);
  return initialEncoder === null ? undefined : encoderOf(initialEncoder, experiment);
}

const ENCODER = "encoder/";

/**
 * A fresh policy of the experiment's seed whose encoder is that of the run in `path`: a trajectory pre-training, or a trained team. Every other
 * weight is as it is without.
 */
async function encoderOf(path: string, to: Experiment): Promise<Start> {
  const run = RunFolder.open(path);
  const { encoder, warnings, there } = run.info.agent === trajectoryAgent ? pretrainedEncoder(run) : await trainedEncoder(run);
  const fresh = to.agent.policy(to.agent.init(RandomStream.from(to.config.seed, "initial weights")));
  const arrays = new Map(leavesOf<HostArray>(encoder).map(({ path: name, leaf }) => [`${ENCODER}${name}`, leaf]));
  const fail = (what: string) => encoderMisfit(run, to, there, what);
  const policy = mapTree<HostArray, HostArray>(fresh, (leaf, name) => {
    if (!name.startsWith(ENCODER)) return leaf;
    const given = arrays.get(name);
    if (!given) throw fail(`it has no "${name}"`);
    const found = carried(to, name, given, there);
    if (found.shape.join() !== leaf.shape.join()) throw fail(`"${name}" is [${found.shape}] instead of [${leaf.shape}]`);
    arrays.delete(name);
    return found;
  });
  const [extra] = arrays.keys();
  if (extra !== undefined) throw fail(`it has "${extra}", which ${to.config.agent.name} here does not`);
  return { policy, warnings };
}

type FeatureSizes = Features & Pick<EnvironmentSpec, "relationFeatures">;
interface FoundEncoder {
  readonly encoder: HostTree;
  readonly warnings: readonly string[];
  readonly there: FeatureSizes;
}

function pretrainedEncoder(run: RunFolder): FoundEncoder {
  const { state, warnings } = loadCheckpoint(run, "latest", { replay: false });
  const { entityFeatures, relationFeatures } = run.info;
  return {
    encoder: (state as { params: { encoder: HostTree } }).params.encoder,
    warnings,
    there: { entityFeatures, relationFeatures } as FeatureSizes, // as the pre-training wrote them
  };
}

async function trainedEncoder(run: RunFolder): Promise<FoundEncoder> {
  const experiment = await resolveExperiment(yamlLayer(run.readConfig(), run.config));
  const { policy, warnings } = loadPolicy(run, "best", experiment);
  const { encoder } = policy as { encoder?: HostTree };
  if (encoder) return { encoder, warnings, there: experiment.spec };
  throw new BatonError("incompatible", `${run.path} is a run of ${run.info.agent}, which has no encoder of entities`, {
    hint: "give a run of `baton pretrain trajectory`, or of ace",
  });
}

function encoderMisfit(run: RunFolder, to: Experiment, there: FeatureSizes, what: string): BatonError {
  const reasons = (["entityFeatures", "relationFeatures"] as const).flatMap((size) =>
    (size === "entityFeatures" ? sameBesideTypes(there, to.spec) : there[size] === to.spec[size])
      ? []
      : [`${sizes[size]}: ${String(there[size])} there, ${to.spec[size]} here`],
  );
  const ours = to.config.agent.name;
  return new BatonError(
    "incompatible",
    `the encoder of ${run.path} (learnt on ${run.info.env}) does not fit ${ours} on ${to.spec.id}: ${reasons.length > 0 ? reasons.join("; ") : what}`,
    {
      hint:
        reasons.length > 0
          ? "an encoder fits any number of agents and entities, but their features must be the same (of a trained team's encoder, all but types)"
          : "agent.hidden and agent.encoder (agent.depth, agent.heads) must be as the encoder was pre-trained with",
    },
  );
}
