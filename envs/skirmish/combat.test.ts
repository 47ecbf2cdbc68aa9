import { describe, expect, it } from "vitest";
import { battle } from "../../test/skirmish/battle.js";
import { halt } from "./combat.js";
import type { Squad } from "./maps.js";
import { ravine } from "./terrains.js";
import { Order } from "./world.js";

/** Hit points that one attack of `type` takes from `victim`. */
function damageOf(type: Squad[0], victim: Squad[0], shield = 0): number {
  const { world, place, attack, ticks, points } = battle([[type, 1]], [[victim, 1]]);
  place(0, 16, 16);
  place(1, 16.5, 16);
  world.shield[1] = shield;
  world.unhurt[1] = -1000;
  const before = points(1);
  attack(0, 1);
  for (let tick = 0; tick < 12 && points(1) >= before; tick++) ticks(1);
  return before - points(1);
}

describe("damage, as published", () => {
  it.each([
    ["marine", "zergling", 0, 6],
    ["marine", "marauder", 0, 6 - 1],
    ["marauder", "marine", 0, 10],
    ["marauder", "stalker", 80, 20],
    ["marauder", "stalker", 5, 5 + (15 - 1)],
    ["stalker", "zealot", 0, 13 - 1],
    ["stalker", "marauder", 0, 13 + 5 - 1],
    ["zealot", "marauder", 0, 2 * (8 - 1)],
    ["zealot", "stalker", 80, 16],
    ["colossus", "zealot", 0, 2 * (10 + 5 - 1)],
    ["colossus", "stalker", 0, 2 * (10 - 1)],
    ["zergling", "zealot", 0, 5 - 1],
    ["hydralisk", "marine", 0, 12],
    ["baneling", "marine", 0, 16 + 19],
    ["baneling", "marauder", 0, 16 - 1],
    ["spine-crawler", "stalker", 80, 25 + 5],
    ["marine", "spine-crawler", 0, 6 - 2],
  ] as const)("%s on %s with %i points of shield: %f", (type, victim, shield, damage) => {
    // What comes back of the health of the zerg in the same tick is not counted.
    expect(damageOf(type, victim, shield)).toBeCloseTo(damage, 1);
  });

  it.each([
    ["marine", 0.61],
    ["marauder", 1.07],
    ["stalker", 1.34],
    ["zealot", 0.86],
    ["colossus", 1.07],
    ["zergling", 0.497],
    ["hydralisk", 0.59],
  ] as const)("a %s attacks every %f seconds", (type, cooldown) => {
    const { world, place, attack, ticks } = battle([[type, 1]], [["spine-crawler", 1]]);
    place(0, 16, 16);
    place(1, 17, 16);
    world.period[1] = 1e9;
    attack(0, 1);
    let attacks = 0;
    for (let tick = 0; tick < 2240; tick++) {
      world.health[1] = 300;
      world.health[0] = world.healthMax[0]!;
      ticks(1);
      if (world.unhurt[1] === 0) attacks++;
    }
    // 100 seconds.
    expect(attacks).toBeGreaterThanOrEqual(Math.floor(100 / cooldown) - 1);
    expect(attacks).toBeLessThanOrEqual(Math.ceil(100 / cooldown) + 1);
  });
});

describe("what comes back", () => {
  it("shields: 2 points a game second, after 10 without harm", () => {
    const { world, ticks } = battle([["stalker", 1]], [["spine-crawler", 1]]);
    world.shield[0] = 10;
    world.unhurt[0] = 0;
    ticks(160);
    expect(world.shield[0]).toBe(10);
    ticks(16);
    expect(world.shield[0]).toBeCloseTo(12, 6);
    ticks(1000);
    expect(world.shield[0]).toBe(80);
  });

  it("health: of the zerg alone", () => {
    const { world, ticks } = battle(
      [
        ["zergling", 1],
        ["marine", 1],
      ],
      [["spine-crawler", 1]],
    );
    world.health[0] = 10;
    world.health[1] = 10;
    ticks(160);
    expect(world.health[0]).toBeCloseTo(12.734, 3);
    expect(world.health[1]).toBe(10);
  });

  it("a medivac's healing: 9 points a game second at 3 points of energy each, from 5 energy on, and not of itself", () => {
    const { world, place, ticks } = battle(
      [
        ["marauder", 1],
        ["medivac", 1],
      ],
      [["spine-crawler", 1]],
    );
    place(0, 8, 8);
    place(1, 8, 8);
    world.health[0] = 20;
    world.order[1] = Order.heal;
    world.target[1] = 0;
    ticks(16);
    expect(world.health[0]).toBeCloseTo(29, 6);
    expect(world.energy[1]).toBeCloseTo(50 - 9 / 3 + 0.5625, 3);
    world.energy[1] = 0;
    world.health[0] = 20;
    ticks(1);
    expect(world.health[0]).toBeLessThan(20.2);
    halt(world, 1);
    world.order[1] = Order.heal;
    world.energy[1] = 4;
    const before = world.health[0]!;
    ticks(1);
    expect(world.health[0]).toBe(before);
  });
});

