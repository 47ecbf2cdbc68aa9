import type { EnvironmentSpec, Frame, VectorEnvironment, VectorTimeStep } from "../environment.js";
import { BatonError } from "../errors.js";
import { sliceOf } from "./timestep.js";
import { allDone } from "./together.js";

/**
 * Several vector environments behind one call: the copies of the first come first. Whoever can, steps the `groups` by themselves.
 *
 * @param groups at least one, all of the same environment.
 * @param close ends them all.
 */
export function joinEnvironments(groups: readonly VectorEnvironment[], close: () => Promise<void>): VectorEnvironment {
  return new JoinedEnvironment(groups, close);
}

class JoinedEnvironment implements VectorEnvironment {
  readonly spec: EnvironmentSpec;
  readonly copies: number;
  readonly frame?: (copy: number) => Frame | undefined;
  /** First copy of each group. */
  readonly #firsts: readonly number[];
  readonly #slices = new WeakMap<VectorTimeStep, readonly VectorTimeStep[]>();

  constructor(
    readonly groups: readonly VectorEnvironment[],
    readonly close: () => Promise<void>,
  ) {
    this.spec = groups[0]!.spec;
    let copies = 0;
    this.#firsts = groups.map((group) => {
      copies += group.copies;
      return copies - group.copies;
    });
    this.copies = copies;
    if (!groups.every((group) => group.frame)) return;
    this.frame = (copy) => {
      const k = this.#firsts.findLastIndex((first) => first <= copy);
      return groups[k]!.frame!(copy - this.#firsts[k]!);
    };
  }

  async reset(copies: readonly number[], seeds: readonly number[], out: VectorTimeStep): Promise<void> {
    const slices = this.#slicesOf(out);
    const unknown = copies.find((copy) => !(Number.isInteger(copy) && copy >= 0 && copy < this.copies));
    if (unknown !== undefined) {
      throw new BatonError("invalid-value", `there is no copy ${unknown} of ${this.spec.id}, only 0 … ${this.copies - 1}`);
    }
    await allDone(
      this.groups.map(async (group, k) => {
        const first = this.#firsts[k]!;
        const mine = copies.flatMap((copy, at) => (copy >= first && copy < first + group.copies ? [at] : []));
        if (mine.length === 0) return;
        const own = mine.map((at) => copies[at]! - first);
        const ownSeeds = mine.map((at) => seeds[at]!);
        await group.reset(own, ownSeeds, slices[k]!);
        for (const copy of own) out.infos[first + copy] = slices[k]!.infos[copy]!;
      }),
    );
  }

  async step(actions: Int32Array, out: VectorTimeStep): Promise<void> {
    const slices = this.#slicesOf(out);
    const n = this.spec.agents;
    await allDone(
      this.groups.map(async (group, k) => {
        const first = this.#firsts[k]!;
        await group.step(actions.subarray(first * n, (first + group.copies) * n), slices[k]!);
        slices[k]!.infos.forEach((info, copy) => {
          out.infos[first + copy] = info;
        });
      }),
    );
  }

  #slicesOf(out: VectorTimeStep): readonly VectorTimeStep[] {
    let slices = this.#slices.get(out);
    if (!slices) {
      slices = this.groups.map(({ copies }, k) => sliceOf(out, this.#firsts[k]!, copies));
      this.#slices.set(out, slices);
    }
    return slices;
  }
}
