/** Who plays a recording: random legal actions, scripted policies, the policies of runs, or episodes of several of them. */
import { join } from "node:path";
import { agentFamily } from "../../agents/index.js";
import {
  type EnvironmentSpec,
  type ScriptedPolicy,
  type TimeStep,
  type TimeStepField,
  timeStepFields,
  type VectorTimeStep,
} from "../environment.js";
import { randomLegalAction } from "../environments/player.js";
import { BatonError } from "../errors.js";
import { RunFolder } from "../runs/index.js";
import type { Device } from "../tensor/device.js";
import { RandomStream } from "../tensor/random.js";
import type { HostTree } from "../tensor/tree.js";
import { type Experiment, resolveExperiment } from "../training/experiment.js";
import { yamlLayer } from "../training/layers.js";
import { Actor } from "../training/policy.js";
import { loadPolicy } from "../training/policy-file.js";
import { fitPolicy } from "../training/transfer.js";
import type { RecordedPolicy } from "./format.js";

/** A policy that is ready to play E copies. */
export interface Player {
  /** These copies begin an episode of this policy. */
  begin(copies: readonly number[]): void;
  /**
   * Writes actions [E, n] of the listed copies. Chance comes from the stream of each copy's episode, so that what happens in one does not
   * depend on the others.
   */
  choose(copies: readonly number[], streams: readonly RandomStream[], actions: Int32Array): void | Promise<void>;
  /** What was really done, [E, n]. */
  did(actions: Int32Array): void;
  dispose(): void;
}

/** A policy before the environment's copies are open. */
export interface PlayerSource {
  readonly policy: RecordedPolicy;
  /** Time-step fields that it reads. */
  readonly fields: readonly TimeStepField[];
  /** @param step where the copies write. @param views the same, copy by copy. */
  open(step: VectorTimeStep, views: readonly TimeStep[]): Player | Promise<Player>;
}

/** What a person asked for, e.g. `runs/3m:0.3=2`: a name or a folder, the chance of a random action, the weight in the mix. */
export function parsePolicy(text: string): RecordedPolicy {
  const match = /^(.+?)(?::([^:=]*))?(?:=([^:=]*))?$/.exec(text);
  const epsilon = match?.[2] === undefined ? 0 : Number(match[2] || "x");
  const weight = match?.[3] === undefined ? 1 : Number(match[3] || "x");
  if (match && epsilon >= 0 && epsilon <= 1 && weight > 0 && weight < Number.POSITIVE_INFINITY) {
    return { what: match[1]!, epsilon, weight };
  }
  throw new BatonError("invalid-value", `--policy is "${text}", but must be NAME, NAME:EPSILON or NAME:EPSILON=WEIGHT`, {
    hint: "EPSILON is the chance of a random action, from 0 to 1, and WEIGHT, above 0, the share among all policies: --policy focus-fire:0.2=3",
  });
}

export interface PlayerParts {
  readonly spec: EnvironmentSpec;
  readonly scripted: Readonly<Record<string, ScriptedPolicy>>;
  /** Which of a run's weights play. */
  readonly checkpoint: "best" | "latest" | number;
  /** Asked for when a run plays. */
  readonly device: () => Promise<Device>;
}

/** Finds who a policy names. Throws a BatonError when it is neither a policy nor a run, or a run that does not fit. */
export async function playerSource(policy: RecordedPolicy, parts: PlayerParts): Promise<PlayerSource> {
  const { spec, scripted } = parts;
  const { what } = policy;
  if (what === "random") return { policy, fields: [], open: (_, views) => scriptedPlayer(spec, views, randomly) };
  if (Object.hasOwn(scripted, what))
    return { policy, fields: timeStepFields, open: (_, views) => scriptedPlayer(spec, views, scripted[what]!) };
  if (RunFolder.inspect(what) !== "run") {
    const names = [...new Set(["random", ...Object.keys(scripted)])];
    throw new BatonError("unknown-name", `--policy ${what} is neither a policy of ${spec.id} nor the folder of a run`, {
      hint: `policies: ${names.join(", ")}`,
    });
  }
  return runSource(policy, parts);
}

async function runSource(policy: RecordedPolicy, { spec, checkpoint, device }: PlayerParts): Promise<PlayerSource> {
  const run = RunFolder.open(policy.what);
  const trained = await resolveExperiment(yamlLayer(run.readConfig(), join(run.path, "config.yaml")));
  const { name, ...settings } = trained.config.agent;
  const agent = agentFamily(name).create(spec, settings as never);
  const loaded = loadPolicy(run, checkpoint, trained);
  const here: Experiment = { ...trained, spec, agent };
  const weights = fitPolicy(here, loaded.policy, { run: run.path, experiment: trained });
  return {
    policy: { ...policy, checkpoint: loaded.step },
    fields: agent.transition.fields,
    open: async (step) => runPlayer(await Actor.create(await device(), agent, spec, weights, step), here, weights, step),
  };
}

const randomly: ScriptedPolicy = ({ actionMask }, { agents, actions: A }, out, rng) => {
  for (let i = 0; i < agents; i++) out[i] = randomLegalAction(actionMask, i * A, A, rng);
};

function scriptedPlayer(spec: EnvironmentSpec, views: readonly TimeStep[], play: ScriptedPolicy): Player {
  const n = spec.agents;
  return {
    begin() {},
    choose(copies, streams, actions) {
      for (const copy of copies) {
        play(views[copy]!, spec, actions.subarray(copy * n, (copy + 1) * n), streams[copy]!);
      }
    },
    did() {},
    dispose() {},
  };
}

/** A run's policy, greedy: random actions are mixed in from the outside, episode by episode. */
function runPlayer(actor: Actor, { agent, spec }: Experiment, weights: HostTree, step: VectorTimeStep): Player {
  const greedy = agent.drawExploration(RandomStream.from(0), 0, step.reward.length);
  const n = spec.agents;
  return {
    begin: (copies) => actor.forget(copies),
    async choose(copies, _, actions) {
      const chosen = (await actor.act(weights, greedy)).actions.data as Int32Array;
      for (const copy of copies) actions.set(chosen.subarray(copy * n, (copy + 1) * n), copy * n);
    },
    did: (actions) => actor.did(actions),
    dispose: () => actor.dispose(),
  };
}
