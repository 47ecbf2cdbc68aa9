/** Shapes that tell unit types apart: points on the unit circle, y downwards; null is the circle itself. */
export type Shape = readonly (readonly [number, number])[] | null;

/** A regular polygon of `corners`, first corner at `turn` turns clockwise from the top, blown up to look as large as the circle. */
function polygon(corners: number, turn: number, size: number): Shape {
  return Array.from({ length: corners }, (_, k) => {
    const angle = 2 * Math.PI * (turn + k / corners - 0.25);
    return [size * Math.cos(angle), size * Math.sin(angle)] as const;
  });
}

const shapes: readonly Shape[] = [
  null,
  polygon(4, 1 / 8, 1.25),
  polygon(3, 0, 1.4),
  polygon(4, 0, 1.3),
  polygon(6, 0, 1.12),
  polygon(5, 0, 1.18),
  polygon(3, 1 / 2, 1.4),
  polygon(8, 1 / 16, 1.08),
];

/** The shape of the k-th unit type of an episode. */
export function shapeOf(type: number): Shape {
  return shapes[type % shapes.length] ?? null;
}

/** How far a shape of radius 1 reaches upwards. */
export function topOf(shape: Shape): number {
  return shape === null ? 1 : Math.max(...shape.map(([, dy]) => -dy));
}

/** Traces a shape around (x, y) as the canvas's current path. */
export function traceShape(context: CanvasRenderingContext2D, shape: Shape, x: number, y: number, radius: number): void {
  context.beginPath();
  if (shape === null) {
    context.arc(x, y, radius, 0, 2 * Math.PI);
    return;
  }
  for (const [dx, dy] of shape) context.lineTo(x + radius * dx, y + radius * dy);
  context.closePath();
}

/** The same shape as an SVG path around the origin. */
export function shapePath(shape: Shape, radius: number): string {
  const f = (value: number) => (value * radius).toFixed(2);
  if (shape === null) return `M${f(-1)} 0A${radius} ${radius} 0 1 1 ${f(1)} 0A${radius} ${radius} 0 1 1 ${f(-1)} 0Z`;
  return `M${shape.map(([dx, dy]) => `${f(dx)} ${f(dy)}`).join("L")}Z`;
}
