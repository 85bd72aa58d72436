// Lines, each named at its end, with a band around it where it stands for several values or an uncertain one.

import * as Plot from "@observablehq/plot";
import { type Chart, colourOf, draw, GRID, INK, PAPER, QUIET, widthOf } from "./plot.js";
import { spread } from "./scale.js";

/** A point of a line, and the ends of its band. */
export interface Point {
  readonly x: number;
  readonly y: number;
  readonly lower?: number;
  readonly upper?: number;
  /** A text for it, which also makes it a dot. */
  readonly title?: string;
}

export interface Line {
  readonly name: string;
  /** By ascending x. */
  readonly points: readonly Point[];
  /** Number of its colour. */
  readonly colour: number;
  readonly dashed?: boolean;
}

/** An axis. Points beyond its ends are not drawn. */
export interface Axis {
  readonly label: string;
  readonly from: number;
  readonly to: number;
  /** The base of a logarithmic axis. */
  readonly base?: number;
  readonly ticks?: readonly number[];
  readonly format?: (tick: number) => string;
}

export interface LineOptions {
  readonly title: string;
  readonly description: string;
  readonly x: Axis;
  readonly y: Axis;
  /** A value of y at which a line of reference is drawn. */
  readonly rule?: number;
}

const [LEFT, TOP, PLOT, HEIGHT, BOTTOM, GAP, ROW, SAMPLE] = [48, 34, 500, 300, 48, 12, 18, 22];

/** About how many ticks an axis has that names none. */
const TICKS = 6;

/** A chart of `lines`. */
export function lineChart({ title, description, x, y, rule }: LineOptions, lines: readonly Line[]): Chart {
  const drawn = lines.map((line) => ({ ...line, points: line.points.filter((point) => has(x, point.x) && has(y, point.y)) }));
  const width = LEFT + PLOT + Math.ceil(GAP + SAMPLE + 24 + Math.max(0, ...lines.map(({ name }) => widthOf(name))));
  const height = TOP + HEIGHT + BOTTOM;
  const across = Plot.scale({ x: { ...scaleOf(x), range: [LEFT, LEFT + PLOT] } }) as Required<Plot.Scale>;
  const up = Plot.scale({ y: { ...scaleOf(y), range: [TOP + HEIGHT, TOP] } }) as Required<Plot.Scale>;
  // Names stand to the right of the frame, at places in pixels.
  const at = (left: number, top: number) => ({ x: across.invert(LEFT + PLOT + left), y: up.invert(top) });
  const clamped = (value: number) => Math.min(Math.max(value, y.from), y.to);
  const ended = drawn.filter(({ points }) => points.length > 0);
  const labels = spread(
    ended.map(({ points }) => up.apply((points.at(-1) as Point).y)),
    ROW,
    TOP,
    TOP + HEIGHT,
  );
  const format = ({ format = String }: Axis) => format;
  return draw({
    ...{ title, description, width, height },
    ...{ marginLeft: LEFT, marginTop: TOP, marginBottom: BOTTOM, marginRight: width - LEFT - PLOT },
    x: scaleOf(x),
    y: scaleOf(y),
    marks: [
      Plot.gridX({ ticks: x.ticks ?? TICKS, stroke: GRID, strokeOpacity: 1 }),
      Plot.gridY({ ticks: y.ticks ?? TICKS, stroke: GRID, strokeOpacity: 1 }),
      Plot.axisX({
        ticks: x.ticks ?? TICKS,
        tickSize: 0,
        fill: QUIET,
        tickFormat: format(x),
        label: x.label,
        labelAnchor: "center",
        labelArrow: "none",
      }),
      Plot.axisY({ ticks: y.ticks ?? TICKS, tickSize: 0, fill: QUIET, tickFormat: format(y), label: null }),
      Plot.text([y.label], { frameAnchor: "top-left", dx: -LEFT, dy: -TOP + 6, textAnchor: "start", fill: QUIET }),
      rule === undefined ? null : Plot.ruleY([rule], { stroke: QUIET, strokeWidth: 1.5, strokeDasharray: "5 4" }),
      drawn.map(({ points, colour }) =>
        Plot.areaY(points, {
          ...{ x: "x", y1: (point: Point) => clamped(point.lower ?? point.y), y2: (point: Point) => clamped(point.upper ?? point.y) },
          ...{ fill: colourOf(colour), fillOpacity: 0.16 },
        }),
      ),
      drawn.map(({ points, colour, dashed }) => [
        Plot.lineY(points, { x: "x", y: "y", ...strokeOf(colour, dashed) }),
        Plot.dot(
          points.filter((point) => point.title !== undefined),
          { x: "x", y: "y", fill: colourOf(colour), r: 3.5, title: "title" },
        ),
      ]),
      // From the end of each line to its name.
      ended.map(({ name, points, colour, dashed }, i) => {
        const top = labels[i] as number;
        const [begin, end] = [at(GAP, top), at(GAP + SAMPLE, top)];
        const last = points.at(-1) as Point;
        // Level and dotted up to the edge, so that it is no part of the curve.
        const edge: Point = { x: x.to, y: last.y };
        return [
          Plot.line([last, edge, begin], { x: "x", y: "y", stroke: colourOf(colour), strokeWidth: 1, strokeDasharray: "1 3" }),
          Plot.line([begin, end], { x: "x", y: "y", ...strokeOf(colour, dashed) }),
          Plot.text([end], { x: "x", y: "y", text: () => name, dx: 8, textAnchor: "start", fill: INK, stroke: PAPER, strokeWidth: 3 }),
        ];
      }),
    ],
  });
}

function strokeOf(colour: number, dashed = false) {
  return { stroke: colourOf(colour), strokeWidth: 2, ...(dashed ? { strokeDasharray: "6 4" } : {}) };
}

function scaleOf({ from, to, base }: Axis): Plot.ScaleOptions {
  return { domain: [from, to], ...(base === undefined ? { type: "linear" } : { type: "log", base }) };
}

function has({ from, to }: Axis, value: number): boolean {
  return value >= from && value <= to;
}
