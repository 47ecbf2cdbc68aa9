import { LineChart } from "echarts/charts";
import { GridComponent, LegendComponent, TitleComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { BatonError } from "../errors.js";

echarts.use([LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

/** What a learning curve needs of a line of metrics. */
export interface CurvePoint {
  readonly environmentSteps: number;
  /** Share of won evaluation episodes, 0 … 1. */
  readonly winRate?: number | undefined;
  /** Mean return of the evaluation episodes. */
  readonly meanReturn?: number | undefined;
  readonly updates?: number | undefined;
  /** What a pre-training brings down. */
  readonly loss?: number | undefined;
}

/** Each measure's axes. */
const measures = {
  winRate: { x: "environmentSteps", axis: { name: "win rate (%)", min: 0, max: 100 }, scale: 100 },
  meanReturn: { x: "environmentSteps", axis: { name: "mean return", scale: true }, scale: 1 },
  loss: { x: "updates", axis: { name: "loss", scale: true }, scale: 1 },
} as const;
type Measure = keyof typeof measures;

/** One run. */
export interface Curve {
  /** Stands in the legend, e.g. `seed 0`. */
  readonly name: string;
  readonly points: readonly CurvePoint[];
}

export interface CurveOptions {
  readonly title: string;
  /** Pixels. */
  readonly width?: number;
  /** Pixels. */
  readonly height?: number;
}

const ink = "#1b2430";
const muted = "#5f6b7a";
const grid = "#e4e8ed";
/** Told apart also by colour-blind readers. */
const palette = ["#2563c9", "#d1662a", "#2f9e58", "#8d4bbb", "#b3862b", "#2a9fb0", "#c2447e", "#5f6b7a"];

function shortSteps(steps: number): string {
  if (steps >= 1e6) return `${steps / 1e6}M`;
  return steps >= 1e3 ? `${steps / 1e3}k` : String(steps);
}

/**
 * The win rate if anything was ever won, since not every environment has winning; else the mean return; the loss where nothing was
 * evaluated, as in a pre-training.
 */
function measureOf(curves: readonly Curve[]): Measure | undefined {
  const points = curves.flatMap((curve) => curve.points);
  if (points.some(({ winRate = 0 }) => winRate > 0)) return "winRate";
  if (points.some(({ meanReturn }) => meanReturn !== undefined)) return "meanReturn";
  if (points.some(({ winRate }) => winRate !== undefined)) return "winRate";
  return points.some(({ loss }) => loss !== undefined) ? "loss" : undefined;
}

/** Takes out what only a live chart needs (hover styles, data marks), and the numbers that count charts within the process. */
function asPicture(svg: string): string {
  return svg
    .replace(/<style >.*?<\/style>\n?/s, "")
    .replaceAll(/ (?:class|ecmeta_\w+|pointer-events)="[^"]*"/g, "")
    .replaceAll(/\bzr\d+-/g, "curve-");
}

/**
 * A learning curve as an SVG picture: win rate against environment steps, the mean return where nothing was ever won, or a pre-training's
 * loss against updates. One line for each run. The same curves give the same text.
 *
 * @throws BatonError "invalid-value" when no curve has a point to draw.
 *
 * @example
 * renderCurveSvg([{ name: "seed 0", points: readMetrics(run) }], { title: "ACE on skirmish/3m" });
 */
export function renderCurveSvg(curves: readonly Curve[], { title, width = 760, height = 420 }: CurveOptions): string {
  const key = measureOf(curves);
  if (!key) {
    throw new BatonError("invalid-value", `no evaluation to draw in "${title}"`, {
      hint: "let the run reach its first evaluation",
    });
  }
  const { x, axis: value, scale } = measures[key];
  const axis = { nameTextStyle: { color: muted }, axisLabel: { color: muted }, nameLocation: "middle" as const };
  const series = curves.map(({ name, points }) => ({
    ...{ type: "line" as const, name, symbol: "circle", symbolSize: 4, lineStyle: { width: 2 }, animation: false },
    data: points.flatMap((point) => (point[key] === undefined ? [] : [[point[x] ?? 0, scale * point[key]]])),
  }));

  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width, height });
  try {
    chart.setOption({
      animation: false,
      backgroundColor: "#ffffff",
      color: palette,
      title: { text: title, left: 20, top: 14, textStyle: { color: ink, fontSize: 16, fontWeight: 600 } },
      legend: { show: curves.length > 1, right: 20, top: 16, icon: "roundRect", itemHeight: 4, textStyle: { color: ink } },
      grid: { left: 64, right: 28, top: 58, bottom: 56 },
      xAxis: {
        ...axis,
        ...{ type: "value", name: key === "loss" ? "updates" : "environment steps", nameGap: 32, splitLine: { show: false } },
        axisLabel: { color: muted, formatter: shortSteps },
        axisLine: { lineStyle: { color: grid } },
      },
      yAxis: {
        ...axis,
        ...{ type: "value", nameGap: 44, splitLine: { lineStyle: { color: grid } } },
        ...value,
      },
      series,
    });
    return asPicture(chart.renderToSVGString());
  } finally {
    chart.dispose();
  }
}
