// Horizontal bars on a logarithmic axis, each with its label and its value in writing.

import * as Plot from "@observablehq/plot";
import type { Interval } from "../../bench/statistics.js";
import { formatTick } from "./figures.js";
import { type Chart, colourOf, draw, GRID, INK, PAPER, QUIET, widthOf } from "./plot.js";
import { logTicks } from "./scale.js";

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** The value in writing. */
  readonly text: string;
  /** Drawn as a whisker. */
  readonly interval: Interval;
  /** Number of its colour. */
  readonly colour: number;
  /** Another value, drawn as a hollow diamond. */
  readonly mark?: number;
}

/** Bars that stand together, under a heading if it has one. */
export interface Cluster {
  readonly heading?: string;
  readonly bars: readonly Bar[];
}

/** The meaning of a colour or shape. */
export interface Key {
  readonly text: string;
  /** Number of a colour; a hollow diamond if left out. */
  readonly colour?: number;
}

export interface BarOptions {
  readonly title: string;
  readonly axis: string;
  readonly keys: readonly Key[];
  /** The quotient of neighbouring ticks. */
  readonly base: number;
  /** Bars grow from 1, to either side, instead of from the end of the axis. */
  readonly fromOne: boolean;
}

const [PLOT, ROW, TOP, KEYS, GAP] = [400, 24, 42, 26, 8];
const DIAMOND = { symbol: "diamond", r: 4.5, fill: PAPER, stroke: INK, strokeWidth: 1.5 } as const;

/** A row of the chart: a bar, or the heading of a cluster. */
interface Row {
  readonly id: string;
  readonly heading?: string;
  readonly bar?: Bar;
}

/** A chart of `clusters`. */
export function barChart({ title, axis, keys, base, fromOne }: BarOptions, clusters: readonly Cluster[]): Chart {
  const rows = clusters.flatMap(({ heading, bars }, i): Row[] => [
    ...(heading === undefined ? [] : [{ id: `${i}`, heading }]),
    ...bars.map((bar, j) => ({ id: `${i}.${j}`, bar })),
  ]);
  const drawn = rows.flatMap(({ id, bar }) => (bar === undefined ? [] : [{ id, bar }]));
  const bars = drawn.map(({ bar }) => bar);
  const values = bars.flatMap(({ value, interval, mark }) => [value, ...interval, mark ?? value]);
  const ticks = logTicks(fromOne ? [1, ...values] : values, base, 7);
  const [least, most] = [ticks[0] as number, ticks.at(-1) as number];
  const within = (value: number) => Math.min(Math.max(value, least), most);
  const origin = fromOne ? 1 : least;
  const y = "id";
  const left = Math.ceil(Math.max(0, ...bars.map(({ label }) => widthOf(label))) + 12);
  const right = Math.ceil(Math.max(0, ...bars.map(({ text }) => widthOf(text))) + 16);
  const legend = keys.length === 0 ? 0 : KEYS;
  const top = TOP + legend;
  const marks = drawn.flatMap(({ id, bar: { mark } }) => (mark === undefined ? [] : [{ id, x: within(mark) }]));
  const end = ({ value, interval, mark }: Bar) => within(Math.max(origin, value, interval[1], mark ?? 0));
  return draw({
    title,
    description: `${axis}. ${clusters.map(describe).join(" ")}`,
    width: left + PLOT + right,
    height: top + ROW * rows.length + GAP,
    ...{ marginLeft: left, marginRight: right, marginTop: top, marginBottom: GAP },
    x: { type: "log", base, domain: [least, most] },
    y: { type: "band", domain: rows.map(({ id }) => id), padding: 0.42, axis: null },
    marks: [
      Plot.gridX(ticks, { stroke: GRID, strokeOpacity: 1 }),
      Plot.axisX(ticks, { anchor: "top", tickSize: 0, tickFormat: formatTick, fill: QUIET, label: null }),
      Plot.text([axis], { frameAnchor: "top-left", dx: -left, dy: -top + 6, textAnchor: "start", fill: QUIET }),
      keysOf(keys, -left, KEYS + 6 - top),
      Plot.barX(drawn, {
        ...{ x1: origin, x2: ({ bar }) => within(bar.value), y, rx: 1.5 },
        fill: ({ bar }) => colourOf(bar.colour),
        title: ({ bar }) => `${bar.label}: ${bar.text}`,
      }),
      fromOne ? Plot.ruleX([1], { stroke: QUIET, strokeWidth: 1.5, strokeDasharray: "5 4" }) : null,
      Plot.link(drawn, {
        ...{ x1: ({ bar }) => within(bar.interval[0]), x2: ({ bar }) => within(bar.interval[1]), y1: y, y2: y },
        ...{ stroke: INK, strokeWidth: 1.25 },
      }),
      [0, 1].map((side) => Plot.tickX(drawn, { x: ({ bar }) => within(bar.interval[side] as number), y, stroke: INK, inset: 3 })),
      Plot.dot(marks, { x: "x", y, ...DIAMOND }),
      Plot.text(drawn, { x: ({ bar }) => end(bar), y, text: ({ bar }) => bar.text, textAnchor: "start", dx: GAP, ...halo }),
      Plot.text(drawn, { frameAnchor: "left", y, text: ({ bar }) => bar.label, textAnchor: "end", dx: -GAP, fill: INK }),
      Plot.text(
        rows.filter(({ heading }) => heading !== undefined),
        { frameAnchor: "left", y, text: "heading", textAnchor: "start", dx: -left, dy: 4, fill: INK, className: "head" },
      ),
    ],
  });
}

/** Text that stays readable on a line of the grid. */
const halo = { fill: INK, stroke: PAPER, strokeWidth: 3 } as const;

function keysOf(keys: readonly Key[], left: number, dy: number): Plot.Markish {
  let dx = left;
  return keys.map(({ text, colour }) => {
    const at = { frameAnchor: "top-left", dy } as const;
    const sign = { ...at, dx: dx + 6 };
    const marks = [
      colour === undefined
        ? Plot.dot([0], { ...sign, ...DIAMOND })
        : Plot.dot([0], { ...sign, symbol: "square", r: 6, fill: colourOf(colour) }),
      Plot.text([text], { ...at, dx: dx + 18, textAnchor: "start", fill: QUIET }),
    ];
    dx += 40 + widthOf(text);
    return marks;
  });
}

function describe({ heading, bars }: Cluster): string {
  return `${heading === undefined ? "" : `${heading}: `}${bars.map(({ label, text }) => `${label} ${text}`).join("; ")}.`;
}
