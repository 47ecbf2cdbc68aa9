import { RandomStream } from "../../src/tensor/random.js";
import { attack, heal, recover } from "./combat.js";
import { commandEnemies, type Tactics } from "./enemy.js";
import { drawBattle } from "./generated.js";
import type { SkirmishMap } from "./maps.js";
import { separate, startDetours, walk } from "./movement.js";
import { type Formation, formationOf, settle, spawn } from "./spawn.js";
import { Activity, Order, type World } from "./world.js";

/** The game's clock: one battle in a {@link World}, tick by tick, with a stream of chance of its own. */
export class Simulation {
  readonly #formation: Formation;
  #rng = RandomStream.from(0, "skirmish");
  #ticks = 0;

  constructor(
    readonly world: World,
    readonly map: SkirmishMap,
    readonly tactics: Tactics,
    readonly jitter: number,
  ) {
    this.#formation = formationOf(world, map);
  }

  reset(seed: number): void {
    this.#ticks = 0;
    this.world.events.clear();
    this.#rng = RandomStream.from(seed, "skirmish");
    if (this.map.draw) {
      drawBattle(this.world, this.map.draw, this.#formation, this.#rng);
      settle(this.world, this.#formation);
    }
    spawn(this.world, this.#formation, this.jitter, this.tactics.period, this.#rng);
  }

  /** One tick, 1/22.4 of a second: the enemy decides, all act in turn, those in each other's way are pushed apart. */
  tick(): void {
    const { world } = this;
    world.previousX.set(world.x);
    world.previousY.set(world.y);
    world.events.tick();
    recover(world);
    commandEnemies(world, this.tactics, this.#ticks++);
    for (let k = 0; k < world.count; k++) {
      const u = world.turns[k];
      if (world.alive[u] === 1) this.#act(u);
    }
    separate(world);
    startDetours(world);
  }

  #act(u: number): void {
    const { world } = this;
    switch (world.order[u]) {
      case Order.move:
        if (walk(world, u)) world.order[u] = Order.none;
        break;
      case Order.attack:
        attack(world, u, this.jitter, this.#rng);
        break;
      case Order.heal:
        heal(world, u);
        break;
      default:
        world.activity[u] = Activity.idle;
    }
  }
}
