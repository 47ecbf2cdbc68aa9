/** ACE without learning: what given weights choose, and what they think of given joint actions. On the js device, whose arithmetic is plain. */
import type { Tensor } from "@tensorflow/tfjs";
import { expect } from "vitest";
import { act, type Exploration } from "../../agents/ace/act.js";
import { encode, type NetworkParameters } from "../../agents/ace/network.js";
import { decisionsOf, follow } from "../../agents/ace/sequence.js";
import { skirmish } from "../../envs/skirmish/index.js";
import { scriptedPolicies } from "../../envs/skirmish/scripted.js";
import type { StepTensors } from "../../src/agent.js";
import type { EnvironmentSpec } from "../../src/environment.js";
import { completeEnvironment } from "../../src/environments/complete.js";
import { allocateTimeStep } from "../../src/environments/timestep.js";
import { openDevice } from "../../src/tensor/devices.js";
import { RandomStream } from "../../src/tensor/random.js";
import { HostArray, type HostTree, specOf } from "../../src/tensor/tree.js";
import { greedyExploration, stepOf } from "./fixture.js";
import type { Sample } from "./reference.js";

type Rows = readonly (readonly number[])[];

const ints = (rows: Rows) => HostArray.int32(Int32Array.from(rows.flat()), rows.length, rows[0]!.length);

/** Greedy roll-out of each sample: the actions by agent, and what each agent thought of all of its own. */
export async function rollOut(weights: HostTree, world: EnvironmentSpec, of: readonly Sample[], orders: Rows) {
  const device = await openDevice("js");
  const args = [weights, stepOf(of, world) as HostTree, greedyExploration(of.length, world, ints(orders)) as HostTree];
  const fn = (p: NetworkParameters, step: StepTensors, e: Exploration) =>
    act(p, step, e, "fixed") as unknown as Record<string, Tensor>;
  const compiled = await device.compile(fn, args.map(specOf) as never, "act");
  const out = (await compiled.run(args)) as Record<"actions" | "values", HostArray>;
  const { agents: n, actions: A } = world;
  return of.map((_, b) => ({
    actions: Array.from(out.actions.data.subarray(b * n, (b + 1) * n)),
    values: Array.from({ length: n }, (_, i) => Array.from(out.values.data.subarray((b * n + i) * A, (b * n + i + 1) * A))),
  }));
}

/** V after each position along given joint actions (by agent). */
export async function valuesAlong(
  weights: HostTree,
  world: EnvironmentSpec,
  of: readonly Sample[],
  actions: Rows,
  orders: Rows,
): Promise<number[][]> {
  const device = await openDevice("js");
  const args = [weights, stepOf(of, world) as HostTree, ints(actions), ints(orders)] as HostTree[];
  const fn = (p: NetworkParameters, step: StepTensors, a: Tensor, order: Tensor) =>
    follow(p, encode(p, step), decisionsOf(a, order, step, world.untargetedActions)).values;
  const compiled = await device.compile(fn, args.map(specOf) as never, "follow");
  const { data } = (await compiled.run(args)) as HostArray;
  const { agents: n } = world;
  return of.map((_, b) => Array.from(data.subarray(b * n, (b + 1) * n)));
}

/** Every joint action is played out and valued; the greedy roll-out must think the same of each, and take the best decision by decision. */
export async function expectBruteForce(weights: HostTree, world: EnvironmentSpec, sample: Sample, order: readonly number[]) {
  const legal = sample.actionMask.map((mask) => mask.flatMap((available, a) => (available ? [a] : [])));
  const joint = legal.reduce<number[][]>((all, own) => all.flatMap((chosen) => own.map((a) => [...chosen, a])), [[]]);
  const every = <T>(x: T): T[] => joint.map(() => x);
  const valued = await valuesAlong(weights, world, every(sample), joint, every(order));
  const [greedy] = await rollOut(weights, world, [sample], [order]);
  let left = joint.map((_, k) => k);
  for (const [p, agent] of order.entries()) {
    const best = Math.max(...left.map((k) => valued[k]![p]!));
    for (const k of left) expect(greedy!.values[agent]![joint[k]![agent]!]).toBeCloseTo(valued[k]![p]!, 4);
    expect(greedy!.values[agent]![greedy!.actions[agent]!]).toBeCloseTo(best, 4);
    left = left.filter((k) => joint[k]![agent] === greedy!.actions[agent]);
  }
  expect(left.length).toBe(1);
  return joint.length;
}

/** A state of skirmish/3m in the thick of the fight: everybody goes for the closest enemy until all three can shoot at two or more. */
export function duringBattle(): { spec: EnvironmentSpec; sample: Sample } {
  const env = completeEnvironment(skirmish.make("3m", skirmish.options.parse({})));
  const { spec } = env;
  const { agents: n, entities: N, actions: A, untargetedActions: U } = spec;
  const out = allocateTimeStep(spec);
  const chosen = new Int32Array(n);
  const rows = (data: ArrayLike<number>, count: number) => {
    const width = data.length / count;
    return Array.from({ length: count }, (_, k) => Array.from({ length: width }, (_, c) => Number(data[k * width + c])));
  };
  const targets = () => rows(out.actionMask, n).map((mask) => mask.slice(U).filter(Boolean).length);
  env.reset(0, out);
  while (Math.min(...targets()) < 2) {
    if (out.terminated || out.truncated) throw new Error("nobody came close");
    scriptedPolicies.closest(out, spec, chosen, RandomStream.from(0));
    env.step(chosen, out);
  }
  const sample = {
    entities: rows(out.entities, N),
    relations: rows(out.relations, N).map((of) => rows(of, N)),
    alive: Array.from(out.alive),
    actionMask: rows(out.actionMask, n),
    actionTargets: A > U ? rows(out.actionTargets, n) : [],
  };
  return { spec, sample };
}