describe("splash", () => {
  it("a colossus hits a line across its fire: 1.4 world units to either side, not behind, and no friends", () => {
    const { world, place, attack, ticks } = battle(
      [
        ["colossus", 1],
        ["marine", 1],
      ],
      [["marauder", 5]],
    );
    place(0, 8, 16);
    place(1, 13, 16.7);
    const victims = [
      [13, 16],
      [13, 17.3],
      [13, 14.7],
      [13, 18.6],
      [14.5, 16],
    ];
    for (const [k, [x, y]] of victims.entries()) place(2 + k, x!, y!);
    world.cooldown.fill(1e9, 2);
    attack(0, 2);
    ticks(3);
    const lost = Array.from(world.health, (health, u) => world.healthMax[u]! - health);
    expect(lost.slice(0, 2)).toEqual([0, 0]);
    expect(lost.slice(2)).toEqual([18, 18, 18, 0, 0]);
  });

  it("a baneling dies of its attack and hurts all enemies within 2.2 world units of it", () => {
    const { world, place, attack, ticks } = battle(
      [
        ["baneling", 1],
        ["zergling", 1],
      ],
      [["marauder", 4]],
    );
    place(0, 16, 16);
    place(1, 16, 15.2);
    place(2, 17, 16);
    place(3, 18.1, 16);
    place(4, 16, 18.1);
    place(5, 16, 18.4);
    attack(0, 2);
    ticks(1);
    expect(world.alive[0]).toBe(0);
    expect(world.health[1]).toBe(35);
    expect(Array.from(world.health.slice(2), (health) => 125 - health)).toEqual([15, 15, 15, 0]);
  });

  it("a baneling that is killed bursts too", () => {
    const { world, place, attack, ticks } = battle([["marine", 2]], [["baneling", 1]]);
    place(0, 16, 16);
    place(1, 18, 16);
    place(2, 17, 16);
    world.health[2] = 1;
    world.period[2] = 1e9;
    world.cooldown[2] = 100;
    attack(1, 2);
    ticks(2);
    expect(world.alive[2]).toBe(0);
    expect([world.health[0], world.health[1]]).toEqual([10, 10]);
  });
});

describe("movement", () => {
  it.each([
    ["marine", 3.15],
    ["zealot", 3.15],
    ["stalker", 4.13],
    ["medivac", 3.5],
    ["baneling", 3.5],
    ["zergling", 4.13],
    ["hydralisk", 3.15],
    ["colossus", 3.15],
  ] as const)("a %s walks %f world units a second", (type, speed) => {
    const { world, place, move, ticks } = battle([[type, 1]], [["spine-crawler", 1]]);
    place(0, 2, 2);
    move(0, 30, 2);
    ticks(112);
    expect(world.x[0]! - 2).toBeCloseTo(5 * speed, 6);
  });

  it("an attack that has begun is called off by a move, and cannot be by the same order", () => {
    const { world, place, attack, move, ticks } = battle([["hydralisk", 1]], [["marauder", 1]]);
    place(0, 12, 16);
    place(1, 16, 16);
    world.period[1] = 1e9;
    world.cooldown[1] = 1e9;
    attack(0, 1);
    ticks(3);
    expect(world.windUp[0]).toBe(1);
    expect(world.health[1]).toBe(125);
    move(0, 12, 20);
    ticks(5);
    expect(world.health[1]).toBe(125);
    attack(0, 1);
    ticks(4);
    expect(world.health[1]).toBe(125 - 11);
  });

  it("units of one layer part; flyers and colossi pass over the others", () => {
    const { world, place, ticks } = battle(
      [
        ["zealot", 2],
        ["colossus", 1],
        ["medivac", 1],
      ],
      [["spine-crawler", 1]],
    );
    for (let u = 0; u < 4; u++) place(u, 8, 8);
    ticks(30);
    const apart = Math.hypot(world.x[0]! - world.x[1]!, world.y[0]! - world.y[1]!);
    expect(apart).toBeCloseTo(0.75, 2);
    expect([world.x[2], world.y[2], world.x[3], world.y[3]]).toEqual([8, 8, 8, 8]);
  });

  it("a colossus steps over the cliff that a zergling walks around by a ramp", () => {
    const { world, place, move, ticks } = battle(
      [
        ["colossus", 1],
        ["zergling", 1],
      ],
      [["spine-crawler", 1]],
      { terrain: ravine },
    );
    place(0, 12, 9);
    place(1, 12, 9);
    move(0, 12, 16);
    move(1, 12, 16);
    let west = 12;
    for (let tick = 0; tick < 200; tick++) {
      ticks(1);
      expect(world.isFree(1, world.x[1]!, world.y[1]!)).toBe(true);
      west = Math.min(west, world.x[1]!);
      // 7 world units at 3.15 a second.
      if (tick === 50) expect([world.x[0], world.y[0]]).toEqual([12, 16]);
    }
    expect(west).toBeLessThan(4);
    expect([world.x[1], world.y[1]]).toEqual([12, 16]);
  });
});
