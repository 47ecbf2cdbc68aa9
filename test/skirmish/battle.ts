import { halt } from "../../envs/skirmish/combat.js";
import { type Difficulty, type Targeting, tacticsOf } from "../../envs/skirmish/enemy.js";
import type { SkirmishMap, Squad } from "../../envs/skirmish/maps.js";
import { Simulation } from "../../envs/skirmish/simulation.js";
import { field } from "../../envs/skirmish/terrains.js";
import { Order, World } from "../../envs/skirmish/world.js";

/** A level battlefield without chance on which the enemy holds its ground, its clock, and short ways to give orders. */
export function battle(
  allies: readonly Squad[],
  enemies: readonly Squad[],
  change: Partial<SkirmishMap> = {},
  difficulty: Difficulty = "7",
  targeting?: Targeting,
) {
  const map: SkirmishMap = {
    name: "test",
    allies: [{ x: 8, y: 16, units: allies, facing: "east" }],
    enemies: [{ x: 24, y: 16, units: enemies, facing: "west" }],
    limit: 100,
    attack: "nowhere",
    terrain: field,
    allyTypeBits: [],
    enemyTypeBits: [],
    healersAloneLose: false,
    ...change,
  };
  const world = new World(map);
  const simulation = new Simulation(world, map, tacticsOf(difficulty, targeting), 0);
  simulation.reset(0);
  return {
    world,
    place(u: number, x: number, y: number) {
      world.x[u] = x;
      world.y[u] = y;
    },
    /** What unit u has been told: the name of its order, and the target of an attack or of healing. */
    orderOf(u: number): string {
      const name = Object.entries(Order).find(([, order]) => order === world.order[u])![0];
      return name === "attack" || name === "heal" ? `${name} ${world.target[u]}` : name;
    },
    attack(u: number, target: number) {
      halt(world, u);
      world.order[u] = Order.attack;
      world.target[u] = target;
    },
    move(u: number, x: number, y: number) {
      halt(world, u);
      world.order[u] = Order.move;
      world.orderX[u] = x;
      world.orderY[u] = y;
    },
    ticks(count: number) {
      for (let k = 0; k < count; k++) simulation.tick();
    },
    /** Health and shield. */
    points: (u: number) => world.health[u]! + world.shield[u]!,
  };
}
