// Horizontal bars on a logarithmic axis, each with its label and its value in writing.

import type { Interval } from "../../bench/statistics.js";
import { formatTick } from "./figures.js";
import { type Content, element, plain } from "./markup.js";
import { logScale, type Scale } from "./scale.js";
import { CHARACTER, type Chart, COLOURS } from "./svg.js";

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

/** What a colour or shape means. */
export interface Key {
  readonly text: string;
  /** Number of a colour; a hollow diamond if left out. */
  readonly colour?: number;
}

export interface BarOptions {
  readonly title: string;
  readonly axis: string;
  readonly keys: readonly Key[];
  /** What neighbouring ticks differ by. */
  readonly base: number;
  /** Whether bars grow from 1, to either side, instead of from the end of the axis. */
  readonly fromOne: boolean;
}

const [PLOT, ROW, THICK, HEADING, AXIS] = [420, 22, 12, 30, 24];

/** A chart of `clusters`. */
export function barChart({ title, axis, keys, base, fromOne }: BarOptions, clusters: readonly Cluster[]): Chart {
  const bars = clusters.flatMap((cluster) => cluster.bars);
  const left = 12 + CHARACTER * Math.max(0, ...bars.map(({ label }) => label.length));
  const values = bars.flatMap(({ value, interval, mark }) => [value, ...interval, mark ?? value]);
  const scale = logScale(fromOne ? [1, ...values] : values, left, left + PLOT, base, 7);
  const origin = fromOne ? scale.at(1) : left;
  const legend = keys.length === 0 ? 0 : 26;
  const top = 20 + legend + AXIS;

  let y = top;
  const rows: Content[] = [];
  for (const { heading, bars: together } of clusters) {
    if (heading !== undefined) {
      rows.push(element("text", { class: "head", x: 0, y: y + HEADING - 8 }, heading));
      y += HEADING;
    }
    for (const bar of together) {
      rows.push(drawBar(bar, scale, origin, left, y + ROW / 2));
      y += ROW;
    }
  }
  const line = (name: string, x: number) => element("line", { class: name, x1: x, x2: x, y1: top - 4, y2: y + 4 });
  return {
    width: left + PLOT + 20 + CHARACTER * Math.max(0, ...bars.map(({ text }) => text.length)),
    height: y + 10,
    title,
    description: `${axis}. ${clusters.map(describe).join(" ")}`,
    content: [
      element("text", { class: "quiet", x: 0, y: 12 }, axis),
      drawKeys(keys, 38),
      scale.ticks.map((tick) => [
        line("grid", scale.at(tick)),
        element("text", { class: "quiet", x: scale.at(tick), y: top - 10, "text-anchor": "middle" }, formatTick(tick)),
      ]),
      rows,
      fromOne ? line("one", origin) : [],
    ],
  };
}

function drawBar({ label, value, text, interval, colour, mark }: Bar, scale: Scale, origin: number, left: number, y: number): Content {
  const [from, to] = [Math.min(origin, scale.at(value)), Math.max(origin, scale.at(value))];
  const [lower, upper] = interval.map(scale.at) as [number, number];
  const marked = mark === undefined ? [] : [scale.at(mark)];
  return [
    element("text", { x: left - 10, y: y + 4, "text-anchor": "end" }, label),
    element(
      "rect",
      { class: `f${colour % COLOURS}`, x: from, y: y - THICK / 2, width: Math.max(to - from, 1), height: THICK, rx: 1.5 },
      plain("title", `${label}: ${text}`),
    ),
    element("path", { class: "whisker", d: `M${lower.toFixed(2)} ${y - 3}v6m0 -3H${upper.toFixed(2)}m0 -3v6` }),
    marked.map((x) => diamond(x, y)),
    element("text", { x: Math.max(to, upper, ...marked.map((x) => x + 5)) + 8, y: y + 4 }, text),
  ];
}

function drawKeys(keys: readonly Key[], y: number): Content {
  let x = 0;
  return keys.map(({ text, colour }) => {
    const sign =
      colour === undefined
        ? diamond(x + 6, y - 4)
        : element("rect", { class: `f${colour % COLOURS}`, x, y: y - 10, width: 12, height: 12, rx: 1.5 });
    const key = [sign, element("text", { class: "quiet", x: x + 18, y }, text)];
    x += 42 + CHARACTER * text.length;
    return key;
  });
}

function diamond(x: number, y: number): Content {
  return element("path", { class: "hollow", d: `M${x.toFixed(2)} ${y - 4.5}l4.5 4.5l-4.5 4.5l-4.5 -4.5z` });
}

function describe({ heading, bars }: Cluster): string {
  return `${heading === undefined ? "" : `${heading}: `}${bars.map(({ label, text }) => `${label} ${text}`).join("; ")}.`;
}
