/**
 * The unit types and their statistics, for StarCraft II 4.10 (the version that SMAC's results are quoted for), as the public
 * unit pages of Liquipedia list them. Times there are in seconds of the speed "faster": 22.4 ticks of the game's clock each.
 *
 * @module
 */

/** Ticks of the game's clock in one second at the speed "faster", in which all published statistics are quoted. */
export const ticksPerSecond = 22.4;

/** Ticks in one second at the speed "normal", in which shield and energy regeneration and healing are quoted. */
export const ticksPerGameSecond = 16;

/** Every unit type by its name. */
export const unitNames = [
  "marine",
  "marauder",
  "medivac",
  "stalker",
  "zealot",
  "colossus",
  "zergling",
  "baneling",
  "hydralisk",
  "spine-crawler",
] as const;

export type UnitName = (typeof unitNames)[number];
export type Race = "terran" | "protoss" | "zerg";
/** What bonus damage looks at; a baneling is neither light nor armoured. */
export type ArmourClass = "light" | "armoured" | "none";

/** Who else is hurt by an attack: all of the victim's side around the attacker, or along a line through the victim. */
export type Splash =
  | { readonly shape: "circle" /** World units around the attacker's centre. */; readonly radius: number }
  /** Across the line of fire, world units. */
  | { readonly shape: "line"; readonly length: number; readonly width: number };

/** How a unit hurts others. */
export interface Weapon {
  /** Hit points of one blow, before armour. */
  readonly damage: number;
  /** Blows of one attack; armour counts against each. */
  readonly blows: number;
  /** More damage of each blow against one class of armour. */
  readonly bonus?: { readonly against: ArmourClass; readonly damage: number };
  /** World units between the edges of the two units. */
  readonly range: number;
  /** Seconds from one attack to the next. */
  readonly cooldown: number;
  /** Ticks from the start of an attack to its blow; a move order before that calls it off ("damage point"). */
  readonly windUp: number;
  readonly hitsAir: boolean;
  readonly splash?: Splash;
  /** The unit dies of its attack, and its death is an attack on whoever stands near. */
  readonly suicidal?: boolean;
}

/** How a unit mends others. */
export interface Healing {
  /** World units between the edges of the two units. */
  readonly range: number;
  /** Hit points per game second. */
  readonly rate: number;
  /** Hit points per point of energy. */
  readonly healthPerEnergy: number;
  /** Energy needed to begin. */
  readonly energyToStart: number;
}

export interface UnitType {
  readonly name: UnitName;
  readonly race: Race;
  readonly health: number;
  readonly shield: number;
  readonly armour: number;
  readonly armourClass: ArmourClass;
  readonly flying: boolean;
  /** Walks over cliffs, and over other ground units without pushing them. */
  readonly cliffWalking?: boolean;
  /** World units, for ranges. */
  readonly radius: number;
  /** World units, for collisions; the radius where it is left out. */
  readonly separation?: number;
  /** Health that comes back, in points per game second. */
  readonly regeneration?: number;
  /** World units per second. */
  readonly speed: number;
  readonly weapon?: Weapon;
  readonly healing?: Healing;
  /** How far it sees, in world units between centres. SMAC gives all agents 9 instead; SMACv2 uses this. */
  readonly sight: number;
  /** The value by which SMAC divides the weapon's cooldown in the state, in ticks; for a healer, its energy. */
  readonly cooldownScale: number;
}

/** Energy of a healer: at the start of a battle, at most, and gained per game second. */
export const energy = { start: 50, max: 200, rate: 0.5625 } as const;

/** Shields mend after so many game seconds without damage, at so many points per game second. */
export const shieldRegeneration = { delay: 10, rate: 2 } as const;

/** Points per game second that every unit of the zerg regains. */
const zergRegeneration = 0.2734;

/** The least that a blow takes off health, whatever the armour. */
export const leastDamage = 0.5;

