/**
 * Skirmish: the embedded simulator of StarCraft II micromanagement with SMAC's actions, masks, observations, state and reward.
 * README.md gives the rules and says where they depart from the game.
 *
 * @module
 */
import type { Environment, EnvironmentFamily, EnvironmentSpecInput, Frame, TimeStep } from "../../src/environment.js";
import { BatonError } from "../../src/errors.js";
import { unknownName } from "../../src/names.js";
import { actionNames, giveOrder, isLegal, writeActions } from "./actions.js";
import { tacticsOf } from "./enemy.js";
import { dynamicColumns, writeEntities, writeRelations } from "./entities.js";
import { type EpisodeView, writeObservations, writeState } from "./features.js";
import { generatedMaps } from "./generated.js";
import { describeUnits, type Layout, layoutOf, untargetedActions } from "./layout.js";
import { maps, type SkirmishMap } from "./maps.js";
import { type SkirmishOptions, skirmishOptions } from "./options.js";
import { type Outcome, outcomeOf, Reward } from "./reward.js";
import { scriptedPolicies } from "./scripted.js";
import { Simulation } from "./simulation.js";
import { Surroundings } from "./surroundings.js";
import { energy } from "./units.js";
import { World } from "./world.js";

export type { SkirmishOptions };

class SkirmishEnvironment implements Environment {
  readonly spec: EnvironmentSpecInput;
  readonly skips = ["entities", "relations", "observations", "state"] as const;
  readonly #world: World;
  readonly #simulation: Simulation;
  readonly #layout: Layout;
  readonly #reward: Reward;
  readonly #view: EpisodeView;
  /** Points beyond the edge of the map: SMAC's observations count them as 1, ACE's entity features as 0. */
  readonly #surroundings: { readonly observed: Surroundings; readonly full: Surroundings };
  #steps = 0;

