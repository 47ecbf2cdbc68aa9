import type { SkirmishMap } from "./maps.js";
import type { SkirmishOptions } from "./options.js";
import type { World } from "./world.js";

/** How a battle stands. */
export type Outcome = "undecided" | "won" | "lost" | "draw";

/** Judges a battle by who is left; on maps of SMAC's type MMM a side's healers alone do not count. */
export function outcomeOf(world: World, map: SkirmishMap): Outcome {
  let allies = 0;
  let enemies = 0;
  for (let u = 0; u < world.count; u++) {
    if (world.alive[u] === 0 || (map.healersAloneLose && world.types[u].healing)) continue;
    if (world.isAlly(u)) allies++;
    else enemies++;
  }
  if (allies > 0) return enemies > 0 ? "undecided" : "won";
  // Where healers alone lose, SMAC looks at the team first.
  return enemies > 0 || map.healersAloneLose ? "lost" : "draw";
}

/**
 * SMAC's reward: hit points (health and shield) that the enemy lost in the step and a bonus for each kill, optionally less a
 * share of the same for the team, a bonus for the win, all scaled.
 */
export class Reward {
  /** What SMAC divides by to make a win about `reward_scale_rate`: 10·m + 200 + Σ enemy health and shield, by default. */
  maxReward = 0;
  readonly #before: Float64Array;
  #scale = 1;

  constructor(
    readonly world: World,
    readonly options: SkirmishOptions,
    /** SMACv2's scenarios: shields that come back to the enemy are worth nothing there. */
    readonly drawn = false,
  ) {
    this.#before = new Float64Array(world.count);
    this.measure();
  }

  /** Works out the scale; again after a draw has changed the enemies' types. */
  measure(): void {
    const { world, options } = this;
    let max = options.reward_win;
    for (let u = world.agents; u < world.count; u++) max += options.reward_death_value + world.healthMax[u] + world.shieldMax[u];
    this.maxReward = max;
    this.#scale = options.reward_scale ? options.reward_scale_rate / max : 1;
  }

  /** Remembers the world before a step. */
  begin(): void {
    const { world } = this;
    for (let u = 0; u < world.count; u++) this.#before[u] = world.health[u] + world.shield[u];
  }

  /** The reward of the step that led from there to here. */
  of(outcome: Outcome): number {
    const { reward_sparse, reward_win, reward_defeat } = this.options;
    if (reward_sparse) return (outcome === "won" ? 1 : outcome === "lost" ? -1 : 0) * this.#scale;
    const end = outcome === "won" ? reward_win : outcome === "lost" ? reward_defeat : 0;
    return (this.#battle() + end) * this.#scale;
  }

  #battle(): number {
    const { world, options } = this;
    const enemyLosses = this.#losses(world.agents, world.count);
    // SMAC takes the absolute value, so that shields that come back are rewarded too; kept, since results are compared with it.
    if (options.reward_only_positive) return this.drawn ? Math.max(0, enemyLosses) : Math.abs(enemyLosses);
    return enemyLosses - options.reward_negative_scale * this.#losses(0, world.agents);
  }

  #losses(first: number, end: number): number {
    const { world, options } = this;
    let losses = 0;
    for (let u = first; u < end; u++) {
      losses += this.#before[u] - world.health[u] - world.shield[u];
      if (this.#before[u] > 0 && world.alive[u] === 0) losses += options.reward_death_value;
    }
    return losses;
  }
}
