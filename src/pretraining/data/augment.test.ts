import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { RandomStream } from "../../tensor/random.js";
import { applyChange, changeScores, drawBox, drawChange } from "./augment.js";
import { digits } from "./digits.js";
import { cropResize, mirror } from "./resize.js";

const rng = RandomStream.from(1, "augment");
const [H, W, C] = [12, 10, 3];
const picture = () => Float32Array.from({ length: H * W * C }, () => 0.2 + 0.6 * rng.uniform());

/** The same crop as one sum over all pixels, in float64, with the kernel written as Keys gives it. */
function slowly(pixels: Float32Array, box: { top: number; left: number; height: number; width: number }): number[] {
  const keys = (t: number) => {
    const x = Math.abs(t);
    const a = -0.5;
    if (x <= 1) return (a + 2) * x ** 3 - (a + 3) * x ** 2 + 1;
    return x < 2 ? a * x ** 3 - 5 * a * x ** 2 + 8 * a * x - 4 * a : 0;
  };
  const weight = (of: number, out: number, length: number, size: number) => {
    const scale = length / size;
    return keys((of + 0.5 - (out + 0.5) * scale) / Math.max(1, scale));
  };
  return Array.from({ length: H * W * C }, (_, i) => {
    const [y, x, c] = [Math.floor(i / (W * C)), Math.floor(i / C) % W, i % C];
    let [sum, total] = [0, 0];
    for (let r = 0; r < box.height; r++) {
      for (let k = 0; k < box.width; k++) {
        const w = weight(r, y, box.height, H) * weight(k, x, box.width, W);
        sum += w * pixels[((box.top + r) * W + box.left + k) * C + c]!;
        total += w;
      }
    }
    return Math.min(1, Math.max(0, sum / total));
  });
}

const boxes = [
  { top: 0, left: 0, height: H, width: W },
  { top: 3, left: 2, height: 7, width: 5 },
  { top: 5, left: 9, height: 1, width: 1 },
];

describe("a crop that is scaled up", () => {
  it.each(boxes)("equals float64 loops: $height×$width", (box) => {
    const pixels = picture();
    const out = Float32Array.of(...pixels, 7);
    cropResize(out, 0, [H, W, C], box);
    for (const [i, value] of slowly(pixels, box).entries()) expect(Math.abs(out[i]! - value)).toBeLessThan(1e-6);
    expect(out.at(-1)).toBe(7);
  });

  it("of everything changes nothing", () => {
    const pixels = picture();
    const out = pixels.slice();
    cropResize(out, 0, [H, W, C], boxes[0]!);
    for (const [i, value] of pixels.entries()) expect(out[i]).toBeCloseTo(value, 6);
  });

  const python = process.env.BATON_PYTHON ?? "/usr/bin/python3";
  const hasTorch = spawnSync(python, ["-c", "import torch"]).status === 0;
  it.skipIf(!hasTorch)("equals PyTorch's bicubic with antialias", { timeout: 60_000 }, () => {
    const pixels = picture();
    const box = boxes[1]!;
    const script = [
      "import json, sys, torch",
      "p, b, (H, W, C) = json.load(sys.stdin)",
      "x = torch.tensor(p).reshape(H, W, C).permute(2, 0, 1)[None]",
      "x = x[:, :, b['top']:b['top']+b['height'], b['left']:b['left']+b['width']]",
      "y = torch.nn.functional.interpolate(x, (H, W), mode='bicubic', antialias=True, align_corners=False)",
      "print(json.dumps(y[0].permute(1, 2, 0).clamp(0, 1).flatten().tolist()))",
    ].join("\n");
    const { stdout, stderr } = spawnSync(python, ["-c", script], {
      input: JSON.stringify([[...pixels], box, [H, W, C]]),
      encoding: "utf8",
    });
    expect(stderr).toBe("");
    cropResize(pixels, 0, [H, W, C], box);
    for (const [i, value] of (JSON.parse(stdout) as number[]).entries()) expect(Math.abs(pixels[i]! - value)).toBeLessThan(1e-5);
  });
});

