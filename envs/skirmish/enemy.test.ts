import { describe, expect, it } from "vitest";
import { battle } from "../../test/skirmish/battle.js";
import { corridor } from "./terrains.js";

const period = 8;
const home = { x: 8, y: 16 };

describe("the enemy at difficulty 7", () => {
  it("attacks towards the team's spawn, and waits when it is there", () => {
    const { world, place, orderOf, ticks } = battle([["marine", 1]], [["marine", 1]], { attack: home });
    place(0, 8, 31);
    ticks(period);
    expect(orderOf(1)).toBe("move");
    ticks(200);
    expect(orderOf(1)).toBe("none");
    expect(Math.hypot(world.x[1]! - home.x, world.y[1]! - home.y)).toBeLessThanOrEqual(2);
  });

  it("takes the nearest target in scan range: 5 world units between edges, or its own range and a half", () => {
    const { place, orderOf, ticks } = battle([["marine", 2]], [["zealot", 1]]);
    place(2, 16, 16);
    place(0, 16 - 5.8, 16);
    place(1, 16, 16 + 5.9);
    ticks(period);
    expect(orderOf(2)).toBe("attack 0");

    const far = battle([["marine", 1]], [["stalker", 1]]);
    far.place(1, 16, 16);
    far.place(0, 16 - 6.5 - 1 - 0.1, 16);
    far.ticks(period);
    expect(far.orderOf(1)).toBe("none");
    far.place(0, 16 - 6.5 - 1 + 0.1, 16);
    far.ticks(period);
    expect(far.orderOf(1)).toBe("attack 0");
  });

  it("prefers those that can hit back", () => {
    const { world, place, orderOf, ticks } = battle(
      [
        ["marine", 1],
        ["medivac", 1],
      ],
      [["marine", 1]],
    );
    place(2, 16, 16);
    place(1, 14, 16);
    place(0, 12, 16);
    ticks(period);
    expect(orderOf(2)).toBe("attack 0");
    world.alive[0] = 0;
    ticks(period);
    expect(orderOf(2)).toBe("attack 1");
  });

  it("stays with a target that it can reach, and leaves one that it cannot for one that comes near", () => {
    const { world, place, orderOf, ticks } = battle([["marauder", 2]], [["marine", 1]]);
    place(2, 16, 16);
    place(0, 12, 16);
    place(1, 30, 30);
    ticks(period);
    expect(orderOf(2)).toBe("attack 0");
    place(1, 14, 16);
    ticks(period);
    expect(orderOf(2)).toBe("attack 0");
    place(0, 9, 16);
    world.unhurt.fill(1000);
    ticks(period);
    expect(orderOf(2)).toBe("attack 1");
  });

  it("prefers whoever attacks it to who only could", () => {
    const { place, attack, move, orderOf, ticks } = battle([["marine", 2]], [["zealot", 1]]);
    place(2, 16, 16);
    place(0, 12, 16);
    place(1, 16, 16 + 5.5);
    ticks(period);
    expect(orderOf(2)).toBe("attack 0");
    attack(1, 2);
    ticks(period);
    expect(orderOf(2)).toBe("attack 1");
    move(1, 16, 30);
    attack(0, 2);
    ticks(period);
    expect(orderOf(2)).toBe("attack 0");
  });

  it("takes the nearest whoever attacks it, where it is told to", () => {
    const { place, attack, orderOf, ticks } = battle([["marine", 2]], [["zealot", 1]], {}, "7", "nearest");
    place(2, 16, 16);
    place(0, 12, 16);
    place(1, 16, 16 + 5.5);
    attack(1, 2);
    ticks(period);
    expect(orderOf(2)).toBe("attack 0");
  });

  it("leaves a target that it can reach for one that attacks it, if it can reach that one too", () => {
    for (const [x, says] of [
      [12, "attack 1"],
      [5, "attack 0"],
    ] as const) {
      const { world, place, attack, orderOf, ticks } = battle([["stalker", 2]], [["marine", 1]]);
      place(2, 16, 16);
      place(0, 13, 16);
      place(1, 30, 30);
      ticks(period);
      expect(orderOf(2)).toBe("attack 0");
      place(1, x, 16);
      attack(1, 2);
      world.health[2] = 1000;
      ticks(2 * period);
      expect(orderOf(2)).toBe(says);
    }
  });

  it("turns on who shoots at it from out of its scan range, and comes to the help of comrades", () => {
    const { world, place, attack, orderOf, ticks } = battle([["stalker", 1]], [["zealot", 2]]);
    place(1, 16, 16);
    place(2, 19, 16);
    place(0, 16 - 7, 16);
    ticks(period);
    expect([orderOf(1), orderOf(2)]).toEqual(["none", "none"]);
    attack(0, 1);
    for (let k = 0; k < 12 && world.shield[1] === 50; k++) ticks(1);
    expect(world.shield[1]).toBe(37);
    ticks(period);
    expect([orderOf(1), orderOf(2)]).toEqual(["attack 0", "attack 0"]);
  });

  it("chases out of scan range, up to 10 world units between centres", () => {
    const { place, orderOf, ticks } = battle([["marine", 1]], [["zealot", 1]], { attack: home });
    place(1, 16, 16);
    place(0, 12, 16);
    ticks(period);
    place(0, 16, 16 + 8.5);
    place(1, 16, 16);
    ticks(period);
    expect(orderOf(1)).toBe("attack 0");
    place(1, 16, 16);
    place(0, 16, 28);
    ticks(period);
    expect(orderOf(1)).toBe("move");
  });

  it("heals the nearest who is hurt with its medivacs, and follows the fighters with them", () => {
    const { world, place, orderOf, ticks } = battle(
      [["marine", 1]],
      [
        ["marine", 2],
        ["medivac", 1],
      ],
    );
    place(0, 2, 2);
    place(1, 16, 16);
    place(2, 17, 16);
    place(3, 18, 16);
    world.health[1] = 10;
    ticks(period);
    expect(orderOf(3)).toBe("heal 1");
    ticks(200);
    expect(world.health[1]).toBe(45);
    place(1, 24, 24);
    place(2, 24, 25);
    ticks(period);
    expect(orderOf(3)).toBe("move");
  });

  it("finds its way through a corridor", () => {
    const { world, place, ticks } = battle([["marine", 1]], [["zergling", 1]], { attack: { x: 4.5, y: 4.5 }, terrain: corridor });
    place(0, 28, 28);
    place(1, 18, 19);
    world.alive[0] = 0;
    ticks(200);
    expect(Math.hypot(world.x[1]! - 4.5, world.y[1]! - 4.5)).toBeLessThan(2);
  });
});

describe("other levels", () => {
  it("below 7 decide more slowly, above they go after agents who hide", () => {
    const first = (difficulty: "1" | "4" | "7" | "A") => {
      const { place, orderOf, ticks } = battle([["marine", 1]], [["marine", 1]], { attack: home }, difficulty);
      place(0, 31, 31);
      for (let tick = 1; tick < 100; tick++) {
        ticks(1);
        if (orderOf(1) !== "none") return [orderOf(1), tick];
      }
      return [];
    };
    expect(first("1")).toEqual(["move", 40]);
    expect(first("4")).toEqual(["move", 16]);
    expect(first("7")).toEqual(["move", 8]);
    expect(first("A")).toEqual(["attack 0", 8]);
  });
});
