import type { SkirmishMap } from "./maps.js";
import type { SkirmishOptions } from "./options.js";
import { type UnitName, unitTypes } from "./units.js";
import { typesOf, type World } from "./world.js";

/** Actions without a target: no-op, stop, north, south, east, west. */
export const untargetedActions = 6;
/** SMAC's ranges for all agents: what they see, and what they may be told to act on; world units between centres. */
const sightRange = 9;
const shootRange = 6;

/** Sizes of everything that is written for one map and its options. */
export interface Layout {
  /** n */
  readonly agents: number;
  /** m */
  readonly enemies: number;
  /** K, actions on targets: m, or n where that is more and there is a healer, who acts on the agents. */
  readonly targets: number;
  /** A = 6 + K */
  readonly actions: number;
  /** O and G, exactly SMAC's. */
  readonly observationSize: number;
  readonly stateSize: number;
  /** 1 when a side has shields. */
  readonly allyShieldBits: number;
  readonly enemyShieldBits: number;
  /** Number of type bits. */
  readonly typeBits: number;
  /** Whether observations hold the agent's own place. */
  readonly ownPosition: boolean;
  /** [N] how far each unit sees, and how far it may be told to act; world units between centres. */
  readonly sight: Float64Array;
  readonly shoot: Float64Array;
  /** [N] type bit of each unit in observation and state, −1 for none. */
  readonly typeBit: Int32Array;
  /** Names of all types on the map, sorted: the entity features' one-hot. */
  readonly typeNames: readonly UnitName[];
  /** [N] index of each unit's type in `typeNames`. */
  readonly typeIndex: Int32Array;
  /** S and R. */
  readonly entityFeatures: number;
  readonly relationFeatures: number;
}

/** Works out the sizes, as SMAC's `get_obs_size` and `get_state_size` and ACE's entity features define them. */
export function layoutOf(map: SkirmishMap, world: World, options: SkirmishOptions): Layout {
  const n = world.agents;
  const m = world.count - n;
  const types = map.draw ? map.draw.types.map(([type]) => type) : world.types.map((type) => type.name);
  const healers = (map.draw ? types : types.slice(0, n)).some((type) => unitTypes[type].healing);
  const targets = healers ? Math.max(n, m) : m;
  const actions = untargetedActions + targets;
  const hasShields = (side: SkirmishMap["allies"]) => (typesOf(side)[0]!.race === "protoss" ? 1 : 0);
  const allyShieldBits = hasShields(map.allies);
  const enemyShieldBits = hasShields(map.enemies);
  const typeBits = map.allyTypeBits.length;
  const allHealth = options.obs_all_health ? 1 : 0;
  const ownHealth = options.obs_all_health || options.obs_own_health ? 1 : 0;

  const move = 4 + (options.obs_pathing_grid ? 8 : 0) + (options.obs_terrain_height ? 9 : 0);
  const enemy = 4 + typeBits + allHealth * (1 + enemyShieldBits);
  const ally = 4 + typeBits + allHealth * (1 + allyShieldBits) + (options.obs_last_action ? actions : 0);
  const ownPosition = options.obs_own_pos === "auto" ? map.draw !== undefined : options.obs_own_pos;
  const own = typeBits + ownHealth * (1 + allyShieldBits) + (ownPosition ? 2 : 0) + (options.obs_timestep_number ? 1 : 0);
  const observationSize = move + m * enemy + (n - 1) * ally + own;

  const units = n * (4 + allyShieldBits + typeBits) + m * (3 + enemyShieldBits + typeBits);
  const ownState = units + (options.state_last_action ? n * actions : 0) + (options.state_timestep_number ? 1 : 0);

  const typeNames = [...new Set(types)].sort();
  const layout: Layout = {
    agents: n,
    enemies: m,
    targets,
    actions,
    observationSize,
    stateSize: options.obs_instead_of_state ? n * observationSize : ownState,
    allyShieldBits,
    enemyShieldBits,
    typeBits,
    ownPosition,
    sight: new Float64Array(world.count),
    shoot: new Float64Array(world.count),
    typeBit: new Int32Array(world.count),
    typeNames,
    typeIndex: new Int32Array(world.count),
    entityFeatures: 32 + typeNames.length,
    relationFeatures: 6,
  };
  describeUnits(layout, map, world, options);
  return layout;
}

/** Fills in what the layout says of each unit; again after a draw has changed the units' types. */
export function describeUnits(layout: Layout, map: SkirmishMap, world: World, options: SkirmishOptions): void {
  const unitRanges = options.use_unit_ranges === "auto" ? map.draw !== undefined : options.use_unit_ranges;
  for (let u = 0; u < world.count; u++) {
    const type = world.types[u];
    const bits = u < layout.agents ? map.allyTypeBits : map.enemyTypeBits;
    layout.typeBit[u] = bits.indexOf(type.name);
    layout.typeIndex[u] = layout.typeNames.indexOf(type.name);
    layout.sight[u] = unitRanges ? type.sight : sightRange;
    layout.shoot[u] = unitRanges ? Math.max(world.range[u], options.min_attack_range) : shootRange;
  }
}
