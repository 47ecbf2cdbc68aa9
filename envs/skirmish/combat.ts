import type { RandomStream } from "../../src/tensor/random.js";
import { walk } from "./movement.js";
import { energy, leastDamage, type Splash, shieldRegeneration, ticksPerGameSecond, type Weapon } from "./units.js";
import { Activity, Order, type World } from "./world.js";

/** One tick of an attack order: walk into range, wait for the weapon, begin, strike. The order ends with its target. */
export function attack(world: World, u: number, jitter: number, rng: RandomStream): void {
  const target = world.target[u];
  if (world.alive[target] === 0) {
    halt(world, u);
    return;
  }
  if (world.windUp[u] > 0) {
    world.activity[u] = Activity.fighting;
    if (--world.windUp[u] === 0) strike(world, u, target, jitter, rng);
  } else if (world.isWithin(u, target, world.range[u])) {
    world.activity[u] = Activity.fighting;
    if (world.cooldown[u] > 0) return;
    const { windUp } = world.types[u].weapon!;
    if (windUp > 0) world.windUp[u] = windUp;
    else strike(world, u, target, jitter, rng);
  } else pursue(world, u, target);
}

/** Walks one tick towards another unit. */
function pursue(world: World, u: number, target: number): void {
  world.orderX[u] = world.x[target];
  world.orderY[u] = world.y[target];
  walk(world, u);
}

/** One tick of a heal order: walk into range, mend what is missing while there is energy. */
export function heal(world: World, u: number): void {
  const target = world.target[u];
  if (world.alive[target] === 0) {
    halt(world, u);
    return;
  }
  const { rate, healthPerEnergy, energyToStart, range } = world.types[u].healing!;
  if (!world.isWithin(u, target, range)) {
    pursue(world, u, target);
    return;
  }
  const began = world.activity[u] === Activity.fighting;
  const missing = world.healthMax[target] - world.health[target];
  const mended = Math.min(missing, rate / ticksPerGameSecond, world.energy[u] * healthPerEnergy);
  if (mended <= 0 || (!began && world.energy[u] < energyToStart)) {
    world.activity[u] = Activity.idle;
    return;
  }
  world.activity[u] = Activity.fighting;
  world.health[target] += mended;
  world.events.heal(u, target, mended);
  world.energy[u] -= mended / healthPerEnergy;
}

/** Ends a unit's order. */
export function halt(world: World, u: number): void {
  world.order[u] = Order.none;
  world.activity[u] = Activity.idle;
  world.windUp[u] = 0;
}

function strike(world: World, u: number, target: number, jitter: number, rng: RandomStream): void {
  const weapon = world.types[u].weapon!;
  // The fraction of a tick by which the cooldown ended early is kept, so that attacks come at the published rate.
  world.cooldown[u] += world.period[u];
  if (jitter > 0) world.cooldown[u] += (3 * rng.uniform() - 1) * jitter;
  if (weapon.suicidal) die(world, u);
  else if (weapon.splash) hitAll(world, u, target, weapon, weapon.splash);
  else hit(world, u, target, weapon);
}

/** All blows of one attack on one unit. */
function hit(world: World, u: number, target: number, weapon: Weapon): void {
  const { armour, armourClass } = world.types[target];
  const damage = weapon.damage + (weapon.bonus?.against === armourClass ? weapon.bonus.damage : 0);
  const before = world.health[target] + world.shield[target];
  for (let blow = 0; blow < weapon.blows; blow++) hurt(world, target, damage, armour);
  world.events.shot(u, target, before - Math.max(0, world.health[target]) - world.shield[target]);
  world.unhurt[target] = 0;
  world.attacker[target] = u;
  if (world.health[target] <= 0) die(world, target);
}

/** An attack with splash: everyone of the other side in its area, at full damage. Friends are spared. */
function hitAll(world: World, u: number, target: number, weapon: Weapon, splash: Splash): void {
  const first = world.isAlly(u) ? world.agents : 0;
  const end = world.isAlly(u) ? world.count : world.agents;
  // The line of fire: a line splash lies across it, through the target.
  const dx = world.x[target] - world.x[u];
  const dy = world.y[target] - world.y[u];
  const distance = Math.sqrt(dx * dx + dy * dy);
  const alongX = distance > 0 ? dx / distance : 1;
  const alongY = distance > 0 ? dy / distance : 0;
  if (splash.shape === "circle") world.events.splash(u, world.x[u], world.y[u], splash.radius);
  const targetX = world.x[target];
  const targetY = world.y[target];
  for (let v = first; v < end; v++) {
    if (world.alive[v] === 0 || !world.canAttack(u, v)) continue;
    if (splash.shape === "circle") {
      if (world.distanceSquared(u, v) <= splash.radius * splash.radius) hit(world, u, v, weapon);
      continue;
    }
    const fromX = world.x[v] - targetX;
    const fromY = world.y[v] - targetY;
    const along = Math.max(0, Math.abs(fromX * alongX + fromY * alongY) - splash.width / 2);
    const across = Math.max(0, Math.abs(fromY * alongX - fromX * alongY) - splash.length / 2);
    if (along * along + across * across < world.radius[v] * world.radius[v] || v === target) hit(world, u, v, weapon);
  }
}

/** Shields take a blow whole; armour takes its part off what is left for health. */
function hurt(world: World, target: number, damage: number, armour: number): void {
  const shielded = Math.min(world.shield[target], damage);
  world.shield[target] -= shielded;
  const rest = damage - shielded;
  if (rest > 0) world.health[target] -= Math.max(leastDamage, rest - armour);
}

function die(world: World, u: number): void {
  world.alive[u] = 0;
  world.events.death(u);
  world.health[u] = 0;
  world.shield[u] = 0;
  world.energy[u] = 0;
  world.cooldown[u] = 0;
  halt(world, u);
  // A baneling bursts when it dies, whoever killed it.
  const weapon = world.types[u].weapon;
  if (weapon?.suicidal && weapon.splash) hitAll(world, u, u, weapon, weapon.splash);
}

/** One tick of what goes on by itself: weapons become ready, shields and energy come back. */
export function recover(world: World): void {
  const { count, alive, cooldown, health, healthMax, regeneration, shield, shieldMax, unhurt, types } = world;
  const delay = shieldRegeneration.delay * ticksPerGameSecond;
  const rate = shieldRegeneration.rate / ticksPerGameSecond;
  for (let u = 0; u < count; u++) {
    if (alive[u] === 0) continue;
    if (cooldown[u] > 0) cooldown[u] -= 1;
    unhurt[u]++;
    if (shield[u] < shieldMax[u] && unhurt[u] > delay) shield[u] = Math.min(shieldMax[u], shield[u] + rate);
    if (regeneration[u] > 0) health[u] = Math.min(healthMax[u], health[u] + regeneration[u]);
    if (types[u].healing) world.energy[u] = Math.min(energy.max, world.energy[u] + energy.rate / ticksPerGameSecond);
  }
}
