import type { VectorEnvironment, VectorTimeStep } from "../environment.js";

/** A running episode as what plays it again: its seed and every agent's actions; plain JSON. */
export interface History {
  readonly seed: number;
  /** [t][n] */
  readonly actions: readonly (readonly number[])[];
}

/**
 * Plays running episodes again, one a copy. All copies step together, so a copy with a shorter history plays anything until its
 * turn to start comes; every history then ends at the same step.
 *
 * @returns what each brought, [E]: its return so far; NaN of one that ended before its history does, or there.
 */
export async function replayHistories(
  environment: VectorEnvironment,
  step: VectorTimeStep,
  histories: readonly History[],
): Promise<Float64Array> {
  const { copies, spec } = environment;
  const longest = Math.max(...histories.map(({ actions }) => actions.length));
  const joint = new Int32Array(copies * spec.agents);
  const all = histories.map((_, copy) => copy);
  const returns = new Float64Array(copies);
  const startsAt = (copy: number) => longest - histories[copy]!.actions.length;
  const ended = (copy: number) => step.terminated[copy] === 1 || step.truncated[copy] === 1;
  await environment.reset(
    all,
    histories.map(({ seed }) => seed),
    step,
  );
  for (let t = 0; t <= longest; t++) {
    const due = all.filter((copy) => t > 0 && (startsAt(copy) === t || (startsAt(copy) > t && ended(copy))));
    if (due.length > 0) {
      const seeds = due.map((copy) => histories[copy]!.seed);
      await environment.reset(due, seeds, step);
    }
    if (t === longest) break;
    for (const copy of all) {
      const history = histories[copy]!.actions[t - startsAt(copy)];
      for (let i = 0; i < spec.agents; i++) {
        const at = copy * spec.agents + i;
        joint[at] = history ? history[i]! : step.actionMask.indexOf(1, at * spec.actions) - at * spec.actions;
      }
    }
    await environment.step(joint, step);
    for (const copy of all) if (t >= startsAt(copy)) returns[copy]! += ended(copy) ? Number.NaN : step.reward[copy]!;
  }
  return returns;
}
