import type { Environment, Frame, TimeStep } from "../../src/environment.js";
import { RandomStream } from "../../src/tensor/random.js";
import { cellDistance, mayChoose, type Pursuit, type PursuitRules, pounce, pursue, pursuitActions } from "./pursuit.js";

/** Entities: spider 0, spider 1, fly. */
const N = 3;
/** Relation features: Δcolumn, Δrow (in grid widths), next to each other. */
const R = 3;
const A = pursuitActions.length;

/**
 * Two spiders hunt a fly on a grid and must pounce in the same step to catch it. See README.md for the rules.
 *
 * Entity rows [S = 3 + 2·size]: who it is (spider 0, spider 1, fly) one-hot, column one-hot, row one-hot.
 * Relation rows [R = 3]: (Δcolumn, Δrow) / (size − 1), and 1 when the two are in neighbouring cells.
 */
export function spidersAndFly(id: string, rules: PursuitRules): Environment {
  const { size, episodeLimit } = rules;
  const S = N + 2 * size;
  let random = RandomStream.from(0);
  let state: Pursuit = [0, 0, 1];
  let t = 0;
  let caught = false;

  return {
    spec: {
      id,
      agents: 2,
      entities: N,
      actions: A,
      untargetedActions: pounce,
      entityFeatures: S,
      relationFeatures: R,
      episodeLimit,
      actionNames: pursuitActions,
      predictedFeatures: Array.from({ length: 2 * size }, (_, k) => N + k),
    },
    reset(seed, out) {
      random = RandomStream.from(seed, "spiders-and-fly");
      state = startingCells(random, size);
      t = 0;
      caught = false;
      out.actionTargets.fill(2);
      write(out);
    },
    step(actions, out) {
      const outcome = pursue(state, [actions[0]!, actions[1]!], rules);
      const fly = outcome.flyCells[outcome.flyCells.length > 1 ? random.integer(outcome.flyCells.length) : 0]!;
      state = [outcome.spiders[0], outcome.spiders[1], fly];
      t += 1;
      caught = outcome.caught;
      out.reward = outcome.reward;
      out.terminated = caught;
      out.truncated = !caught && t === episodeLimit;
      if (out.terminated || out.truncated) out.info.won = caught;
      write(out);
    },
    frame: () => frameOf(state, caught, size),
  };

  function write(out: TimeStep): void {
    out.entities.fill(0);
    for (let i = 0; i < N; i++) {
      const cell = state[i as 0 | 1 | 2];
      out.entities[i * S + i] = 1;
      out.entities[i * S + N + (cell % size)] = 1;
      out.entities[i * S + N + size + Math.floor(cell / size)] = 1;
      for (let j = 0; j < N; j++) writeRelation(out.relations, i, j);
    }
    // A caught fly is dead: nothing can be done to it any more.
    out.alive[2] = caught ? 0 : 1;
    for (const spider of [0, 1] as const) {
      for (let a = 0; a < A; a++) {
        out.actionMask[spider * A + a] = mayChoose(state, spider, a, size) && !(caught && a === pounce) ? 1 : 0;
      }
    }
  }

  function writeRelation(relations: Float32Array, i: number, j: number): void {
    const [from, to] = [state[i as 0 | 1 | 2], state[j as 0 | 1 | 2]];
    const at = (i * N + j) * R;
    relations[at] = ((to % size) - (from % size)) / (size - 1);
    relations[at + 1] = (Math.floor(to / size) - Math.floor(from / size)) / (size - 1);
    relations[at + 2] = cellDistance(from, to, size) === 1 ? 1 : 0;
  }
}

/** Three different cells, uniformly. */
export function startingCells(random: RandomStream, size: number): Pursuit {
  const cells = new Int32Array(size * size);
  random.permutation(cells, 0, cells.length);
  return [cells[0]!, cells[1]!, cells[2]!];
}

/** World units are cells; each unit stands in the middle of its cell. */
function frameOf(state: Pursuit, caught: boolean, size: number): Frame {
  const unit = (cell: number, spider: boolean) => ({
    x: (cell % size) + 0.5,
    y: Math.floor(cell / size) + 0.5,
    radius: spider ? 0.35 : 0.2,
    team: spider ? 0 : 1,
    type: spider ? "spider" : "fly",
    alive: spider || !caught,
    health: spider || !caught ? 1 : 0,
    healthMax: 1,
    shield: 0,
    shieldMax: 0,
  });
  return { width: size, height: size, units: [unit(state[0], true), unit(state[1], true), unit(state[2], false)] };
}
