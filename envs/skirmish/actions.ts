/**
 * SMAC's action set: 0 no-op (the dead), 1 stop, 2 north, 3 south, 4 east, 5 west, 6+k attack enemy k (healers: heal agent k).
 *
 * @module
 */
import { halt } from "./combat.js";
import { type Layout, untargetedActions } from "./layout.js";
import { isMarked } from "./terrain.js";
import { Layer, Order, type World } from "./world.js";

/** Direction of actions 2 … 5. */
export const directionX = [0, 0, 1, -1] as const;
export const directionY = [1, -1, 0, 0] as const;
export const firstMove = 2;

/** Names for people. Targets are entities: an enemy for fighters; a healer's action 6+k is about agent k. */
export function actionNames(targetCount: number): string[] {
  const targets = Array.from({ length: targetCount }, (_, k) => `target ${k}`);
  return ["no-op", "stop", "north", "south", "east", "west", ...targets];
}

/**
 * Whether agent i may move in direction d: whether the point half a move ahead can be walked on. Flyers are held to the ground's
 * bounds, as in SMAC; colossi may step on cliffs.
 */
export function canMove(world: World, i: number, direction: number, moveAmount: number): boolean {
  const ahead = moveAmount / 2;
  const { terrain } = world;
  const grid = world.layer[i] === Layer.cliff ? terrain.climbable : terrain.pathable;
  return isMarked(terrain, grid, world.x[i] + directionX[direction] * ahead, world.y[i] + directionY[direction] * ahead);
}

/** The entity that action 6+k of agent i is about; −1 for none. Healers mend agents other than healers, all others act on enemies. */
export function targetOf(world: World, i: number, k: number): number {
  if (!world.types[i].healing) return k < world.count - world.agents ? world.agents + k : -1;
  return k < world.agents && !world.types[k].healing ? k : -1;
}

/** Whether the unit may be told to act on t: alive and near enough. As in SMAC, not whether its weapon could hurt it. */
export function canTarget(world: World, layout: Layout, i: number, t: number): boolean {
  const range = layout.shoot[i];
  return t >= 0 && world.alive[t] === 1 && world.distanceSquared(i, t) <= range * range;
}

/** Whether agent i may take this action now. */
export function isLegal(world: World, layout: Layout, i: number, action: number, moveAmount: number): boolean {
  if (world.alive[i] === 0 || action === 0) return world.alive[i] === 0 && action === 0;
  if (action < firstMove) return action === 1;
  if (action < untargetedActions) return canMove(world, i, action - firstMove, moveAmount);
  return canTarget(world, layout, i, targetOf(world, i, action - untargetedActions));
}

/** Writes `mask` [n, A] and `targets` [n, K]. */
export function writeActions(world: World, layout: Layout, moveAmount: number, mask: Uint8Array, targets: Int32Array): void {
  const { targets: K, actions: A } = layout;
  for (let i = 0; i < world.agents; i++) {
    const row = i * A;
    const living = world.alive[i];
    mask[row] = 1 - living;
    mask[row + 1] = living;
    for (let d = 0; d < 4; d++) mask[row + firstMove + d] = living === 1 && canMove(world, i, d, moveAmount) ? 1 : 0;
    for (let k = 0; k < K; k++) {
      const target = targetOf(world, i, k);
      targets[i * K + k] = target;
      mask[row + untargetedActions + k] = living === 1 && canTarget(world, layout, i, target) ? 1 : 0;
    }
  }
}

/**
 * Gives agent i the order that its action stands for. An order that the unit cannot carry out (a target that its weapon does
 * not reach, such as a flyer) is refused, and the order before it stands, as in StarCraft II.
 */
export function giveOrder(world: World, i: number, action: number, moveAmount: number): void {
  if (action === 0) return;
  if (action === 1) {
    halt(world, i);
  } else if (action < untargetedActions) {
    halt(world, i);
    world.order[i] = Order.move;
    world.orderX[i] = world.x[i] + directionX[action - firstMove] * moveAmount;
    world.orderY[i] = world.y[i] + directionY[action - firstMove] * moveAmount;
  } else giveTarget(world, i, targetOf(world, i, action - untargetedActions));
}

function giveTarget(world: World, i: number, target: number): void {
  const order = world.types[i].healing ? Order.heal : Order.attack;
  if (order === Order.attack && !world.canAttack(i, target)) return;
  // The same order again changes nothing; in particular it does not call off an attack that has begun.
  if (world.order[i] === order && world.target[i] === target) return;
  halt(world, i);
  world.order[i] = order;
  world.target[i] = target;
}