  constructor(
    readonly map: SkirmishMap,
    readonly options: SkirmishOptions,
  ) {
    this.#world = new World(map);
    const tactics = tacticsOf(options.difficulty, options.targeting);
    this.#simulation = new Simulation(this.#world, map, tactics, Number(options.jitter));
    this.#layout = layoutOf(map, this.#world, options);
    this.#reward = new Reward(this.#world, options, map.draw !== undefined);
    this.#view = { lastActions: new Int32Array(this.#layout.agents), progress: 0 };
    this.#surroundings = {
      observed: new Surroundings(this.#world.terrain, options.move_amount, 1),
      full: new Surroundings(this.#world.terrain, options.move_amount, 0),
    };
    const { agents, enemies, targets, actions, entityFeatures, relationFeatures, observationSize, stateSize } = this.#layout;
    this.spec = {
      id: `skirmish/${map.name}`,
      agents,
      entities: agents + enemies,
      actions,
      untargetedActions,
      entityFeatures,
      relationFeatures,
      observationSize,
      stateSize,
      episodeLimit: map.limit,
      actionNames: actionNames(targets),
      predictedFeatures: dynamicColumns(this.#layout),
      entityTypes: { first: 1, names: this.#layout.typeNames },
    };
  }

  reset(seed: number, out: TimeStep): void {
    this.#steps = 0;
    this.#simulation.reset(seed);
    if (this.map.draw) {
      describeUnits(this.#layout, this.map, this.#world, this.options);
      this.#reward.measure();
    }
    this.#view.lastActions.fill(-1);
    this.#write("undecided", 0, out);
  }

  step(actions: Int32Array, out: TimeStep): void {
    const { move_amount, step_mul } = this.options;
    const world = this.#world;
    for (let i = 0; i < world.agents; i++) {
      if (!isLegal(world, this.#layout, i, actions[i], move_amount)) throw this.#illegal(i, actions[i]);
      this.#view.lastActions[i] = actions[i];
    }
    for (let i = 0; i < world.agents; i++) giveOrder(world, i, actions[i], move_amount);
    this.#reward.begin();
    world.events.clear();
    for (let k = 0; k < step_mul; k++) this.#simulation.tick();
    this.#steps++;
    const outcome = outcomeOf(world, this.map);
    this.#write(outcome, this.#reward.of(outcome), out);
  }

  frame(): Frame {
    const world = this.#world;
    const units = world.types.map((type, u) => ({
      x: world.x[u],
      y: world.y[u],
      radius: type.radius,
      team: world.isAlly(u) ? 0 : 1,
      type: type.name,
      alive: world.alive[u] === 1,
      health: world.health[u],
      healthMax: type.health,
      shield: world.shield[u],
      shieldMax: type.shield,
      ...(type.healing && { energy: world.energy[u], energyMax: energy.max }),
      ...(world.isAlly(u) && { sight: this.#layout.sight[u] }),
      ...(type.flying && { flying: true }),
    }));
    const { width, height } = world.terrain;
    return { width, height, units, ground: this.map.terrain, events: world.events.list(this.options.step_mul) };
  }

  #write(outcome: Outcome, reward: number, out: TimeStep): void {
    const { options } = this;
    const world = this.#world;
    const layout = this.#layout;
    const view = this.#view;
    const { observed, full } = this.#surroundings;
    view.progress = this.#steps / this.map.limit;
    out.alive.set(world.alive);
    writeActions(world, layout, options.move_amount, out.actionMask, out.actionTargets);
    if (out.entities.length > 0) writeEntities(world, layout, view.lastActions, full, out.entities);
    if (out.relations.length > 0) writeRelations(world, layout, out.relations);
    if (out.observations.length > 0) writeObservations(world, layout, options, view, observed, out.actionMask, out.observations);
    if (out.state.length > 0) {
      if (options.obs_instead_of_state) writeObservations(world, layout, options, view, observed, out.actionMask, out.state);
      else writeState(world, layout, options, view, out.state);
    }
    out.reward = reward;
    out.terminated = outcome !== "undecided";
    out.truncated = !out.terminated && this.#steps >= this.map.limit;
    this.#inform(outcome, out);
  }

  #inform(outcome: Outcome, { info, truncated }: TimeStep): void {
    const world = this.#world;
    let deadAllies = 0;
    let deadEnemies = 0;
    for (let u = 0; u < world.count; u++) {
      if (world.alive[u] === 1) continue;
      if (world.isAlly(u)) deadAllies++;
      else deadEnemies++;
    }
    info.won = outcome === "won";
    info.dead_allies = deadAllies;
    info.dead_enemies = deadEnemies;
    info.timeout = truncated;
  }

  #illegal(i: number, action: number): BatonError {
    const name = this.spec.actionNames?.[action] ?? "unknown";
    const state = this.#world.alive[i] === 1 ? "living" : "dead";
    return new BatonError("invalid-value", `action ${action} (${name}) of ${state} agent ${i} is not legal in ${this.spec.id}`, {
      hint: "choose among the actions whose entry in actionMask is 1",
    });
  }
}

/** One copy of a scenario. */
export function makeSkirmish(map: SkirmishMap, options: SkirmishOptions): Environment {
  return new SkirmishEnvironment(map, options);
}

/** Every scenario by name: SMAC's maps, then SMACv2's. */
export const skirmishMaps: ReadonlyMap<string, SkirmishMap> = new Map([...maps, ...generatedMaps]);

/** SMAC's micromanagement scenarios in an embedded simulator. */
export const skirmish: EnvironmentFamily<SkirmishOptions> = {
  name: "skirmish",
  summary: "StarCraft II micromanagement as in SMAC and SMACv2, in an embedded simulator: nothing to install.",
  members: [...skirmishMaps.keys()],
  options: skirmishOptions,
  policies: scriptedPolicies,
  make(member, options) {
    const map = skirmishMaps.get(member);
    if (!map) throw unknownName("skirmish map", member, [...skirmishMaps.keys()]);
    return makeSkirmish(map, options);
  },
};
