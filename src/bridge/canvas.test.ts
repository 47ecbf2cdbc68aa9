import { describe, expect, it } from "vitest";
import { Canvas, isDrawing } from "./canvas.js";

describe("Canvas", () => {
  it("draws each copy with the numbers that it kept last", () => {
    const canvas = new Canvas(2, { types: ["marine", "zealot"], units: 2 });
    const marine = [1, 2, 0.5, 0, 0, 1, 45, 45, 0, 0];
    const zealot = [3, 4, 0.75, 1, 1, 0, 0, 100, 0, 50];
    canvas.keep([1, 0], Float32Array.from([...marine, ...zealot, ...zealot, ...zealot]), Float32Array.of(32, 16, 8, 9));
    canvas.keep([0], Float32Array.from([...zealot, ...marine]), Float32Array.of(8, 9));
    expect(canvas.frame(1)).toEqual({
      width: 32,
      height: 16,
      units: [
        { x: 1, y: 2, radius: 0.5, team: 0, type: "marine", alive: true, health: 45, healthMax: 45, shield: 0, shieldMax: 0 },
        { x: 3, y: 4, radius: 0.75, team: 1, type: "zealot", alive: false, health: 0, healthMax: 100, shield: 0, shieldMax: 50 },
      ],
    });
    expect(canvas.frame(0)).toMatchObject({ width: 8, height: 9, units: [{ type: "zealot" }, { type: "marine" }] });
  });

  it.each([
    undefined,
    null,
    {},
    { types: [1], units: 1 },
    { types: [], units: 0 },
    { types: [], units: 1e9 },
    { types: [], units: 1.5 },
  ])("takes no such description: %j", (value) => expect(isDrawing(value)).toBe(false));
});