describe("random boxes", () => {
  it("lie inside, with the areas and ratios that are asked for", () => {
    const areas: number[] = [];
    for (let i = 0; i < 2000; i++) {
      const { top, left, height, width } = drawBox(rng, 64, 48, 0.3);
      expect(Math.min(top, left)).toBeGreaterThanOrEqual(0);
      expect(top + height).toBeLessThanOrEqual(64);
      expect(left + width).toBeLessThanOrEqual(48);
      if (height === 64 && width === 48) continue; // ten tries did not fit
      areas.push((height * width) / (64 * 48));
      expect(width / height).toBeGreaterThan(0.7);
      expect(width / height).toBeLessThan(1.4);
    }
    expect(Math.min(...areas)).toBeGreaterThan(0.27);
    expect(Math.min(...areas)).toBeLessThan(0.33);
    expect(Math.max(...areas)).toBeGreaterThan(0.9);
  });

  it("are the whole where nothing is to be cut, and flips are half", () => {
    const data = digits({ seed: 0, samples: 1, size: 16, frames: 1 });
    const changes = Array.from({ length: 400 }, () => drawChange(rng, data, { crop: 1, flip: true }));
    expect(changes.every(({ box }) => box.height === 16 && box.width === 16)).toBe(true);
    const flips = changes.filter(({ flip }) => flip).length;
    expect(flips).toBeGreaterThan(160);
    expect(flips).toBeLessThan(240);
    expect(drawChange(rng, data, { crop: 1, flip: false }).flip).toBe(false);
  });
});

describe("changed samples", () => {
  it("are turned, and turned back", () => {
    const pixels = picture();
    const turned = pixels.slice();
    mirror(turned, 0, [H, W, C]);
    expect(turned[(4 * W + 1) * C + 2]).toBe(pixels[(4 * W + W - 2) * C + 2]);
    mirror(turned, 0, [H, W, C]);
    expect(turned).toEqual(pixels);
  });

  it("are changed alike in all frames, and their neighbours in a batch not at all", () => {
    const data = { ...digits({ seed: 0, samples: 1, size: H, frames: 2 }), width: W, channels: C };
    const frame = picture();
    const batch = Float32Array.of(...frame, ...frame, ...frame, ...frame);
    applyChange(batch, 2 * frame.length, data, { box: boxes[1]!, flip: true });
    const part = (k: number) => batch.slice(k * frame.length, (k + 1) * frame.length);
    expect([part(0), part(1)]).toEqual([frame, frame]);
    expect(part(2)).toEqual(part(3));
    expect(part(2)).not.toEqual(frame);
  });

  it("take the scores of their tokens along", () => {
    const grid = { frames: 1, rows: 4, columns: 4 };
    const size = { height: 16, width: 16 };
    const whole = { box: { top: 0, left: 0, height: 16, width: 16 }, flip: false };
    const scores = Float32Array.from({ length: 16 }, (_, t) => (t === 6 ? 1 : 0)); // row 1, column 2
    const best = (change: typeof whole) => {
      const found = [...changeScores(scores, grid, size, change)];
      return found.indexOf(Math.max(...found));
    };
    expect(best(whole)).toBe(6);
    expect(best({ ...whole, flip: true })).toBe(5);
    // The cell fills a quarter of this crop, rows 2 and 3 of its columns 0 and 1.
    expect([8, 9, 12, 13]).toContain(best({ box: { top: 0, left: 8, height: 8, width: 8 }, flip: false }));
    const flat = changeScores(new Float32Array(16).fill(0.3), grid, size, {
      box: { top: 3, left: 5, height: 7, width: 9 },
      flip: true,
    });
    for (const score of flat) expect(score).toBeCloseTo(0.3, 6);
    // A ramp from left to right stays one, and turns with the picture.
    const ramp = Float32Array.from({ length: 16 }, (_, t) => t % 4);
    const turned = changeScores(ramp, grid, size, { box: { top: 4, left: 4, height: 8, width: 8 }, flip: true });
    for (let c = 1; c < 4; c++) expect(turned[c]).toBeLessThan(turned[c - 1]!);
    expect(turned[0]! + turned[3]!).toBeCloseTo(3, 5);
  });
});
