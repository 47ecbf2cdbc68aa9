import { mayChoose, type Pursuit, type PursuitRules, pursue, pursuitActions } from "./pursuit.js";

/** What perfect play brings in spiders-and-fly. */
export interface PursuitOptimum {
  /** Expected return (undiscounted) of the best joint play from here with `stepsLeft` steps to go; a whole episode by default. */
  value(state: Pursuit, stepsLeft?: number): number;
  /** A best joint action; the first in order of (agent 0, agent 1) where several are equally good. */
  bestActions(state: Pursuit, stepsLeft?: number): readonly [number, number];
  /** Expected return of the best play over the random start. */
  readonly mean: number;
}

/** Solves spiders-and-fly exactly by value iteration over the steps that are left: O(limit · size⁶ · A²). */
export function solvePursuit(rules: PursuitRules): PursuitOptimum {
  const cells = rules.size * rules.size;
  const index = ([a, b, fly]: Pursuit) => (a * cells + b) * cells + fly;
  const states = allStates(cells);
  const choices = new Map(states.map((state) => [index(state), choicesAt(state, rules)]));
  // values[h][index(state)]: the best expected return of the next h steps.
  const values = [new Float64Array(cells ** 3)];
  const worth = ({ reward, next }: Choice, h: number) => {
    if (next.length === 0) return reward;
    let sum = 0;
    for (const state of next) sum += values[h - 1]![state]!;
    return reward + sum / next.length;
  };
  for (let h = 1; h <= rules.episodeLimit; h++) {
    const layer = new Float64Array(cells ** 3);
    for (const [state, options] of choices) layer[state] = Math.max(...options.map((choice) => worth(choice, h)));
    values.push(layer);
  }
  const starts = states.filter(([a, b]) => a !== b);
  const value = (state: Pursuit, stepsLeft = rules.episodeLimit) => values[stepsLeft]![index(state)]!;
  return {
    value,
    bestActions(state, stepsLeft = rules.episodeLimit) {
      const options = choices.get(index(state))!;
      return options.reduce((best, choice) => (worth(choice, stepsLeft) > worth(best, stepsLeft) ? choice : best)).actions;
    },
    mean: starts.reduce((sum, state) => sum + value(state), 0) / starts.length,
  };

  function choicesAt(state: Pursuit, { size }: PursuitRules): Choice[] {
    const legal = ([0, 1] as const).map((spider) =>
      pursuitActions.flatMap((_, a) => (mayChoose(state, spider, a, size) ? [a] : [])),
    );
    return legal[0]!.flatMap((a) =>
      legal[1]!.map((b): Choice => {
        const { reward, caught, spiders, flyCells } = pursue(state, [a, b], rules);
        return { actions: [a, b], reward, next: caught ? [] : flyCells.map((fly) => index([spiders[0], spiders[1], fly])) };
      }),
    );
  }
}

/** A joint action, its reward and the states that follow, each equally likely; none when the fly is caught. */
interface Choice {
  readonly actions: readonly [number, number];
  readonly reward: number;
  readonly next: readonly number[];
}

/** Every placing of the two spiders and the fly in which no spider is in the fly's cell. */
function allStates(cells: number): Pursuit[] {
  const states: Pursuit[] = [];
  for (let a = 0; a < cells; a++) {
    for (let b = 0; b < cells; b++) {
      for (let fly = 0; fly < cells; fly++) if (fly !== a && fly !== b) states.push([a, b, fly]);
    }
  }
  return states;
}