export const unitTypes: Readonly<Record<UnitName, UnitType>> = {
  marine: {
    name: "marine",
    race: "terran",
    health: 45,
    shield: 0,
    armour: 0,
    armourClass: "light",
    flying: false,
    radius: 0.375,
    speed: 3.15,
    weapon: { damage: 6, blows: 1, range: 5, cooldown: 0.61, windUp: 1, hitsAir: true },
    sight: 9,
    cooldownScale: 15,
  },
  marauder: {
    name: "marauder",
    race: "terran",
    health: 125,
    shield: 0,
    armour: 1,
    armourClass: "armoured",
    flying: false,
    radius: 0.5625,
    speed: 3.15,
    weapon: {
      damage: 10,
      blows: 1,
      bonus: { against: "armoured", damage: 10 },
      range: 6,
      cooldown: 1.07,
      windUp: 0,
      hitsAir: false,
    },
    sight: 10,
    cooldownScale: 25,
  },
  medivac: {
    name: "medivac",
    race: "terran",
    health: 150,
    shield: 0,
    armour: 1,
    armourClass: "armoured",
    flying: true,
    radius: 0.75,
    speed: 3.5,
    healing: { range: 4, rate: 9, healthPerEnergy: 3, energyToStart: 5 },
    sight: 11,
    cooldownScale: 200,
  },
  stalker: {
    name: "stalker",
    race: "protoss",
    health: 80,
    shield: 80,
    armour: 1,
    armourClass: "armoured",
    flying: false,
    radius: 0.625,
    speed: 4.13,
    weapon: {
      damage: 13,
      blows: 1,
      bonus: { against: "armoured", damage: 5 },
      range: 6,
      cooldown: 1.34,
      windUp: 2,
      hitsAir: true,
    },
    sight: 10,
    cooldownScale: 35,
  },
  zealot: {
    name: "zealot",
    race: "protoss",
    health: 100,
    shield: 50,
    armour: 1,
    armourClass: "light",
    flying: false,
    radius: 0.5,
    separation: 0.375,
    speed: 3.15,
    weapon: { damage: 8, blows: 2, range: 0.1, cooldown: 0.86, windUp: 0, hitsAir: false },
    sight: 9,
    cooldownScale: 22,
  },
  colossus: {
    name: "colossus",
    race: "protoss",
    health: 200,
    shield: 150,
    armour: 1,
    armourClass: "armoured",
    flying: false,
    cliffWalking: true,
    radius: 1,
    separation: 0.75,
    speed: 3.15,
    weapon: {
      damage: 10,
      blows: 2,
      bonus: { against: "light", damage: 5 },
      range: 7,
      cooldown: 1.07,
      windUp: 1,
      hitsAir: false,
      splash: { shape: "line", length: 2.8, width: 0.3 },
    },
    sight: 10,
    cooldownScale: 24,
  },
  zergling: {
    name: "zergling",
    race: "zerg",
    health: 35,
    shield: 0,
    armour: 0,
    armourClass: "light",
    flying: false,
    radius: 0.375,
    regeneration: zergRegeneration,
    speed: 4.13,
    weapon: { damage: 5, blows: 1, range: 0.1, cooldown: 0.497, windUp: 0, hitsAir: false },
    sight: 8,
    cooldownScale: 11,
  },
  baneling: {
    name: "baneling",
    race: "zerg",
    health: 30,
    shield: 0,
    armour: 0,
    armourClass: "none",
    flying: false,
    radius: 0.375,
    regeneration: zergRegeneration,
    speed: 3.5,
    weapon: {
      damage: 16,
      blows: 1,
      bonus: { against: "light", damage: 19 },
      range: 0.25,
      cooldown: 0.59,
      windUp: 0,
      hitsAir: false,
      splash: { shape: "circle", radius: 2.2 },
      suicidal: true,
    },
    sight: 8,
    cooldownScale: 1,
  },
  hydralisk: {
    name: "hydralisk",
    race: "zerg",
    // 90 in the game's own data of this version; SMAC's copy of the unit has 80.
    health: 80,
    shield: 0,
    armour: 0,
    armourClass: "light",
    flying: false,
    radius: 0.625,
    regeneration: zergRegeneration,
    speed: 3.15,
    weapon: { damage: 12, blows: 1, range: 5, cooldown: 0.59, windUp: 3, hitsAir: true },
    sight: 9,
    cooldownScale: 10,
  },
  "spine-crawler": {
    name: "spine-crawler",
    race: "zerg",
    health: 300,
    shield: 0,
    armour: 2,
    armourClass: "armoured",
    flying: false,
    radius: 0.875,
    regeneration: zergRegeneration,
    speed: 0,
    weapon: {
      damage: 25,
      blows: 1,
      bonus: { against: "armoured", damage: 5 },
      range: 7,
      cooldown: 1.32,
      windUp: 5,
      hitsAir: false,
    },
    sight: 11,
    cooldownScale: 15,
  },
};
