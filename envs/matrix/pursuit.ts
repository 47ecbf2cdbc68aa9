/**
 * The rules of spiders-and-fly as pure functions over cells, shared by the environment and by the solver of its optimum.
 * Cell `y·size + x` is column x (grows east) and row y (grows north).
 *
 * @module
 */

/** What the fly does after the spiders have moved. */
export const flyBehaviours = ["away", "random", "still"] as const;
export type FlyBehaviour = (typeof flyBehaviours)[number];

export interface PursuitRules {
  /** Cells per side of the grid, at least 3. */
  readonly size: number;
  readonly fly: FlyBehaviour;
  /** Steps after which an episode is cut off. */
  readonly episodeLimit: number;
}

/** Cells of the two spiders and of the fly. The fly's is never a spider's; the spiders may share one. */
export type Pursuit = readonly [spider0: number, spider1: number, fly: number];

export const pursuitActions = ["stay", "north", "south", "east", "west", "pounce"] as const;
export const pounce = 5;

/** Rewards of one step: every step costs, a pounce by both brings the catch, a pounce by one alone is punished. */
export const pursuitRewards = { step: -0.1, caught: 10, alone: -2 } as const;

/** Column and row offsets of actions 0 … 4. */
const offsets = [
  [0, 0],
  [0, 1],
  [0, -1],
  [1, 0],
  [-1, 0],
] as const;

/** Steps between two cells. */
export function cellDistance(a: number, b: number, size: number): number {
  return Math.abs((a % size) - (b % size)) + Math.abs(Math.floor(a / size) - Math.floor(b / size));
}

/** Where a move (action 0 … 4) leads, or undefined off the grid. */
function moved(cell: number, action: number, size: number): number | undefined {
  const x = (cell % size) + offsets[action]![0];
  const y = Math.floor(cell / size) + offsets[action]![1];
  return x >= 0 && x < size && y >= 0 && y < size ? y * size + x : undefined;
}

/** A spider may move to any cell of the grid but the fly's, and pounce when it is next to the fly. */
export function mayChoose(state: Pursuit, spider: 0 | 1, action: number, size: number): boolean {
  if (action === pounce) return cellDistance(state[spider], state[2], size) === 1;
  const to = moved(state[spider], action, size);
  return to !== undefined && to !== state[2];
}

/** What the spiders' choices lead to: the reward, whether the fly is caught, and the cells that it goes to, each equally likely. */
export interface PursuitOutcome {
  readonly reward: number;
  readonly caught: boolean;
  readonly spiders: readonly [number, number];
  readonly flyCells: readonly number[];
}

/** One step: both spiders act at once, then the fly moves, unless it is caught. Actions must be legal ({@link mayChoose}). */
export function pursue(state: Pursuit, actions: readonly [number, number], { size, fly }: PursuitRules): PursuitOutcome {
  const pounces = Number(actions[0] === pounce) + Number(actions[1] === pounce);
  const caught = pounces === 2;
  const reward = pursuitRewards.step + (caught ? pursuitRewards.caught : pounces === 1 ? pursuitRewards.alone : 0);
  // A spider that pounces alone is shaken off and stays where it was.
  const go = (spider: 0 | 1) => (actions[spider] === pounce ? state[spider] : moved(state[spider], actions[spider]!, size)!);
  const spiders: [number, number] = [go(0), go(1)];
  return { reward, caught, spiders, flyCells: caught ? [state[2]] : flyMoves(spiders, state[2], size, fly) };
}

/** Cells that the fly goes to, each equally likely: free neighbours and its own. `away` names the one that keeps spiders farthest. */
function flyMoves(spiders: readonly [number, number], fly: number, size: number, behaviour: FlyBehaviour): number[] {
  if (behaviour === "still") return [fly];
  const free = offsets.flatMap((_, action) => {
    const to = moved(fly, action, size);
    return to === undefined || spiders.includes(to) ? [] : [to];
  });
  if (behaviour === "random") return free;
  // The nearer spider counts before the sum of both; between equals the earlier in the order stay, north, south, east, west.
  const safety = (cell: number) => {
    const [d0, d1] = [cellDistance(spiders[0], cell, size), cellDistance(spiders[1], cell, size)];
    return Math.min(d0, d1) * 4 * size + d0 + d1;
  };
  return [free.reduce((best, cell) => (safety(cell) > safety(best) ? cell : best))];
}
